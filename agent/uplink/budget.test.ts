import { describe, expect, it } from "vitest";
import { forecastBytes, type MonthUse, NO_USE, withReading } from "./budget.ts";
import {
  type BudgetOutlook,
  DEGRADATION_STEPS,
  type Degradation,
  degradationNow,
  forNewMonth,
  LAST_STEP,
  NO_DEGRADATION,
} from "./degradation.ts";
import { createMonths } from "./month.ts";

const HOUR = 3_600_000;
const MB = 1_000_000;
const at = (bootId: string, hour: number, total: number, name = "wwan0") => ({
  bootId,
  bootMs: hour * HOUR,
  interface: name,
  rx: total * 0.25,
  tx: total * 0.75,
});

describe("bytes of a month", () => {
  const after = (...readings: [reading: ReturnType<typeof at>, month?: string][]): MonthUse =>
    readings.reduce((use, [reading, month = "2026-05"]) => withReading(use, reading, month), NO_USE);

  it("are what the counters grew by; what they showed at first belongs to nobody", () => {
    expect(after([at("a", 0, 5_000)], [at("a", 1, 6_000)], [at("a", 2, 9_000)])).toMatchObject({ bytes: 4_000 });
  });

  it("go on after a restart of the process, which reads the same counters of the same boot", () => {
    const before = after([at("a", 0, 100)], [at("a", 1, 300)]);
    const kept = JSON.parse(JSON.stringify(before)) as MonthUse;
    expect(withReading(kept, at("a", 5, 1_000), "2026-05").bytes).toBe(900);
  });

  it("after a reboot, or with an interface that was made anew, are all that the counters show", () => {
    expect(after([at("a", 0, 100)], [at("a", 1, 300)], [at("b", 0.1, 50)]).bytes).toBe(250);
    expect(after([at("a", 0, 100)], [at("a", 1, 300)], [at("a", 2, 70)]).bytes).toBe(270);
    expect(after([at("a", 0, 100)], [at("a", 1, 300)], [at("a", 2, 900, "eth0")]).bytes).toBe(1_100);
  });

  it("begin at 0 with a new month, and with a clock that can't be trusted stay in the old one", () => {
    const may = after([at("a", 0, 0)], [at("a", 1, 500)]);
    expect(withReading(may, at("a", 2, 700), undefined)).toMatchObject({ month: "2026-05", bytes: 700 });
    expect(withReading(may, at("a", 2, 700), "2026-06")).toMatchObject({ month: "2026-06", bytes: 200 });
    const unsure = withReading(withReading(NO_USE, at("a", 0, 0), undefined), at("a", 1, 400), undefined);
    expect(withReading(unsure, at("a", 2, 500), "2026-05")).toMatchObject({ month: "2026-05", bytes: 500 });
  });

  it("are forecast by the pace of the newest day", () => {
    let use = withReading(NO_USE, at("a", 0, 0), "2026-05");
    for (let hour = 1; hour <= 48; hour++) use = withReading(use, at("a", hour, hour * 1_000), "2026-05");
    expect(use.bytesPerHour).toBeCloseTo(1_000);
    for (let hour = 49; hour <= 168; hour++) {
      use = withReading(use, at("a", hour, 48_000 + (hour - 48) * 10), "2026-05");
    }
    expect(use.bytesPerHour).toBeLessThan(20);
    const month = { key: "2026-05", startMs: 0, endMs: 200 * HOUR };
    expect(forecastBytes({ ...use, bytesPerHour: 1_000 }, month, 190 * HOUR)).toBe(use.bytes + 10_000);
  });
});

describe("months", () => {
  const monthIn = (zone: string, iso: string) => createMonths(() => zone)(Date.parse(iso));

  it("begin at midnight in the station's time zone, on both sides of a change of clocks", () => {
    expect(monthIn("Europe/Berlin", "2026-10-31T23:30:00Z").key).toBe("2026-11");
    expect(monthIn("Europe/Berlin", "2026-10-31T22:30:00Z")).toEqual({
      key: "2026-10",
      startMs: Date.parse("2026-09-30T22:00:00Z"),
      endMs: Date.parse("2026-10-31T23:00:00Z"),
    });
    expect(monthIn("Pacific/Auckland", "2026-12-31T11:30:00Z").key).toBe("2027-01");
    expect(monthIn("America/St_Johns", "2026-12-31T12:00:00Z").endMs).toBe(Date.parse("2027-01-01T03:30:00Z"));
  });

  it("follow one another without a hole or an overlap, for years and in odd zones", () => {
    for (const zone of ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Santiago", "Pacific/Apia"]) {
      const monthAt = createMonths(() => zone);
      let month = monthAt(Date.UTC(2025, 0, 15));
      for (let count = 0; count < 36; count++) {
        const next = monthAt(month.endMs);
        expect(next.startMs).toBe(month.endMs);
        expect(monthAt(month.endMs - 1).key).toBe(month.key);
        month = next;
      }
      expect(month.key).toBe("2028-01");
    }
  });
});

describe("degradation", () => {
  const outlook = (changes: Partial<BudgetOutlook> = {}): BudgetOutlook => ({
    budgetBytes: 50 * MB,
    usedBytes: 0,
    bytesPerHour: 50_000,
    measuredHours: 12,
    hoursLeft: 720,
    ...changes,
  });
  const steady: Degradation = { ...NO_DEGRADATION, hours: 12 };

  it("does nothing while the forecast fits, and takes one step when it doesn't", () => {
    expect(degradationNow(steady, outlook())).toBe(steady);
    expect(degradationNow(steady, outlook({ bytesPerHour: 80_000 }))).toEqual({ step: 1, hours: 0, paces: [80_000] });
  });

  it("judges a step only when it has shown what it costs; sooner where the month would cost twice the budget", () => {
    const young = { ...steady, hours: 2 };
    expect(degradationNow(young, outlook({ bytesPerHour: 80_000, measuredHours: 2 }))).toBe(young);
    expect(degradationNow(young, outlook({ bytesPerHour: 200_000, measuredHours: 2 })).step).toBe(1);
  });

  it("keeps what is left of a budget that is nearly used for alarms", () => {
    expect(degradationNow(steady, outlook({ usedBytes: 49 * MB, bytesPerHour: 1, hoursLeft: 1 })).step).toBe(LAST_STEP);
  });

  it("comes back after a day where there is room, but not into a step that is known to cost too much", () => {
    const second = { step: 2, hours: 30, paces: [90_000, 80_000] };
    expect(degradationNow(second, outlook({ bytesPerHour: 30_000 }))).toBe(second);
    expect(degradationNow({ ...second, hours: 80 }, outlook({ bytesPerHour: 30_000 })).step).toBe(1);
    expect(degradationNow({ ...second, paces: [90_000, 60_000] }, outlook({ bytesPerHour: 30_000 })).step).toBe(1);
    expect(degradationNow({ ...second, hours: 20, paces: [] }, outlook({ bytesPerHour: 1 })).step).toBe(2);
  });

  it("begins a new month with the first step that may fit", () => {
    const worst = { step: 5, hours: 100, paces: [90_000, 80_000] };
    expect(forNewMonth(worst, 50 * MB, 720)).toMatchObject({ step: 2 });
    expect(forNewMonth({ ...worst, paces: [40_000] }, 50 * MB, 720)).toMatchObject({ step: 0 });
    expect(forNewMonth(NO_DEGRADATION, 50 * MB, 720)).toBe(NO_DEGRADATION);
  });

  it("every step costs no more than the one before", () => {
    for (const [at, step] of DEGRADATION_STEPS.entries()) {
      const before = DEGRADATION_STEPS[at - 1];
      if (!before) continue;
      expect(step.intervalFactor).toBeGreaterThanOrEqual(before.intervalFactor);
      expect(step.resolutionFactor).toBeGreaterThanOrEqual(before.resolutionFactor);
      expect(step.averageMs ?? 0).toBeGreaterThanOrEqual(before.averageMs ?? 0);
    }
  });
});

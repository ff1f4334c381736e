import type { FilterStep } from "@pump-station/sensor-descriptions/preprocessing.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FILTER_VALUES_MAX } from "../limits.ts";
import { type ChannelValue, isMissing, missing, type Sample } from "../reading.ts";
import { createSmallDevice } from "../testing/small-protocol.ts";
import { createPreprocess } from "./preprocess.ts";

const SECOND_MS = 1_000;
const LEFT_OUT = missing("left-out");
const GONE = missing("timeout");

type Reading = readonly [seconds: number, value: ChannelValue];

/** What comes out of the channel "level" (or "state"), one value a reading; the other channels stand still. */
function filtered(steps: readonly FilterStep[], readings: readonly Reading[], channel = "level"): ChannelValue[] {
  const device = createSmallDevice({ filters: new Map([[channel, steps]]) });
  const preprocess = createPreprocess(device);
  const at = channel === "level" ? 0 : 1;
  return readings.map(([seconds, value]) => {
    const values: ChannelValue[] = [1, 0, 1];
    values[at] = value;
    const [kept] = preprocess.take({ device: "pump", bootMs: seconds * SECOND_MS, values });
    expect(kept?.bootMs).toBe(seconds * SECOND_MS);
    return kept!.values[at]!;
  });
}

/** One reading a second. */
const each = (...values: ChannelValue[]): Reading[] => values.map((value, second) => [second, value]);

describe("a filter", () => {
  it("median takes out a spike, and looks no further back than its time", () => {
    const median: FilterStep = { do: "median", overMs: 3_000 };
    expect(filtered([median], each(10, 10, 99, 11, 12, 12))).toEqual([10, 10, 10, 11, 12, 12]);
    expect(filtered([median], [[0, 10], [1, 20], [10, 30]])).toEqual([10, 15, 30]); // biome-ignore format: a table
  });

  it("average weighs each reading by the time it stands for, so that faster polling doesn't tilt it", () => {
    const average: FilterStep = { do: "average", overMs: 60_000 };
    const slow: Reading[] = [0, 10, 20, 30].map((second) => [second, 0]);
    const fast: Reading[] = Array.from({ length: 10 }, (_, second) => [31 + second, 100]);
    // 31 s of 0 (the first stands for the device's 1 s) and 10 s of 100.
    expect(filtered([average], [...slow, ...fast]).at(-1)).toBeCloseTo((10 * 100) / 41, 9);
  });

  it("average after a throttle counts what passed for the time since what passed before", () => {
    const steps: FilterStep[] = [
      { do: "throttle", everyMs: 10_000 },
      { do: "average", overMs: 60_000 },
    ];
    const rising = each(...Array.from({ length: 11 }, (_, second) => second));
    expect(filtered(steps, rising).at(-1)).toBeCloseTo((0 * 1 + 10 * 10) / 11, 9);
  });

  it("exponential-average lets through 63 % of a step after its time, however often it is read", () => {
    const step: FilterStep = { do: "exponential-average", timeConstantMs: 10_000 };
    const every = (seconds: number): number =>
      filtered(
        [step],
        [[0, 0], ...Array.from({ length: 10 / seconds }, (_, at): Reading => [(at + 1) * seconds, 100])],
      ).at(-1) as number;
    expect(every(1)).toBeCloseTo(100 * (1 - Math.exp(-1)), 9);
    expect(every(5)).toBeCloseTo(every(1), 9);
  });

  it("passes a missing reading as its reason at once, and does not count it", () => {
    const average: FilterStep = { do: "average", overMs: 10_000 };
    expect(filtered([average], each(10, GONE, 20))).toEqual([10, GONE, 15]);
    expect(filtered([{ do: "median", overMs: 10_000 }], each(10, GONE, 20))).toEqual([10, GONE, 15]);
  });

  it("clamp and round change the value alone", () => {
    expect(filtered([{ do: "clamp", low: 5, high: 20 }], each(1, 7, 30, GONE))).toEqual([5, 7, 20, GONE]);
    expect(filtered([{ do: "round", step: 0.1 }], each(0.3000001, 0.26, GONE))).toEqual([0.3, 0.3, GONE]);
  });

  it("skip-jumps calls a jump implausible until the last good reading is too old to judge by", () => {
    const jumps: FilterStep = { do: "skip-jumps", by: 5, withinMs: 3_000 };
    expect(filtered([jumps], each(10, 50, 12, 50, 50, 50))).toEqual([
      10,
      missing("implausible"),
      12,
      missing("implausible"),
      missing("implausible"),
      50,
    ]);
  });

  it("throttle passes one value and one reason per slot of the grid", () => {
    const throttle: FilterStep = { do: "throttle", everyMs: 3_000 };
    expect(filtered([throttle], each(1, 2, GONE, 4, GONE, GONE, 7))).toEqual([1, LEFT_OUT, GONE, 4, GONE, LEFT_OUT, 7]);
  });

  it("timeout tells a gap only when it lasts", () => {
    const timeout: FilterStep = { do: "timeout", afterMs: 2_000 };
    expect(filtered([timeout], each(1, GONE, 3, GONE, GONE, GONE))).toEqual([1, LEFT_OUT, 3, LEFT_OUT, GONE, GONE]);
    const throttled: FilterStep[] = [{ do: "throttle", everyMs: 4_000 }, timeout];
    expect(filtered(throttled, each(1, 2, 3, 4))).toEqual([1, LEFT_OUT, missing("stale"), missing("stale")]);
  });

  it("debounce counts a state when it held for its time, as the first at once", () => {
    const debounce: FilterStep = { do: "debounce", forMs: 2_000 };
    expect(filtered([debounce], each(1, 0, 1, 0, 0, 0, 1), "state")).toEqual([1, 1, 1, 1, 1, 0, 0]);
    // A missing reading between is neither for nor against; one as long as the time forgets.
    expect(filtered([debounce], each(1, 0, GONE, 0), "state")).toEqual([1, 1, GONE, 0]);
    expect(filtered([debounce], each(1, GONE, GONE, GONE, 0), "state")).toEqual([1, GONE, GONE, GONE, 0]);
    // Another state between begins the time anew.
    expect(filtered([debounce], each(0, 1, 2, 1, 1, 1), "state")).toEqual([0, 0, 0, 0, 0, 1]);
    // A device that is asked less often than that needs one reading more.
    expect(filtered([debounce], [[0, 0], [30, 1], [60, 1]], "state")).toEqual([0, 0, 1]); // biome-ignore format: a table
  });

  it("does its steps in the order in which they stand", () => {
    const [average, clamp]: FilterStep[] = [{ do: "average", overMs: 10_000 }, { do: "clamp", low: 0, high: 50 }]; // biome-ignore format: a table
    expect(filtered([average!, clamp!], each(10, 100)).at(-1)).toBe(50);
    expect(filtered([clamp!, average!], each(10, 100)).at(-1)).toBe(30);
  });

  it("drops a sample of which nothing is left", () => {
    const throttle: FilterStep[] = [{ do: "throttle", everyMs: 2_000 }];
    const filters = new Map(["level", "state", "target"].map((name) => [name, throttle]));
    const preprocess = createPreprocess(createSmallDevice({ filters }));
    const kept = [0, 1, 2].flatMap((second) =>
      preprocess.take({ device: "pump", bootMs: second * SECOND_MS, values: [1, 0, 1] }),
    );
    expect(kept.map(({ bootMs }) => bootMs)).toEqual([0, 2_000]);
  });
});

const value = fc.oneof(
  { weight: 5, arbitrary: fc.double({ min: 0, max: 200, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(GONE, missing("implausible"), missing("nack")) },
);
const readings = fc.array(fc.tuple(fc.integer({ min: 1, max: 40_000 }), value), { maxLength: 80 }).map((rows) => {
  let bootMs = 0;
  return rows.map(([stepMs, read]): Reading => [(bootMs += stepMs) / SECOND_MS, read]);
});
const timeMs = fc.integer({ min: 1, max: 120_000 });

/** The windows' definitions, word by word. */
function inWindow(all: readonly Reading[], index: number, overMs: number): { value: number; weight: number }[] {
  const nowMs = all[index]![0] * SECOND_MS;
  return all.slice(0, index + 1).flatMap(([seconds, read], at) => {
    const ms = seconds * SECOND_MS;
    if (isMissing(read) || ms <= nowMs - overMs) return [];
    const standsForMs = at === 0 ? 1_000 : ms - all[at - 1]![0] * SECOND_MS;
    return [{ value: read, weight: Math.min(overMs, standsForMs) }];
  });
}

describe("any readings, at any times (property)", () => {
  it("come out as the windows are defined, between the least and the greatest of them, reasons untouched", () => {
    fc.assert(
      fc.property(readings, timeMs, (all, overMs) => {
        const medians = filtered([{ do: "median", overMs }], all);
        const averages = filtered([{ do: "average", overMs }], all);
        for (const [index, [, read]] of all.entries()) {
          if (isMissing(read)) {
            expect([medians[index], averages[index]]).toEqual([read, read]);
            continue;
          }
          const window = inWindow(all, index, overMs);
          const sorted = window.map((one) => one.value).sort((a, b) => a - b);
          const middle = (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
          expect(medians[index]).toBeCloseTo(middle, 9);
          const weight = window.reduce((sum, one) => sum + one.weight, 0);
          const mean = window.reduce((sum, one) => sum + one.value * one.weight, 0) / weight;
          expect(averages[index]).toBeCloseTo(mean, 9);
          for (const out of [medians[index] as number, averages[index] as number]) {
            expect(out).toBeGreaterThanOrEqual(sorted[0]! - 1e-9);
            expect(out).toBeLessThanOrEqual(sorted.at(-1)! + 1e-9);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  const step = fc.oneof(
    fc.record({ do: fc.constantFrom("median" as const, "average" as const), overMs: timeMs }),
    fc.record({ do: fc.constant("exponential-average" as const), timeConstantMs: timeMs }),
    fc.record({ do: fc.constant("skip-jumps" as const), by: fc.integer({ min: 1, max: 50 }), withinMs: timeMs }),
    fc.record({ do: fc.constant("throttle" as const), everyMs: timeMs }),
    fc.record({ do: fc.constant("timeout" as const), afterMs: timeMs }),
  );

  it("through any steps give no value where none was read, none beyond what was read, and the same again", () => {
    fc.assert(
      fc.property(readings, fc.array(step, { minLength: 1, maxLength: 4 }), (all, steps) => {
        const out = filtered(steps, all);
        expect(filtered(steps as FilterStep[], all)).toEqual(out);
        const read = all.flatMap(([, one]) => (isMissing(one) ? [] : [one]));
        for (const [index, [, one]] of all.entries()) {
          const result = out[index]!;
          if (isMissing(one)) expect(isMissing(result)).toBe(true);
          if (isMissing(result)) continue;
          expect(result).toBeGreaterThanOrEqual(Math.min(...read) - 1e-9);
          expect(result).toBeLessThanOrEqual(Math.max(...read) + 1e-9);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("a debounced state is one that was read, and no two changes are closer than its time", () => {
    const states = fc.array(fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 2 })), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(states, timeMs, (rows, forMs) => {
        let ms = 0;
        const all = rows.map(([stepMs, state]): Reading => [(ms += stepMs) / SECOND_MS, state]);
        const out = filtered([{ do: "debounce", forMs }], all, "state");
        let changedMs = Number.NEGATIVE_INFINITY;
        for (const [index, [seconds, read]] of all.entries()) {
          if (index === 0 || out[index] === out[index - 1]) continue;
          expect(out[index]).toBe(read);
          expect(seconds * SECOND_MS - changedMs).toBeGreaterThanOrEqual(forMs);
          changedMs = seconds * SECOND_MS;
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("a long window", () => {
  it("keeps a bounded number of readings, and gives the newest their say", () => {
    const steps: FilterStep[] = [{ do: "median", overMs: 86_400_000 }];
    const preprocess = createPreprocess(createSmallDevice({ filters: new Map([["level", steps]]) }));
    const last = (count: number, level: number, fromMs: number): Sample | undefined => {
      let kept: Sample | undefined;
      for (let at = 0; at < count; at++)
        [kept] = preprocess.take({ device: "pump", bootMs: fromMs + at * 100, values: [level, 0, 1] });
      return kept;
    };
    expect(last(FILTER_VALUES_MAX * 2, 10, 0)?.values[0]).toBe(10);
    expect(last(FILTER_VALUES_MAX, 20, 3_600_000)?.values[0]).toBe(20);
  });
});

import type { Alarm } from "@pump-station/sensor-descriptions/model.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALARM_TRANSITIONS_PER_HOUR_MAX } from "../limits.ts";
import { type ChannelValue, missing, type Sample } from "../reading.ts";
import { createSmallDevice, whenAbove, whenBelow, whenIs } from "../testing/small-protocol.ts";
import { createAlarms } from "./alarms.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const tooHigh: Alarm = {
  name: "too-high",
  when: whenAbove("level", 85),
  until: whenBelow("level", 75),
  forMs: 10 * SECOND_MS,
  severity: "critical",
};
const fault: Alarm = { name: "fault", when: whenIs("state", 1), forMs: 0, severity: "warning" };

const sampleAt = (bootMs: number, level: ChannelValue, state: ChannelValue = 0): Sample => ({
  device: "pump",
  bootMs,
  values: [level, state, 1],
});

function transitions(alarms: readonly Alarm[], samples: readonly Sample[], correction = 0) {
  const watch = createAlarms(createSmallDevice({ alarms, correct: new Map([["level", correction]]) }));
  return samples
    .flatMap((sample) => watch.take(sample))
    .map(({ bootMs, alarm, active }) => [bootMs / SECOND_MS, alarm, active]);
}

/** One level a second. */
const levels = (...each: ChannelValue[]) => each.map((level, second) => sampleAt(second * SECOND_MS, level));

describe("an alarm", () => {
  it("begins when its condition has held long enough, and ends by its own condition", () => {
    const run = levels(...Array<number>(12).fill(90), 80, 80, 74, 90);
    expect(transitions([tooHigh], run)).toEqual([
      [10, "too-high", true],
      [14, "too-high", false],
    ]);
  });

  it("starts to count anew when the condition was refuted meanwhile", () => {
    expect(transitions([tooHigh], levels(...Array<number>(9).fill(90), 80, ...Array<number>(9).fill(90)))).toEqual([]);
  });

  it("without an end of its own ends when its condition no longer holds", () => {
    const run = [sampleAt(0, 1, 1), sampleAt(SECOND_MS, 1, 1), sampleAt(2 * SECOND_MS, 1, 0)];
    expect(transitions([fault], run)).toEqual([
      [0, "fault", true],
      [2, "fault", false],
    ]);
  });

  it("of a device that is asked less often than the time it must hold begins at the second sample", () => {
    const run = [0, 30, 60].map((second) => sampleAt(second * SECOND_MS, 90));
    expect(transitions([tooHigh], run)).toEqual([[30, "too-high", true]]);
  });

  it("neither begins nor ends on a missing or implausible value", () => {
    const gone = missing("timeout");
    expect(
      transitions([fault], [sampleAt(0, 1, gone), sampleAt(1, 1, 1), sampleAt(2, 1, gone), sampleAt(3, 1, gone)]),
    ).toEqual([[0.001, "fault", true]]);
    // 201 is above 85, and out of the plausible range 0 to 200.
    expect(transitions([{ ...tooHigh, forMs: 0 }], levels(201, 201))).toEqual([]);
  });

  it("survives a missing value while it waits, not a gap as long as the wait", () => {
    const gone = missing("timeout");
    const flaky = levels(...Array.from({ length: 12 }, (_, second) => (second % 2 === 1 ? gone : 90)));
    expect(transitions([tooHigh], flaky)).toEqual([[10, "too-high", true]]);
    const away = levels(90, ...Array<ChannelValue>(11).fill(gone), 90);
    expect(transitions([tooHigh], away)).toEqual([]);
  });

  it("judges corrected values", () => {
    expect(transitions([{ ...tooHigh, forMs: 0 }], levels(80), 10)).toEqual([[0, "too-high", true]]);
  });

  it("says by which values it was decided", () => {
    const watch = createAlarms(createSmallDevice({ alarms: [{ ...tooHigh, forMs: 0 }, fault] }));
    const said = watch.take(sampleAt(0, 90, 1)).map(({ because }) => because);
    expect(said).toEqual(["level above 85: level 90 mbar", "state is 1: state pumping"]);
    expect(watch.active()).toEqual(["too-high", "fault"]);
    expect(watch.take(sampleAt(1, 70, 1))[0]?.because).toBe("level below 75: level 70 mbar");
  });
});

describe("an alarm that is given other limits", () => {
  const withLimits = (begin: number, end: number, forMs: number) =>
    createSmallDevice({
      alarms: [{ ...tooHigh, when: whenAbove("level", begin), until: whenBelow("level", end), forMs }],
    });
  const taking = (watch: ReturnType<typeof createAlarms>, second: number, level: number) =>
    watch.take(sampleAt(second * SECOND_MS, level)).map(({ active }) => active);

  it("stays active, and ends by the new ones", () => {
    const watch = createAlarms(withLimits(85, 75, 0));
    expect(taking(watch, 0, 90)).toEqual([true]);
    watch.use(withLimits(95, 60, 0));
    expect(watch.active()).toEqual(["too-high"]);
    expect(taking(watch, 1, 70)).toEqual([]);
    expect(taking(watch, 2, 59)).toEqual([false]);
    expect(taking(watch, 3, 90)).toEqual([]);
    expect(watch.states()[0]).toMatchObject({ condition: "level above 95", isActive: false });
  });

  it("counts anew how long a new limit holds, and goes on counting where only the time is another", () => {
    const watch = createAlarms(withLimits(85, 75, 10 * SECOND_MS));
    expect(taking(watch, 0, 90)).toEqual([]);
    watch.use(withLimits(85, 75, 5 * SECOND_MS));
    expect(taking(watch, 5, 90)).toEqual([true]);
    expect(taking(watch, 6, 70)).toEqual([false]);
    expect(taking(watch, 7, 90)).toEqual([]);
    watch.use(withLimits(80, 75, 5 * SECOND_MS));
    expect(taking(watch, 12, 90)).toEqual([]);
    expect(taking(watch, 17, 90)).toEqual([true]);
  });
});

describe("an alarm that flaps", () => {
  const flapping = (seconds: number) =>
    Array.from({ length: seconds }, (_, second) => sampleAt(second * SECOND_MS, 1, (second + 1) % 2));

  it("says so once, stays active meanwhile, and tells the count and the truth when the hour has room", () => {
    const watch = createAlarms(createSmallDevice({ alarms: [fault] }));
    const sent = flapping(100).flatMap((sample) => watch.take(sample));
    expect(sent).toHaveLength(ALARM_TRANSITIONS_PER_HOUR_MAX + 1);
    expect(sent.at(-1)).toMatchObject({ active: true });
    expect(sent.at(-1)?.because).toMatch(/^flapping, /);
    const [calm, ...more] = watch.take(sampleAt(HOUR_MS + 1, 1, 0));
    expect(calm).toMatchObject({ active: false });
    expect(calm?.because).toMatch(/^flapping ended, 94 changes/);
    expect(more).toEqual([]);
    // One of this hour is spent, so the bound is now reached by an end; what stays is the alarm all the same.
    const again = flapping(100).flatMap((sample) =>
      watch.take({ ...sample, bootMs: sample.bootMs + HOUR_MS + SECOND_MS }),
    );
    expect(again).toHaveLength(ALARM_TRANSITIONS_PER_HOUR_MAX);
    expect(again.at(-1)).toMatchObject({ active: true, because: expect.stringMatching(/^flapping, /) });
  });

  it("never costs more than the bound in any hour, and its last word is the truth once it is calm (property)", () => {
    const steps = fc.array(
      fc.record({ stepMs: fc.integer({ min: 1, max: 600_000 }), state: fc.integer({ min: 0, max: 1 }) }),
      { maxLength: 150 },
    );
    fc.assert(
      fc.property(steps, (rows) => {
        const watch = createAlarms(createSmallDevice({ alarms: [fault] }));
        let bootMs = 0;
        const sent = rows.flatMap(({ stepMs, state }) => watch.take(sampleAt((bootMs += stepMs), 1, state)));
        const lastState = rows.at(-1)?.state ?? 0;
        sent.push(...watch.take(sampleAt(bootMs + HOUR_MS, 1, lastState)));
        for (const { bootMs: fromMs } of sent) {
          const inHour = sent.filter(({ bootMs }) => bootMs >= fromMs && bootMs < fromMs + HOUR_MS);
          expect(inHour.length).toBeLessThanOrEqual(ALARM_TRANSITIONS_PER_HOUR_MAX + 2);
        }
        expect(sent.at(-1)?.active ?? false).toBe(lastState === 1);
      }),
      { numRuns: 200 },
    );
  });
});

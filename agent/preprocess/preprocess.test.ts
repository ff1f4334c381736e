import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChannelValue, isMissing, missing, type Sample } from "../reading.ts";
import { createSmallDevice } from "../testing/small-protocol.ts";
import { createPreprocess } from "./preprocess.ts";

const UNCHANGED = missing("unchanged");
const sampleAt = (bootMs: number, ...values: ChannelValue[]): Sample => ({ device: "pump", bootMs, values });
const valuesOf = (samples: readonly Sample[]) => samples.map(({ values }) => values);

function runAll(device: Device, samples: readonly Sample[]): Sample[] {
  const preprocess = createPreprocess(device);
  return samples.flatMap((sample) => preprocess.take(sample));
}

describe("what a number means", () => {
  it("is corrected first, and then judged by the plausible range", () => {
    const device = createSmallDevice({ correct: new Map([["level", -10]]) });
    const kept = runAll(device, [sampleAt(0, 205, 0, 1), sampleAt(1, 5, 0, 1), sampleAt(2, 211, 0, 1)]);
    expect(valuesOf(kept)).toEqual([
      [195, 0, 1],
      [missing("implausible"), 0, 1],
      [missing("implausible"), 0, 1],
    ]);
  });

  it("includes both ends of the range, and leaves a reason alone", () => {
    const kept = runAll(createSmallDevice(), [
      sampleAt(0, 0, 0, 1),
      sampleAt(1, 200, 0, 1),
      sampleAt(2, missing("timeout"), 0, 1),
    ]);
    expect(kept.map(({ values }) => values[0])).toEqual([0, 200, missing("timeout")]);
  });

  it("passes as it is when the description asks for nothing else", () => {
    const samples = [sampleAt(0, 1, 0, 1), sampleAt(1, 1, 0, 1)];
    expect(runAll(createSmallDevice(), samples)).toEqual(samples);
  });
});

describe("the small-change filter", () => {
  const device = createSmallDevice({ smallChange: new Map([["level", 5]]), heartbeatMs: 60_000 });

  it("keeps a sample only when something in it has changed, and says unchanged for the rest", () => {
    const kept = runAll(device, [
      sampleAt(0, 50, 0, 1),
      sampleAt(1, 54, 0, 1),
      sampleAt(2, 55, 0, 1),
      sampleAt(3, 57, 0, 2),
    ]);
    expect(valuesOf(kept)).toEqual([
      [50, 0, 1],
      [55, UNCHANGED, UNCHANGED],
      [UNCHANGED, UNCHANGED, 2],
    ]);
  });

  it("lets a slow drift pass in steps, for it compares with what was kept", () => {
    const drift = Array.from({ length: 21 }, (_, at) => sampleAt(at, 50 + at, 0, 1));
    expect(runAll(device, drift).map(({ values }) => values[0])).toEqual([50, 55, 60, 65, 70]);
  });

  it("takes a report between two polls for what it carries: the rest stays as it was kept, and the heartbeat whole", () => {
    const kept = runAll(device, [
      sampleAt(0, 50, 0, 1),
      sampleAt(1, UNCHANGED, 1, UNCHANGED),
      sampleAt(2, 52, 1, 1),
      sampleAt(60_000, UNCHANGED, 0, UNCHANGED),
      sampleAt(60_001, 52, 0, 1),
    ]);
    expect(valuesOf(kept)).toEqual([
      [50, 0, 1],
      [UNCHANGED, 1, UNCHANGED],
      [UNCHANGED, 0, UNCHANGED],
      [52, 0, 1],
    ]);
  });

  it("always passes a change of state", () => {
    const kept = runAll(device, [sampleAt(0, 50, 0, 1), sampleAt(1, 50, 1, 1), sampleAt(2, 50, 0, 1)]);
    expect(valuesOf(kept).slice(1)).toEqual([
      [UNCHANGED, 1, UNCHANGED],
      [UNCHANGED, 0, UNCHANGED],
    ]);
  });

  it("sends the newest sample whole and with its own time when the heartbeat is due", () => {
    const samples = [0, 30_000, 59_999, 60_001, 90_000, 120_001].map((ms) => sampleAt(ms, 50 + ms / 60_000, 0, 1));
    const kept = runAll(device, samples);
    expect(kept).toEqual([samples[0], samples[3], samples[5]]);
  });

  it("passes the beginning and the end of a failure, not its every poll", () => {
    const dead = missing("timeout");
    const kept = runAll(device, [
      sampleAt(0, 50, 0, 1),
      sampleAt(1, dead, dead, dead),
      sampleAt(2, dead, dead, dead),
      sampleAt(3, missing("refused", 3), dead, dead),
      sampleAt(4, missing("refused", 4), dead, dead),
      sampleAt(5, 50, 0, 1),
    ]);
    expect(kept.map(({ bootMs }) => bootMs)).toEqual([0, 1, 3, 4, 5]);
    expect(kept.at(-1)?.values).toEqual([50, 0, 1]);
  });

  it("leaves a reason said while something else changes", () => {
    const kept = runAll(
      device,
      [0, 1, 2].map((at) => sampleAt(at, at === 0 ? 50 : missing("timeout"), 0, at)),
    );
    expect(valuesOf(kept).slice(1)).toEqual([
      [missing("timeout"), UNCHANGED, 1],
      [missing("timeout"), UNCHANGED, 2],
    ]);
  });

  it("never loses more than the small change, nor a whole heartbeat (property)", () => {
    const value = fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 0, max: 30 }) },
      { weight: 1, arbitrary: fc.constant(missing("timeout")) },
    );
    const row = fc.record({
      stepMs: fc.integer({ min: 1, max: 20_000 }),
      level: value,
      state: fc.integer({ min: 0, max: 1 }),
      target: value,
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), (rows) => {
        const preprocess = createPreprocess(device);
        let bootMs = 0;
        let wholeMs = Number.NEGATIVE_INFINITY;
        const held: ChannelValue[] = [];
        for (const { stepMs, level, state, target } of rows) {
          bootMs += stepMs;
          const [kept, ...more] = preprocess.take(sampleAt(bootMs, level, state, target));
          expect(more).toEqual([]);
          for (const [at, keptValue] of (kept?.values ?? []).entries())
            if (!(isMissing(keptValue) && keptValue.missing === "unchanged")) held[at] = keptValue;
          if (kept && !kept.values.includes(UNCHANGED)) wholeMs = bootMs;
          // What a reader holds after each sample is what was true, within the small change.
          if (isMissing(level) || isMissing(held[0]!)) expect(held[0]).toEqual(level);
          else expect(Math.abs(held[0]! - level)).toBeLessThan(5);
          expect(held.slice(1)).toEqual([state, target]);
          expect(bootMs - wholeMs).toBeLessThan(60_000);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("aggregation", () => {
  const by = (level: "mean" | "min" | "max" | "sum" | "last") =>
    createSmallDevice({
      everyMs: 4_000,
      aggregate: { everyMs: 10_000, by: new Map([["level", { by: level, of: "level" }]]) },
    });
  const window = [
    sampleAt(11_999, 10, 0, 1),
    sampleAt(15_999, 40, 0, 2),
    sampleAt(19_999, 25, 0, 3),
    sampleAt(20_000, 99, 0, 4),
  ];

  it.each([
    ["mean", 25],
    ["min", 10],
    ["max", 40],
    ["sum", 75],
    ["last", 25],
  ] as const)("by %s gives one sample per window with the time of its last sample", (name, expected) => {
    expect(runAll(by(name), window)).toEqual([sampleAt(19_999, expected, 0, 2)]);
  });

  it("goes by the values that there are, and gives the newest reason when there are none", () => {
    const kept = runAll(by("mean"), [
      sampleAt(0, missing("timeout"), missing("timeout"), 1),
      sampleAt(1, 30, missing("nack"), 1),
      sampleAt(10_000, 1, 0, 1),
    ]);
    expect(kept).toEqual([sampleAt(1, 30, missing("nack"), 1)]);
  });

  it("ends a window at a change of state, so that none vanishes", () => {
    const kept = runAll(by("mean"), [
      sampleAt(0, 10, 0, 1),
      sampleAt(1, 20, 1, 1),
      sampleAt(2, 30, 0, 1),
      sampleAt(10_000, 0, 0, 1),
    ]);
    expect(valuesOf(kept)).toEqual([
      [10, 0, 1],
      [20, 1, 1],
      [30, 0, 1],
    ]);
  });

  it("hands out an unfinished window at the end, once", () => {
    const preprocess = createPreprocess(by("sum"));
    preprocess.take(sampleAt(0, 1, 0, 1));
    preprocess.take(sampleAt(1, 2, 0, 1));
    expect(valuesOf(preprocess.flush())).toEqual([[3, 0, 1]]);
    expect(preprocess.flush()).toEqual([]);
  });

  it("keeps the sum of everything, however the samples fall into windows (property)", () => {
    const row = fc.record({
      stepMs: fc.integer({ min: 1, max: 25_000 }),
      level: fc.integer({ min: 0, max: 200 }),
      state: fc.integer({ min: 0, max: 1 }),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), (rows) => {
        const preprocess = createPreprocess(by("sum"));
        let bootMs = 0;
        const kept = rows.flatMap(({ stepMs, level, state }) =>
          preprocess.take(sampleAt((bootMs += stepMs), level, state, 1)),
        );
        kept.push(...preprocess.flush());
        const total = (levels: readonly ChannelValue[]) =>
          levels.reduce<number>((sum, level) => sum + (level as number), 0);
        expect(total(kept.map(({ values }) => values[0]!))).toBe(total(rows.map(({ level }) => level)));
        expect(kept.map(({ bootMs }) => bootMs)).toEqual(kept.map(({ bootMs }) => bootMs).sort((a, b) => a - b));
      }),
      { numRuns: 200 },
    );
  });
});

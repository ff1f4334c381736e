import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { missing, type Sample } from "../reading.ts";
import { createAverages } from "./averages.ts";

const MINUTE = 60_000;
const KINDS = ["gauge", "counter", "state"] as const;
const sample = (minute: number, ...values: Sample["values"]): Sample => ({
  device: "pump",
  bootMs: minute * MINUTE,
  values,
});

describe("averages in place of samples", () => {
  it("are the mean of numbers, and the newest counter and state, at the time of the window's last sample", () => {
    const averages = createAverages(KINDS, 15 * MINUTE);
    expect(averages.take(sample(1, 10, 100, 1))).toEqual([]);
    expect(averages.take(sample(8, 20, 105, 1))).toEqual([]);
    expect(averages.take(sample(16, 40, 110, 1))).toEqual([sample(8, 15, 105, 1)]);
    expect(averages.flush()).toEqual([sample(16, 40, 110, 1)]);
    expect(averages.flush()).toEqual([]);
  });

  it("end with a state that changes, so that a short run of the pump is seen", () => {
    const averages = createAverages(KINDS, 60 * MINUTE);
    averages.take(sample(1, 10, 100, 0));
    expect(averages.take(sample(2, 50, 101, 1))).toEqual([sample(1, 10, 100, 0)]);
    expect(averages.take(sample(3, 20, 102, 0))).toEqual([sample(2, 50, 101, 1)]);
  });

  it("are made of what was read; only a window without any value tells the reason", () => {
    const averages = createAverages(KINDS, 15 * MINUTE);
    const gone = missing("timeout");
    averages.take(sample(1, 10, 100, 1));
    averages.take(sample(2, gone, gone, gone));
    expect(averages.take(sample(15, gone, gone, gone))).toEqual([sample(2, 10, 100, 1)]);
    expect(averages.take(sample(30, 1, 1, 1))).toEqual([sample(15, gone, gone, gone)]);
  });

  it("lie between the smallest and the largest, and no state is skipped, whatever comes", () => {
    const one = fc.record({ gauge: fc.integer({ min: -1_000, max: 1_000 }), state: fc.integer({ min: 0, max: 2 }) });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 60 }), (all) => {
        const averages = createAverages(["gauge", "state"], 10 * MINUTE);
        const out = all.flatMap(({ gauge, state }, minute) => averages.take(sample(minute, gauge, state)));
        out.push(...averages.flush());
        const gauges = all.map(({ gauge }) => gauge);
        for (const { values } of out) {
          expect(values[0]).toBeGreaterThanOrEqual(Math.min(...gauges));
          expect(values[0]).toBeLessThanOrEqual(Math.max(...gauges));
        }
        const changes = (states: readonly unknown[]) => states.filter((state, at) => state !== states[at - 1]);
        expect(changes(out.map(({ values }) => values[1]))).toEqual(changes(all.map(({ state }) => state)));
      }),
      { numRuns: 1_000 },
    );
  });
});

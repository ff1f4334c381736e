import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isMissing, missing, type Sample } from "../reading.ts";
import { createSmallDevice } from "../testing/small-protocol.ts";
import { createPreprocess } from "./preprocess.ts";
import { wayOf } from "./way.ts";

const device = createSmallDevice({ smallChange: new Map([["level", 2]]), heartbeatMs: 60_000 });
const sampleAt = (bootMs: number, level: number): Sample => ({ device: "pump", bootMs, values: [level, 0, 1] });

/** What is said of "level" after these samples, a second apart. */
function saidOf(levels: readonly number[], of = device): Record<string, string> {
  const pipeline = createPreprocess(of);
  for (const [second, level] of levels.entries()) pipeline.take(sampleAt(second * 1_000, level));
  const trace = pipeline.newest();
  if (!trace) throw new Error("no sample");
  const way = wayOf(of, trace, levels.length * 1_000).find(({ channel }) => channel === "level");
  return Object.fromEntries(way?.steps.map(({ step, says }) => [step, says]) ?? []);
}

describe("the way of a reading in words", () => {
  it("says why it is kept, or isn't, with the numbers that decided", () => {
    expect(saidOf([10])["kept?"]).toBe("yes: the first one");
    expect(saidOf([10, 11, 11.5])["kept?"]).toBe(
      "no, unchanged: it differs by 1.5 mbar, less than 2 mbar, from the last one kept, 10 mbar of 3s ago",
    );
    expect(saidOf([10, 11, 12])["kept?"]).toBe(
      "yes: it differs by 2 mbar, at least 2 mbar, from the last one kept, 10 mbar of 3s ago",
    );
    expect(saidOf([10], createSmallDevice({ smallChange: new Map() }))["kept?"]).toBe(
      "yes: no small change is described",
    );
    expect(saidOf([...Array<number>(61).fill(10)])["kept?"]).toMatch(
      /^yes, as heartbeat, although it differs by 0 mbar/,
    );
  });

  it("says the correction, and that a value isn't plausible", () => {
    const corrected = createSmallDevice({ correct: new Map([["level", -0.5]]) });
    expect(saidOf([10], corrected)).toMatchObject({ read: "10 mbar", corrected: "− 0.5 mbar: 9.5 mbar" });
    expect(saidOf([300])).toMatchObject({ read: "300 mbar", plausible: "no: outside of 0 to 200" });
  });

  it("says each step of a filter with what came out of it", () => {
    const filtered = createSmallDevice({
      filters: new Map([
        [
          "level",
          [
            { do: "median", overMs: 3_000 },
            { do: "round", step: 5 },
          ],
        ],
      ]),
    });
    const pipeline = createPreprocess(filtered);
    for (const [second, level] of [10, 90, 12].entries()) pipeline.take(sampleAt(second * 1_000, level));
    const trace = pipeline.newest();
    const way = trace && wayOf(filtered, trace, 3_000).find(({ channel }) => channel === "level");
    expect(way?.steps.filter(({ step }) => step === "filter").map(({ says }) => says)).toEqual([
      "median over 3s: 12 mbar",
      "rounded to 5 mbar: 10 mbar",
    ]);
  });

  it("says yes of exactly what is kept (property)", () => {
    const level = fc.oneof(fc.integer({ min: 0, max: 220 }), fc.constant(missing("timeout")));
    fc.assert(
      fc.property(fc.array(level, { minLength: 1, maxLength: 90 }), (levels) => {
        const pipeline = createPreprocess(device);
        for (const [second, value] of levels.entries()) {
          const sample = { device: "pump", bootMs: second * 1_000, values: [value, 0, 1] };
          const [kept] = pipeline.take(sample);
          const trace = pipeline.newest();
          const said = trace && wayOf(device, trace, sample.bootMs)[0]?.steps.at(-1)?.says;
          const now = kept?.values[0];
          const isKept = now !== undefined && !(isMissing(now) && now.missing === "unchanged");
          // A reason that goes on is said again beside what has changed.
          if (!(now !== undefined && isMissing(now))) expect(said?.startsWith("yes")).toBe(isKept);
        }
      }),
      { numRuns: 300 },
    );
  });
});

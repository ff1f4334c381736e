import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChannelValue, isMissing, missing } from "../reading.ts";
import type { Fold } from "../wire/averaged.ts";
import type { SchemaChannel } from "../wire/schema.ts";
import { foldParts, withoutUnchanged } from "./fold.ts";

const channel = (name: string, unit = "V"): SchemaChannel => ({ name, kind: "gauge", unit, resolution: 0.1 });
const parts = (...rows: ChannelValue[][]) => rows.map((values) => ({ values, samples: 1 }));
const foldOne = (fold: Fold, values: ChannelValue[], samples?: number[]) =>
  foldParts(
    values.map((value, at) => ({ values: [value], samples: samples?.[at] ?? 1 })),
    [channel("c")],
    [fold],
  )[0];

describe("samples of a window", () => {
  it.each([
    ["mean", 2],
    ["min", -1],
    ["max", 4],
    ["sum", 6],
    ["last", 3],
  ] as const)("become their %s", (by, expected) => {
    expect(foldOne({ by }, [-1, 4, 3])).toBe(expected);
  });

  it("count as much as the samples that they stand for", () => {
    expect(foldOne({ by: "mean" }, [1, 4], [2, 1])).toBe(2);
    expect(foldOne({ by: "sum" }, [1, 4], [2, 1])).toBe(5);
  });

  it("of a direction are added as vectors, each as much as its weight says", () => {
    expect(foldOne({ by: "vector mean" }, [350, 20])).toBeCloseTo(5);
    const channels = [channel("direction", "deg"), channel("speed")];
    const folds: Fold[] = [{ by: "vector mean", weight: "speed" }, { by: "mean" }];
    expect(foldParts(parts([0, 9], [90, 0]), channels, folds)).toEqual([0, 4.5]);
  });

  it("that have no value leave those that have one; without any the newest reason stays", () => {
    expect(foldOne({ by: "mean" }, [missing("timeout"), 4, missing("nack")])).toBe(4);
    expect(foldOne({ by: "mean" }, [missing("timeout"), missing("refused", 4), missing("left-out")])).toEqual(
      missing("refused", 4),
    );
    expect(foldOne({ by: "last" }, [missing("left-out")])).toEqual(missing("left-out"));
  });

  it("that are unchanged are what they were last, also before the window", () => {
    const unchanged = missing("unchanged");
    const said = withoutUnchanged(parts([unchanged], [7], [missing("timeout")], [unchanged]), [5]);
    expect(said.parts.map(({ values }) => values[0])).toEqual([5, 7, missing("timeout"), 7]);
    expect(said.held).toEqual([7]);
    expect(withoutUnchanged(parts([unchanged]), undefined).parts[0]?.values).toEqual([unchanged]);
  });

  it("have a mean between the least and the greatest of them, whatever they are", () => {
    const value = fc.oneof(fc.double({ noNaN: true, min: -1e15, max: 1e15 }), fc.constant(missing("nack")));
    fc.assert(
      fc.property(fc.array(fc.tuple(value, fc.integer({ min: 1, max: 1e6 })), { minLength: 1 }), (weighed) => {
        const values = weighed.map(([one]) => one);
        const numbers = values.filter((one): one is number => !isMissing(one));
        const mean = foldOne(
          { by: "mean" },
          values,
          weighed.map(([, samples]) => samples),
        );
        if (numbers.length === 0) return mean === values.at(-1);
        return typeof mean === "number" && mean >= Math.min(...numbers) && mean <= Math.max(...numbers);
      }),
      { numRuns: 2_000 },
    );
  });
});

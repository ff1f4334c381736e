import fc from "fast-check";
import { expect, test } from "vitest";
import type { FilterStep } from "./preprocessing.ts";
import { numberIn, STEP_NUMBERS, stepsWith } from "./step-numbers.ts";

const STEPS: readonly FilterStep[] = [
  { do: "clamp", low: 0, high: 9 },
  { do: "median", overMs: 1 },
  { do: "average", overMs: 2 },
  { do: "median", overMs: 3 },
  { do: "exponential-average", timeConstantMs: 4 },
  { do: "round", step: 5 },
  { do: "skip-jumps", by: 6, withinMs: 7 },
  { do: "throttle", everyMs: 8 },
  { do: "timeout", afterMs: 9 },
  { do: "debounce", forMs: 10 },
];

test("every number of every step can be said, and is the only one that changes", () => {
  const numbers = fc.uniqueArray(fc.tuple(fc.constantFrom(...STEP_NUMBERS.map(({ name }) => name)), fc.integer()), {
    selector: ([name]) => name,
  });
  fc.assert(
    fc.property(numbers, fc.shuffledSubarray([...STEPS]), (said, steps) => {
      const changed = stepsWith(steps, new Map(said));
      for (const row of STEP_NUMBERS) {
        const before = numberIn(steps, row);
        const wanted = said.find(([name]) => name === row.name)?.[1];
        expect(numberIn(changed, row)).toBe(before === undefined ? undefined : (wanted ?? before));
      }
      expect(changed.map((step) => step.do)).toEqual(steps.map((step) => step.do));
    }),
    { numRuns: 500 },
  );
});

test("each kind of step has a number here", () => {
  for (const step of STEPS)
    expect(
      STEP_NUMBERS.some(({ of }) => of(step) !== undefined),
      step.do,
    ).toBe(true);
});

test("of two steps of a kind the first is the one that changes", () => {
  const changed = stepsWith(STEPS, new Map([["median", 50]]));
  expect(changed.filter((step) => step.do === "median")).toEqual([
    { do: "median", overMs: 50 },
    { do: "median", overMs: 3 },
  ]);
});

import type { Range } from "@pump-station/agent/wire/messages.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { gapsOf, inside, outside, type Ranges, rangesFromText, textFromRanges, withRange } from "./ranges.ts";

const range = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 12 }))
  .map(([first, more]): Range => ({ first, last: first + more }));
const members = (ranges: Ranges): Set<number> =>
  new Set(ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at)));
const setOf = (parts: readonly Range[]): Ranges => parts.reduce<Ranges>(withRange, []);

test("adding ranges in any order gives the sorted, disjoint, non-adjacent set of their members", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), (parts) => {
      const set = setOf(parts);
      expect(members(set)).toEqual(members(parts));
      for (const [at, { first, last }] of set.entries()) {
        expect(first).toBeLessThanOrEqual(last);
        const next = set[at + 1];
        if (next) expect(next.first).toBeGreaterThan(last + 1);
      }
    }),
  );
});

test("inside and outside split a range without overlap or loss", () => {
  fc.assert(
    fc.property(range, fc.array(range, { maxLength: 8 }), (whole, parts) => {
      const set = setOf(parts);
      const has = members(set);
      const within = [...members([whole])];
      expect(members(inside(whole, set))).toEqual(new Set(within.filter((at) => has.has(at))));
      expect(members(outside(whole, set))).toEqual(new Set(within.filter((at) => !has.has(at))));
    }),
  );
});

test("gaps are what is neither stored nor dropped below the highest sequence or the closing count", () => {
  expect(gapsOf([], [], null)).toEqual([]);
  expect(gapsOf([], [], 3)).toEqual([{ first: 1, last: 3 }]);
  expect(gapsOf([{ first: 3, last: 5 }], [{ first: 1, last: 1 }], 8)).toEqual([
    { first: 2, last: 2 },
    { first: 6, last: 8 },
  ]);
});

test("ranges survive their text form", () => {
  const set = [
    { first: 1, last: 4 },
    { first: 9, last: 9 },
  ];
  expect(textFromRanges(set)).toBe("[[1,4],[9,9]]");
  expect(rangesFromText(textFromRanges(set))).toEqual(set);
});

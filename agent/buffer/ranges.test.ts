import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countIn, intersect, type Ranges, subtract, union, upTo } from "./ranges.ts";

const members = (ranges: Ranges): number[] =>
  ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
const range = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(6))
  .map(([first, more]) => ({ first, last: first + more }));
const ranges = fc.array(range, { maxLength: 8 }).map((any) => union(any, []));

describe("ranges", () => {
  it("unite, subtract, intersect and count like sets of numbers, and never touch", () => {
    fc.assert(
      fc.property(ranges, ranges, (one, other) => {
        const [a, b] = [new Set(members(one)), new Set(members(other))];
        const sorted = (numbers: Iterable<number>) => [...numbers].sort((x, y) => x - y);
        expect(members(union(one, other))).toEqual(sorted(new Set([...a, ...b])));
        expect(members(subtract(one, other))).toEqual(sorted([...a].filter((n) => !b.has(n))));
        expect(members(intersect(one, other))).toEqual(sorted([...a].filter((n) => b.has(n))));
        expect(countIn(one)).toBe(a.size);
        const joined = union(one, other);
        joined.slice(1).forEach(({ first }, index) => expect(first).toBeGreaterThan((joined[index]?.last ?? 0) + 1));
      }),
      { numRuns: 1000 },
    );
    expect(upTo(0)).toEqual([]);
    expect(upTo(3)).toEqual([{ first: 1, last: 3 }]);
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { corrected } from "./correction.ts";

test("an amount is added, and nothing said changes nothing", () => {
  expect(corrected(-0.4)(20.4)).toBeCloseTo(20, 12);
  expect(corrected(undefined)(20.4)).toBe(20.4);
});

test("a polynomial begins with its constant", () => {
  expect(corrected({ polynomial: [1, 2, 3] })(10)).toBe(1 + 2 * 10 + 3 * 100);
});

test("between points it is a straight line, and beyond the outer ones the line goes on", () => {
  const line = corrected({
    points: [
      { read: 0, really: 10 },
      { read: 10, really: 20 },
      { read: 20, really: 60 },
    ],
  });
  expect([-5, 0, 5, 10, 15, 20, 25].map(line)).toEqual([5, 10, 15, 20, 40, 60, 80]);
});

test("a line through points meets each of them, and is monotonic where they are (property)", () => {
  const points = fc
    .uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 20 })
    .map((reads) => [...reads].sort((a, b) => a - b).map((read, at) => ({ read, really: read + at })));
  fc.assert(
    fc.property(
      points,
      fc.array(fc.double({ min: -2000, max: 2000, noNaN: true }), { maxLength: 20 }),
      (all, values) => {
        const line = corrected({ points: all });
        for (const { read, really } of all) expect(line(read)).toBeCloseTo(really, 9);
        const rising = [...values].sort((a, b) => a - b).map(line);
        for (const [at, value] of rising.entries()) if (at > 0) expect(value).toBeGreaterThanOrEqual(rising[at - 1]!);
      },
    ),
    { numRuns: 1_000 },
  );
});

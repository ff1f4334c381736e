import { expect, test } from "vitest";
import { formatProblems, inReadingOrder, type Problem } from "./problems.ts";

const problem = (over: Partial<Problem> = {}): Problem => ({
  code: "D201",
  path: "a.yaml",
  line: 2,
  column: 3,
  length: 5,
  message: 'unknown key "evrey"',
  advice: 'did you mean "every"?',
  severity: "error",
  ...over,
});
const text = "pump:\n  evrey: 30s\n";

test("a problem is shown with its place, its line, a mark and advice", () => {
  expect(formatProblems([problem()], () => text, { colour: false })).toBe(
    [
      'a.yaml:2:3 error D201: unknown key "evrey"',
      "     1 | pump:",
      "     2 |   evrey: 30s",
      "       |   ^^^^^",
      '  → did you mean "every"?',
    ].join("\n"),
  );
});

test("without the text there is no frame", () => {
  expect(formatProblems([problem({ advice: "x" })], () => undefined, { colour: false }).split("\n")).toHaveLength(2);
});

test("a file can't steer the terminal through a frame", () => {
  const shown = formatProblems([problem({ line: 1, column: 1 })], () => "\u001b[2Jgone\u202E", { colour: false });
  expect(shown).not.toMatch(/[\u001b\u202e]/);
});

test("of a line of 60,000 letters the part around the problem is shown", () => {
  const shown = formatProblems([problem({ line: 1, column: 30_000 })], () => "x".repeat(60_000), { colour: false });
  expect(shown.length).toBeLessThan(400);
  expect(shown.split("\n")[2]?.indexOf("^")).toBe(shown.split("\n")[1]?.indexOf("…") === -1 ? 0 : 9 + 1 + 40);
});

test("problems stand in the order of reading", () => {
  const order = inReadingOrder([
    problem({ line: 9 }),
    problem({ line: 2, column: 7 }),
    problem({ line: 2, column: 1 }),
  ]);
  expect(order.map(({ line, column }) => [line, column])).toEqual([
    [2, 1],
    [2, 7],
    [9, 3],
  ]);
});

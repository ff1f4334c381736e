import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { say } from "./messages.ts";

test("no two messages have the same number", () => {
  const source = readFileSync(join(import.meta.dirname, "messages.ts"), "utf8");
  const numbers = [...source.matchAll(/\b(?:error|warning|said)\(\s*(?:[^(),]+,\s*)?(\d{3}),/g)].map(
    ([, number]) => number,
  );
  expect(numbers).toHaveLength(Object.keys(say).length);
  expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([]);
});

test("a message that repeats the file's text cuts it short", () => {
  expect(say.notADuration("x".repeat(5000)).message.length).toBeLessThan(100);
});

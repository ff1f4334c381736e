import { expect, test } from "vitest";
import { type Said, say } from "./messages.ts";

// Each message is made from texts; what the texts are doesn't matter for its number.
const all = Object.entries(say).map(
  ([name, make]) => [name, (make as (...texts: unknown[]) => Said)("1", "2", ["3"], ["4"], "5")] as const,
);

test("no two messages have the same number", () => {
  const codes = all.map(([, said]) => said.code);
  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
  expect(codes.every((code) => /^D[1-6]\d\d$/.test(code))).toBe(true);
});

test("a message that repeats the file's text cuts it short", () => {
  expect(say.notADuration("x".repeat(5000)).message.length).toBeLessThan(100);
});

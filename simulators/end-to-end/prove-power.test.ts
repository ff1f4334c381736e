/** The proof by power cuts in its short form, and that it can fail. The long form: npm run prove -- power */
import { expect, test } from "vitest";
import { PATIENCE_MS } from "./testing/programs.ts";
import { prove, UNAVAILABLE } from "./testing/prove.ts";

test("four power cuts under the agent's buffer take nothing that was committed", {
  timeout: 3 * PATIENCE_MS,
}, async ({ skip }) => {
  const { code, out, err } = await prove("power", "--cuts", "4");
  if (code === UNAVAILABLE) return skip(err.trim());
  expect(out).toMatch(/PROVEN: after each of 4 cuts/);
  expect(code, out + err).toBe(0);
});

test("a database that doesn't wait for the disk doesn't pass", { timeout: 3 * PATIENCE_MS }, async ({ skip }) => {
  const { code, out, err } = await prove("power", "--cuts", "3", "--break", "synchronous");
  if (code === UNAVAILABLE) return skip(err.trim());
  expect(out).toMatch(/NOT PROVEN:[\s\S]*acknowledged to \d+, lost are/);
  expect(code).toBe(1);
});

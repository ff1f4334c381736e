/** The proofs in their short form, and that they can fail. The long form: npm run prove -- kill, npm run prove -- power */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { PATIENCE_MS, runProgram } from "./testing/programs.ts";

const PROVE = fileURLToPath(new URL("../../tools/prove.mjs", import.meta.url));
const seed = process.env["SEED"] ?? `${Date.now() % 1_000_000}`;
/** Its bundles are what `npm run build` has made. */
const prove = (...words: readonly string[]) => runProgram(PROVE, ...words, "--built", "--seed", seed);

test("twelve kills and a lying broker lose nothing: produced = stored once + reported dropped + pending", {
  timeout: 3 * PATIENCE_MS,
}, async () => {
  const { code, out, err } = await prove("kill", "--kills", "12");
  expect(err).toBe("");
  expect(out).toMatch(/PROVEN: \d+ produced = \d+ stored once \+ 0 reported as dropped \+ \d+ pending/);
  expect(code, out).toBe(0);
});

test("an agent that takes accepted for stored doesn't pass the proof", { timeout: 3 * PATIENCE_MS }, async () => {
  const { code, out } = await prove("kill", "--kills", "12", "--break", "receipt");
  expect(out).toMatch(/NOT PROVEN:[\s\S]*(lost|dropped although there was room)/);
  expect(code).toBe(1);
});

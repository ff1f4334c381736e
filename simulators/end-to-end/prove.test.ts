/** The proofs in their short form, and that they can fail. The long form: npm run prove -- kill | power | twin */
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
  const { code, out, err } = await prove("kill", "--kills", "12", "--break", "receipt");
  expect(out + err).toMatch(
    /NOT PROVEN:[\s\S]*(lost|dropped although there was room|aren't in the cloud|gaps in the cloud)/,
  );
  expect(code).toBe(1);
});

test("after everything went wrong and it got quiet, desired = running = reported, or refused with a reason", {
  timeout: 3 * PATIENCE_MS,
}, async () => {
  const { code, out, err } = await prove("twin", "--seeds", "1");
  expect(err).toBe("");
  for (const dialect of ["mqtt", "azure", "aws"]) expect(out).toMatch(new RegExp(`^PROVEN on ${dialect}: `, "m"));
  expect(code, out).toBe(0);
});

test("an agent that acknowledges what was asked, not what runs, doesn't pass", {
  timeout: 3 * PATIENCE_MS,
}, async () => {
  const { code, out } = await prove("twin", "--dialect", "mqtt", "--seeds", "2", "--break", "ack");
  expect(out).toMatch(/NOT PROVEN on mqtt: seeds \d+/);
  expect(code).toBe(1);
});

const UNAVAILABLE = 69;

test("eight power cuts under the agent's buffer take nothing that was committed", {
  timeout: 3 * PATIENCE_MS,
}, async ({ skip }) => {
  const { code, out, err } = await prove("power", "--cuts", "8");
  if (code === UNAVAILABLE) return skip(err.trim());
  expect(out).toMatch(/PROVEN: after each of 8 cuts/);
  expect(code, out + err).toBe(0);
});

test("a database that doesn't wait for the disk doesn't pass", { timeout: 3 * PATIENCE_MS }, async ({ skip }) => {
  const { code, out, err } = await prove("power", "--cuts", "3", "--break", "synchronous");
  if (code === UNAVAILABLE) return skip(err.trim());
  expect(out).toMatch(/NOT PROVEN:[\s\S]*acknowledged to \d+, lost are/);
  expect(code).toBe(1);
});

/** The proof by kills in its short form, and that it can fail. The long form: npm run prove -- kill */
import { expect, test } from "vitest";
import { PATIENCE_MS } from "./testing/programs.ts";
import { prove } from "./testing/prove.ts";

test("six kills and a lying broker lose nothing: produced = stored once + reported dropped + pending", {
  timeout: 3 * PATIENCE_MS,
}, async () => {
  const { code, out, err } = await prove("kill", "--kills", "6");
  expect(err).toBe("");
  expect(out).toMatch(/PROVEN: \d+ produced = \d+ stored once \+ 0 reported as dropped \+ \d+ pending/);
  expect(code, out).toBe(0);
});

test("an agent that takes accepted for stored doesn't pass the proof", { timeout: 3 * PATIENCE_MS }, async () => {
  const { code, out, err } = await prove("kill", "--kills", "4", "--break", "receipt");
  expect(out + err).toMatch(
    /NOT PROVEN:[\s\S]*(lost|dropped although there was room|aren't in the cloud|gaps in the cloud|committed with gaps)/,
  );
  expect(code).toBe(1);
});

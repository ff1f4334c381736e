/** The twin's proof in its short form, and that it can fail. The long form: npm run prove -- twin */
import { expect, test } from "vitest";
import { PATIENCE_MS } from "./testing/programs.ts";
import { prove } from "./testing/prove.ts";

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
  const { code, out } = await prove("twin", "--dialect", "mqtt", "--seeds", "2", "--enough", "1", "--break", "ack");
  expect(out).toMatch(/NOT PROVEN on mqtt: seeds \d+/);
  expect(code).toBe(1);
});

import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { machineFacts } from "./machine-facts.ts";

it("says what kernel, memory and disk say", () => {
  const facts = machineFacts(tmpdir());
  expect(facts).toMatchObject({
    kernel: expect.stringContaining("Linux"),
    memory: expect.arrayContaining([expect.stringMatching(/^MemTotal:/)]),
    disk: { free: expect.any(Number) },
  });
});

it("leaves out what can't be read, and goes on", () => {
  const facts = machineFacts("/is-not-there", "/is-not-there");
  expect(JSON.parse(JSON.stringify(facts))).toEqual({
    node: process.version,
    architecture: process.arch,
    network: expect.any(Array),
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadDeviceType } from "../load.ts";

const text = readFileSync(join(import.meta.dirname, "../boards/pump-mk2.yaml"), "utf8");
const load = (timing: string, more = "") =>
  loadDeviceType({
    path: "pump-mk2.yaml",
    text: text.replace("retries: 1 }", `retries: 1${timing} }${more}`),
  });
const protocolOf = (loaded: ReturnType<typeof load>) => {
  expect(loaded.problems).toEqual([]);
  const protocol = loaded.type?.protocol(new Map([["address", 1]]));
  if (protocol?.kind !== "serial") throw new Error("not serial");
  return protocol;
};

it("reads the silence before a request and the time after one to all devices", () => {
  const { timing } = protocolOf(load(", quiet-before: 4ms, turnaround: 150ms"));
  expect(timing).toMatchObject({ quietBeforeMs: 4, turnaroundMs: 150, lateMs: 200 });
});

it("reads what a device needs although no protocol says so", () => {
  const quirks =
    '\nquirks: { hears-itself: true, wake: { bytes: "00 FF", pause: 10ms }, pause-between-bytes: 1ms, reopen-after: 5 }';
  expect(protocolOf(load("", quirks)).quirks).toEqual({
    hearsItself: true,
    wake: { bytes: Uint8Array.of(0, 255), pauseMs: 10 },
    pauseBetweenBytesMs: 1,
    reopenAfter: 5,
  });
  expect(protocolOf(load("")).quirks).toBeUndefined();
});

it("tells a truth that is none", () => {
  const { problems } = load("", "\nquirks: { hears-itself: maybe }");
  expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual(['D207 "maybe" is not possible here']);
});

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type DeviceType, loadDeviceType } from "./load.ts";
import type { SerialProtocol } from "./model.ts";
import { fuzzSerialFrames } from "./testing/fuzz-frames.ts";

const types = ["testing/devices", "boards"].flatMap((folder) =>
  readdirSync(join(import.meta.dirname, folder)).flatMap((name) => {
    const text = readFileSync(join(import.meta.dirname, folder, name), "utf8");
    const { type } = loadDeviceType({ path: name, text });
    return type ? [type] : [];
  }),
);

test("a noisy line gives answers, reports or named faults, and never a value out of a frame whose check is wrong", () => {
  const { outcomes } = fuzzSerialFrames(types, 20_000, 1);
  for (const outcome of ["answer", "refused", "bad", "nothing", "report", "request"]) {
    expect(outcomes[outcome], outcome).toBeGreaterThan(50);
  }
}, 60_000);

test("a value out of a wrong check would be found", () => {
  const credulous = types
    .filter(({ name }) => name === "pump-mk2")
    .map((type): DeviceType => {
      const sound = type.protocol(new Map([["address", 1]])) as SerialProtocol;
      const protocol: SerialProtocol = {
        ...sound,
        read: (...args) => ({
          ...sound.read(...args),
          recognise: () => ({
            otherFrames: 0,
            strayBytes: 0,
            push: (frame) => ({ kind: "answer", frame, values: new Map() }),
          }),
        }),
      };
      return { ...type, protocol: () => protocol };
    });
  expect(() => fuzzSerialFrames(credulous, 1_000, 1)).toThrow(/pump-mk2, seed \d+: answer out of a frame in which/);
});

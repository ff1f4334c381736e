import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type DeviceType, loadDeviceType } from "../load.ts";
import type { I2cProtocol } from "../model.ts";
import { fuzzI2cAnswers } from "../testing/fuzz-i2c.ts";

const FOLDER = join(import.meta.dirname, "../sensors");
const types = readdirSync(FOLDER).flatMap((name) => {
  const { type } = loadDeviceType({ path: `sensors/${name}`, text: readFileSync(join(FOLDER, name), "utf8") });
  return type ? [type] : [];
});

test("chips that answer nonsense give values or a named reason, and never a value with a wrong CRC", () => {
  const { outcomes } = fuzzI2cAnswers(types, 20_000, 1);
  for (const outcome of ["values", "checksum", "malformed", "no-sensor", "timeout"]) {
    expect(outcomes[outcome], outcome).toBeGreaterThan(50);
  }
});

test("a value with a wrong CRC would be found", () => {
  const credulous = types
    .filter(({ name }) => name === "sht4x")
    .map((type): DeviceType => {
      const protocol: I2cProtocol = {
        ...(type.protocol(new Map([["address", 0x44]])) as I2cProtocol),
        *measure() {
          const bytes = yield { do: "transfer", write: new Uint8Array(), readLength: 6 };
          return new Map([
            ["temperature", bytes[0] ?? 0],
            ["humidity", bytes[3] ?? 0],
          ]);
        },
      };
      return { ...type, protocol: () => protocol };
    });
  expect(() => fuzzI2cAnswers(credulous, 1_000, 1)).toThrow(/sht4x, seed \d+: values came out of a wrong CRC/);
});

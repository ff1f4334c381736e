import { expect, test } from "vitest";
import type { ChipEvent } from "./i2c-chip.ts";
import { createSht4x, sensirionCrc8 } from "./sht4x.ts";

function chipAt(temperatureC: number, humidityPercent: number) {
  const time = { nowMs: 0 };
  const events: ChipEvent[] = [];
  const chip = createSht4x({
    nowMs: () => time.nowMs,
    air: () => ({ temperatureC, humidityPercent, pressurePa: 1e5 }),
    onEvent: (event) => events.push(event),
  });
  return { chip, time, events };
}
const NOTHING = new Uint8Array();

test("the checksum of 0xBEEF is the datasheet's 0x92", () => expect(sensirionCrc8([0xbe, 0xef])).toBe(0x92));

test("a measurement isn't acknowledged until it is finished, and then read once", () => {
  const { chip, time, events } = chipAt(25, 50);
  expect(chip.transfer(Uint8Array.of(0xfd), 0)).toEqual(NOTHING);
  time.nowMs = 8.2;
  expect(chip.transfer(NOTHING, 6)).toBeUndefined();
  time.nowMs = 8.4;
  expect(Buffer.from(chip.transfer(NOTHING, 6) ?? []).toString("hex")).toBe("66669372b0dc");
  expect(chip.transfer(NOTHING, 6)).toBeUndefined();
  expect(events.map((event) => event.did)).toEqual(["trigger", "read"]);
});

test("its words follow the formulas of the datasheet, cropped at the ends", () => {
  const { chip, time } = chipAt(-60, 200);
  chip.transfer(Uint8Array.of(0xe0), 0);
  time.nowMs = 2;
  const bytes = chip.transfer(NOTHING, 6) ?? NOTHING;
  expect([bytes[0], bytes[1], bytes[3], bytes[4]]).toEqual([0, 0, 0xff, 0xff]);
});

test("the serial number comes at once and with two checksums", () => {
  const bytes = chipAt(20, 50).chip.transfer(Uint8Array.of(0x89), 6) ?? NOTHING;
  expect([...bytes]).toEqual([0x0f, 0x5a, sensirionCrc8([0x0f, 0x5a]), 0x1c, 0x37, sensirionCrc8([0x1c, 0x37])]);
});

test("a soft reset ends a measurement; unknown commands and empty reads are not acknowledged", () => {
  const { chip, time } = chipAt(20, 50);
  chip.transfer(Uint8Array.of(0xfd), 0);
  expect(chip.transfer(Uint8Array.of(0x94), 0)).toEqual(NOTHING);
  time.nowMs = 20;
  expect(chip.transfer(NOTHING, 6)).toBeUndefined();
  expect(chip.transfer(Uint8Array.of(0x42), 0)).toBeUndefined();
});

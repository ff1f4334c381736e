import { expect, test } from "vitest";
import { createTmp102 } from "./tmp102.ts";

function chipAt(temperatureC: number) {
  const time = { nowMs: 0 };
  const air = { temperatureC, humidityPercent: 50, pressurePa: 1e5 };
  const chip = createTmp102({ nowMs: () => time.nowMs, air: () => air });
  time.nowMs = 30;
  const word = (register: number) => Buffer.from(chip.transfer(Uint8Array.of(register), 2) ?? []).toString("hex");
  return { chip, air, time, word };
}

test("its words are those of the datasheet's table 5, and 0 before the first conversion", () => {
  for (const [
    celsius,
    word,
  ] of [[127.9375, "7ff0"], [80, "5000"], [25, "1900"], [-0.25, "ffc0"], [-55, "c900"]] as const) // biome-ignore format: a table
    expect(chipAt(celsius).word(0)).toBe(word);
  const { time, word } = chipAt(25);
  time.nowMs = 20;
  expect(word(0)).toBe("0000");
});

test("its limits are 80 and 75 °C after power on, and what was written afterwards", () => {
  const { chip, word } = chipAt(25);
  expect([word(3), word(2)]).toEqual(["5000", "4b00"]);
  chip.transfer(Uint8Array.of(3, 0x1e, 0), 0);
  expect([word(3), word(2)]).toEqual(["1e00", "4b00"]);
  // The temperature can't be written.
  chip.transfer(Uint8Array.of(0, 0x1e, 0), 0);
  expect(word(0)).toBe("1900");
});

test("an alert comes at the upper limit and goes below the lower one", () => {
  const { air, word } = chipAt(79.9);
  const isAlert = () => (Number.parseInt(word(1), 16) & 0x20) === 0;
  const seen = [79.9, 80, 76, 74.9, 79].map((celsius) => {
    air.temperatureC = celsius;
    return isAlert();
  });
  expect(seen).toEqual([false, true, true, false, false]);
});

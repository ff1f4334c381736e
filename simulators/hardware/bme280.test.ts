import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBme280 } from "./bme280.ts";
import { airFrom, calibrationRegisters, rawFrom, TYPICAL_CALIBRATION } from "./bme280-compensation.ts";
import type { Air, ChipEvent, I2cChip } from "./i2c-chip.ts";

const AIR: Air = { temperatureC: 21.5, humidityPercent: 47.2, pressurePa: 94_812 };

function chipAt(air: Air = AIR) {
  const events: ChipEvent[] = [];
  const time = { nowMs: 100 };
  const chip = createBme280({ nowMs: () => time.nowMs, air: () => air, onEvent: (event) => events.push(event) });
  return { chip, time, events };
}
const read = (chip: I2cChip, register: number, length = 1) => [
  ...(chip.transfer(Uint8Array.of(register), length) ?? []),
];
const write = (chip: I2cChip, ...bytes: number[]) => chip.transfer(Uint8Array.from(bytes), 0);

describe("compensation", () => {
  test("gives the worked example of the datasheet", () => {
    const air = airFrom({ temperature: 519_888, pressure: 415_148, humidity: 28_000 }, TYPICAL_CALIBRATION);
    expect(air.temperatureC).toBeCloseTo(25.0825, 3);
    expect(air.pressurePa).toBeCloseTo(100_653.27, 1);
  });

  test("agrees with the integer formula of the datasheet for humidity", () => {
    for (const [raw, celsius] of [
      [24_000, 3],
      [28_000, 25],
      [31_000, 38],
    ] as const) {
      const { temperature } = rawFrom({ ...AIR, temperatureC: celsius }, TYPICAL_CALIBRATION);
      const { humidityPercent } = airFrom({ temperature, pressure: 415_148, humidity: raw }, TYPICAL_CALIBRATION);
      expect(humidityPercent).toBeCloseTo(integerHumidity(temperature, raw), 1);
    }
  });

  test("turned round and back gives the same air within one step of the converter", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -30, max: 60, noNaN: true }),
        fc.double({ min: 5, max: 95, noNaN: true }),
        fc.double({ min: 60_000, max: 108_000, noNaN: true }),
        (temperatureC, humidityPercent, pressurePa) => {
          const back = airFrom(
            rawFrom({ temperatureC, humidityPercent, pressurePa }, TYPICAL_CALIBRATION),
            TYPICAL_CALIBRATION,
          );
          expect(Math.abs(back.temperatureC - temperatureC)).toBeLessThan(0.004);
          expect(Math.abs(back.humidityPercent - humidityPercent)).toBeLessThan(0.02);
          expect(Math.abs(back.pressurePa - pressurePa)).toBeLessThan(0.5);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("shares register 0xE5 between dig_H4 and dig_H5", () => {
    const registers = calibrationRegisters({ ...TYPICAL_CALIBRATION, h: [75, 361, 0, 0x141, 0x032, 30] });
    expect([0xe4, 0xe5, 0xe6].map((register) => registers.get(register))).toEqual([0x14, 0x21, 0x03]);
  });
});

describe("registers", () => {
  test("the chip says who it is", () => expect(read(chipAt().chip, 0xd0)).toEqual([0x60]));

  test("forced mode says that it measures, then holds the air of its trigger and sleeps", () => {
    const { chip, time, events } = chipAt();
    write(chip, 0xf2, 0x01);
    write(chip, 0xf4, 0b001_001_01);
    expect(read(chip, 0xf3)).toEqual([0b1001]);
    time.nowMs += 9.4;
    expect(read(chip, 0xf3)).toEqual([0]);
    expect(read(chip, 0xf4)).toEqual([0b001_001_00]);
    const data = read(chip, 0xf7, 8) as [number, number, number, number, number, number, number, number];
    const raw = {
      pressure: (data[0] << 12) | (data[1] << 4) | (data[2] >> 4),
      temperature: (data[3] << 12) | (data[4] << 4) | (data[5] >> 4),
      humidity: (data[6] << 8) | data[7],
    };
    expect(raw).toEqual(rawFrom(AIR, TYPICAL_CALIBRATION));
    expect(events.map((event) => event.did)).toEqual(["trigger", "read"]);
  });

  test("before the first measurement, and where one is skipped, the data are 0x80000", () => {
    const { chip, time } = chipAt();
    expect(read(chip, 0xf7, 8)).toEqual([0x80, 0, 0, 0x80, 0, 0, 0x80, 0]);
    write(chip, 0xf4, 0b001_000_01);
    time.nowMs += 20;
    const data = read(chip, 0xf7, 8);
    expect([data.slice(0, 3), data.slice(6)]).toEqual([
      [0x80, 0, 0],
      [0x80, 0],
    ]);
    expect(data.slice(3, 6)).not.toEqual([0x80, 0, 0]);
  });

  test("humidity oversampling counts only after ctrl_meas was written", () => {
    const { chip, time } = chipAt();
    write(chip, 0xf4, 0b001_001_01);
    write(chip, 0xf2, 0x01);
    time.nowMs += 20;
    expect(read(chip, 0xfd, 2)).toEqual([0x80, 0]);
  });

  test("normal mode keeps measuring", () => {
    const { chip, time, events } = chipAt();
    write(chip, 0xf5, 0b000_000_00, 0xf4, 0b001_001_11);
    for (let round = 0; round < 3; round++) {
      time.nowMs += 20;
      expect(read(chip, 0xf7, 3)).not.toEqual([0x80, 0, 0]);
    }
    expect(read(chip, 0xf4)).toEqual([0b001_001_11]);
    expect(events.filter((event) => event.did === "trigger")).toHaveLength(1);
  });

  test("a reset forgets settings and data", () => {
    const { chip, time } = chipAt();
    write(chip, 0xf2, 0x01, 0xf4, 0b001_001_01);
    time.nowMs += 20;
    write(chip, 0xe0, 0xb6);
    expect(read(chip, 0xf3)).toEqual([1]);
    expect(read(chip, 0xf4)).toEqual([0]);
    expect(read(chip, 0xf7, 8)).toEqual([0x80, 0, 0, 0x80, 0, 0, 0x80, 0]);
  });
});

/** Datasheet 4.2.3, in 32-bit integers; %RH. */
function integerHumidity(rawTemperature: number, raw: number): number {
  const [t1, t2, t3] = TYPICAL_CALIBRATION.t;
  const [h1, h2, h3, h4, h5, h6] = TYPICAL_CALIBRATION.h;
  const var1 = (((rawTemperature >> 3) - (t1 << 1)) * t2) >> 11;
  const var2 = (((((rawTemperature >> 4) - t1) * ((rawTemperature >> 4) - t1)) >> 12) * t3) >> 14;
  let v = var1 + var2 - 76800;
  const left = ((raw << 14) - (h4 << 20) - h5 * v + 16384) >> 15;
  const right = ((((((v * h6) >> 10) * (((v * h3) >> 11) + 32768)) >> 10) + 2097152) * h2 + 8192) >> 14;
  v = Math.imul(left, right);
  v -= ((((v >> 15) * (v >> 15)) >> 7) * h1) >> 4;
  return (Math.min(419430400, Math.max(0, v)) >> 12) / 1024;
}

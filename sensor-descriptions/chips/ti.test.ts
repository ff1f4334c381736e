/** ADS1115 and INA219: 16-bit registers behind a pointer, most significant byte first. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChipModel, createChipBench } from "../testing/chip-bench.ts";

/** The pointer stays; writing takes a pointer and two bytes. */
function wordRegisters(
  read: (register: number, nowMs: number) => number,
  write: (register: number, value: number, nowMs: number) => void,
): ChipModel {
  let pointer = 0;
  return {
    transfer: (bytes, readLength, nowMs) => {
      pointer = bytes[0] ?? pointer;
      if (bytes.length === 3) write(pointer, ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0), nowMs);
      const word = read(pointer, nowMs);
      return Uint8Array.of(word >> 8, word & 0xff).slice(0, readLength);
    },
  };
}

const FULL_SCALE_V = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256];
const RATE_HZ = [8, 16, 32, 64, 128, 250, 475, 860];

/** SBAS444D: config 8583 after power-on, conversion register 0; a rate may be 10 % slow; clipped at both ends. */
function ads1115(volts: readonly number[]): ChipModel {
  let config = 0x8583;
  let conversion = 0;
  let doneMs: number | undefined;
  const volt = (i: number) => volts[i] ?? 0;
  const input = (mux: number) =>
    [volt(0) - volt(1), volt(0) - volt(3), volt(1) - volt(3), volt(2) - volt(3), ...volts][mux] ?? 0;
  const catchUp = (nowMs: number) => {
    if (doneMs === undefined || nowMs < doneMs) return;
    doneMs = undefined;
    const fullScale = FULL_SCALE_V[(config >> 9) & 7] ?? 0;
    const steps = Math.round((input((config >> 12) & 7) / fullScale) * 32_768);
    conversion = Math.min(32_767, Math.max(-32_768, steps)) & 0xffff;
  };
  return wordRegisters(
    (register, nowMs) => {
      catchUp(nowMs);
      if (register === 0) return conversion;
      return register === 1 ? (config & 0x7fff) | (doneMs === undefined ? 0x8000 : 0) : 0;
    },
    (register, value, nowMs) => {
      catchUp(nowMs);
      if (register !== 1) return;
      config = value;
      const isOnce = (value & 0x8100) === 0x8100;
      if (isOnce && doneMs === undefined) doneMs = nowMs + (1000 / (RATE_HZ[(value >> 5) & 7] ?? 8)) * 1.1 + 0.03;
    },
  );
}

test("an ADS1115 gives the voltage of each input on every range, and none for one beyond it", () => {
  const ranges = FULL_SCALE_V.slice(0, 6).map((full, code) => ({
    full,
    bench: createChipBench("ads1115", { "input-range": code }),
  }));
  const share = fc.double({ min: -0.3, max: 1.2, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom(...ranges), fc.tuple(share, share, share, share), ({ full, bench }, shares) => {
      const values = bench.read(ads1115(shares.map((each) => each * full)));
      shares.forEach((each, i) => {
        const value = values.get(`input-${i}`);
        if (each >= 1) expect(value).toBe("malformed");
        else if (each < 0.9999) expect(Math.abs((value as number) - each * full)).toBeLessThanOrEqual(full / 65_500);
      });
    }),
    { numRuns: 1000 },
  );
});

/** Conversion time by the four bits of an ADC setting (SBOS448G, table 5), and 10 % more; below 8 without averaging. */
const adcMs = (code: number): number =>
  1.102 * (code < 8 ? ([0.084, 0.148, 0.276, 0.532][code & 3] ?? 0) : 0.532 * 2 ** (code & 7));

/** SBOS448G 8.6: configuration 399F after reset; the ready bit goes with a new mode; both values clip. */
function ina219(shuntV: number, busV: number): ChipModel {
  let config = 0x399f;
  let doneMs: number | undefined = 1.2;
  let [shunt, bus, isReady] = [0, 0, false];
  const catchUp = (nowMs: number) => {
    if (doneMs === undefined || nowMs < doneMs) return;
    const limit = 4000 << ((config >> 11) & 3);
    shunt = Math.min(limit, Math.max(-limit, Math.round(shuntV * 1e5)));
    bus = Math.min(config & 0x2000 ? 8000 : 4000, Math.round(busV * 250));
    [isReady, doneMs] = [true, undefined];
  };
  return wordRegisters(
    (register, nowMs) => {
      catchUp(nowMs);
      if (register === 1) return shunt & 0xffff;
      return register === 2 ? (bus << 3) | (isReady ? 2 : 0) : register === 0 ? config : 0;
    },
    (register, value, nowMs) => {
      if (register !== 0) return;
      config = value & 0x8000 ? 0x399f : value;
      isReady = false;
      if ((config & 3) === 3) doneMs = nowMs + adcMs((config >> 7) & 15) + adcMs((config >> 3) & 15);
    },
  );
}

test("an INA219 gives voltage, current and power for any shunt, and no current beyond ±320 mV", () => {
  const benches = [0.0005, 0.002, 0.01, 0.1, 1].map((shunt) => ({ shunt, ina: createChipBench("ina219", { shunt }) }));
  const fitted = fc.constantFrom(...benches);
  const shuntV = fc.double({ min: -0.4, max: 0.4, noNaN: true });
  const busV = fc.double({ min: 0, max: 26, noNaN: true });
  fc.assert(
    fc.property(fitted, shuntV, busV, ({ shunt, ina }, acrossV, volt) => {
      const values = ina.read(ina219(acrossV, volt));
      expect(Math.abs((values.get("voltage") as number) - volt)).toBeLessThanOrEqual(0.002_001);
      if (Math.abs(acrossV) >= 0.32) {
        expect([values.get("current"), values.get("power")]).toEqual(["malformed", "malformed"]);
      } else if (Math.abs(acrossV) < 0.3199) {
        const current = values.get("current") as number;
        expect(Math.abs(current - acrossV / shunt)).toBeLessThanOrEqual(0.000_005_1 / shunt);
        expect(values.get("power")).toBeCloseTo(current * (values.get("voltage") as number), 9);
      }
    }),
    { numRuns: 1000 },
  );
});

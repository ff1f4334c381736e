import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChipModel, createChipBench, createRegisterChip } from "../testing/chip-bench.ts";

const bench = createChipBench("bmp390");

/** BST-BMP390-DS002, trimming coefficients: T1 T2 u16, T3 i8, P1 P2 i16, P3 P4 i8, P5 P6 u16, P7 P8 i8, P9 i16, P10 P11 i8. */
type Calibration = readonly number[];
const WIDTHS = [2, 2, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 1, 1];
interface Raw {
  readonly t: number;
  readonly p: number;
}

/**
 * By its registers: asleep after power-on and reset, pressure and temperature off; OSR 02 then. A forced conversion
 * (only of what is enabled) takes 234 µs + 392 µs + 2^osr · 2020 µs + 163 µs + 2^osr · 2020 µs, then sets the ready
 * bits, which go when the data are read. A new mode is only taken asleep.
 */
function chip(calibration: Calibration, raw: () => Raw, id = 0x60): ChipModel {
  const trimming = calibration.flatMap((value, i) =>
    WIDTHS[i] === 1 ? [value & 0xff] : [value & 0xff, (value >> 8) & 0xff],
  );
  const data = [0, 0, 0x80, 0, 0, 0x80];
  let osr = 2;
  let readyMs = 0;
  let status = 0x10;
  let measuring: { readonly untilMs: number; readonly power: number; readonly raw: Raw } | undefined;
  const catchUp = (nowMs: number) => {
    if (!measuring || nowMs < measuring.untilMs) return;
    const { power, raw: done } = measuring;
    for (let i = 0; i < 3; i++) {
      if (power & 1) data[i] = (done.p >> (8 * i)) & 0xff;
      if (power & 2) data[3 + i] = (done.t >> (8 * i)) & 0xff;
    }
    status |= (power & 1 ? 0x20 : 0) | (power & 2 ? 0x40 : 0);
    measuring = undefined;
  };
  return createRegisterChip({
    writesInPairs: true,
    write: (register, value, nowMs) => {
      catchUp(nowMs);
      if (nowMs < readyMs) return;
      if (register === 0x7e && value === 0xb6) {
        [osr, readyMs, status, measuring] = [2, nowMs + 2, 0x10, undefined];
      }
      if (register === 0x1c) osr = value;
      const isForced = ((value >> 4) & 3) === 1 || ((value >> 4) & 3) === 2;
      if (register !== 0x1b || !isForced || measuring) return;
      const forP = value & 1 ? 0.392 + 2 ** (osr & 7) * 2.02 : 0;
      const forT = value & 2 ? 0.163 + 2 ** ((osr >> 3) & 7) * 2.02 : 0;
      measuring = { untilMs: nowMs + 0.234 + forP + forT, power: value, raw: raw() };
    },
    read: (register, nowMs) => {
      catchUp(nowMs);
      if (nowMs < readyMs) return 0xff;
      if (register === 0) return id;
      if (register === 3) return status;
      if (register >= 0x31 && register <= 0x45) return trimming[register - 0x31] ?? 0;
      if (register < 4 || register > 9) return 0;
      status &= register < 7 ? ~0x20 : ~0x40;
      return data[register - 4] ?? 0;
    },
  });
}

/** 8.4 to 8.6 another way: as polynomials in the temperature, by Horner's rule. */
function compensated(nvm: Calibration, raw: Raw): { temperature: number; pressure: number } {
  const scaled = (i: number, power: number, less = 0) => ((nvm[i] ?? 0) - less) * 2 ** -power;
  const above = raw.t - scaled(0, -8);
  const t = above * (scaled(1, 30) + above * scaled(2, 48));
  const offset = scaled(7, -3) + t * (scaled(8, 6) + t * (scaled(9, 8) + t * scaled(10, 15)));
  const slope = scaled(3, 20, 16_384) + t * (scaled(4, 29, 16_384) + t * (scaled(5, 32) + t * scaled(6, 37)));
  const bend = scaled(11, 48) + t * scaled(12, 48) + raw.p * scaled(13, 65);
  return { temperature: t, pressure: (offset + raw.p * (slope + raw.p * bend)) / 100 };
}

const i8 = fc.integer({ min: -128, max: 127 });
const i16 = fc.integer({ min: -32_768, max: 32_767 });
const u16 = fc.nat(65_535);
const calibrations: fc.Arbitrary<Calibration> = fc.tuple(u16, u16, i8, i16, i16, i8, i8, u16, u16, i8, i8, i16, i8, i8);
const raws: fc.Arbitrary<Raw> = fc.record({ t: fc.nat(0xffffff), p: fc.nat(0xffffff) });

test("a BMP390 of any calibration is read as its datasheet's formulas say", () => {
  fc.assert(
    fc.property(calibrations, raws, (calibration, raw) => {
      const values = bench.read(chip(calibration, () => raw));
      for (const [name, expected] of Object.entries(compensated(calibration, raw))) {
        const scale = Math.max(1, Math.abs(expected));
        expect(Math.abs((values.get(name) as number) - expected) / scale).toBeLessThan(1e-6);
      }
    }),
    { numRuns: 1000 },
  );
});

test("each poll brings a new conversion, not the one before", () => {
  const calibration = [27_613, 18_882, -10, -238, -3181, 3, 0, 25_043, 30_461, -12, -13, 2882, 20, -60];
  let raw: Raw = { t: 7_000_000, p: 6_100_000 };
  const values = bench.readTwice(
    chip(calibration, () => raw),
    () => (raw = { t: 8_400_000, p: 6_300_000 }),
  );
  expect(values.get("temperature")).toBeCloseTo(23.3443, 3);
  expect(values.get("pressure")).toBeCloseTo(1062.6513, 3);
});

test("a BMP388 is no BMP390", () => {
  const other = chip([], () => ({ t: 0, p: 0 }), 0x50);
  expect(() => bench.read(other)).toThrowError();
});

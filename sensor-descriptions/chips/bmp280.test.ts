import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChipModel, createChipBench, createRegisterChip } from "../testing/chip-bench.ts";

const bench = createChipBench("bmp280");

/** BST-BMP280-DS001, table 17: T1 to T3, P1 to P9. */
interface Calibration {
  readonly t: readonly [number, number, number];
  readonly p: readonly number[];
}
interface Raw {
  readonly t: number;
  readonly p: number;
}

/**
 * By its registers (chapter 4): after a reset it copies its calibration for 2 ms; a forced measurement takes its
 * maximum time (3.8.1) and leaves its results then; a measurement that was skipped leaves 0x80000 (4.3.6, 4.3.7).
 */
function chip({ t, p }: Calibration, raw: () => Raw, id = 0x58): ChipModel {
  const memory = new DataView(new ArrayBuffer(256));
  const calibration = [...t, ...p];
  let readyMs = Number.POSITIVE_INFINITY;
  let measuring: { readonly untilMs: number; readonly raw: Raw } | undefined;
  const store = ({ t: rawT, p: rawP }: Raw) => {
    memory.setUint32(0xf7, (rawP << 12) >>> 0);
    memory.setUint32(0xfa, (rawT << 12) >>> 0);
  };
  const times = (code: number) => (code === 0 ? 0 : 2 ** (Math.min(code, 5) - 1));
  const catchUp = (nowMs: number) => {
    if (!measuring || nowMs < measuring.untilMs) return;
    store(measuring.raw);
    measuring = undefined;
  };
  return createRegisterChip({
    writesInPairs: true,
    write: (register, value, nowMs) => {
      if (register === 0xe0 && value === 0xb6) {
        readyMs = nowMs + 2;
        store({ t: 0x80000, p: 0x80000 });
      }
      if (register !== 0xf4 || (value & 3) === 0 || nowMs < readyMs) return;
      const [forT, forP] = [times(value >> 5), times((value >> 2) & 7)];
      const lastsMs = 1.25 + 2.3 * forT + (forP > 0 ? 2.3 * forP + 0.575 : 0);
      const { t: rawT, p: rawP } = raw();
      measuring = { untilMs: nowMs + lastsMs, raw: { t: forT > 0 ? rawT : 0x80000, p: forP > 0 ? rawP : 0x80000 } };
    },
    read: (register, nowMs) => {
      catchUp(nowMs);
      if (register === 0xd0) return id;
      if (register === 0xf3) return (measuring ? 8 : 0) | (nowMs < readyMs ? 1 : 0);
      const word = calibration[(register - 0x88) >> 1];
      if (register < 0x88 || register > 0x9f || word === undefined) return memory.getUint8(register);
      if (nowMs < readyMs) return 0;
      return (register & 1 ? word >> 8 : word) & 0xff;
    },
  });
}

/** The same compensation as the datasheet's 64-bit whole-number code counts it (3.11.3): 0.01 °C, 1/256 Pa. */
function inWholeNumbers({ t, p }: Calibration, raw: Raw): { temperature: number; pressure: number } {
  const [t1, t2, t3] = t;
  const coarse = (((raw.t >> 3) - (t1 << 1)) * t2) / 2 ** 11;
  const away = (raw.t >> 4) - t1;
  const fine = Math.floor(coarse) + Math.floor((Math.floor((away * away) / 2 ** 12) * t3) / 2 ** 14);
  const [p1 = 0n, p2 = 0n, p3 = 0n, p4 = 0n, p5 = 0n, p6 = 0n, p7 = 0n, p8 = 0n, p9 = 0n] = p.map(BigInt);
  const x = BigInt(fine) - 128_000n;
  const offset = x * x * p6 + ((x * p5) << 17n) + (p4 << 35n);
  const gain = (((1n << 47n) + ((x * x * p3) >> 8n) + ((x * p2) << 12n)) * p1) >> 33n;
  const first = ((((1_048_576n - BigInt(raw.p)) << 31n) - offset) * 3125n) / gain;
  const bend = (p9 * (first >> 13n) * (first >> 13n)) >> 25n;
  const pascal256 = ((first + bend + ((p8 * first) >> 19n)) >> 8n) + (p7 << 4n);
  return { temperature: ((fine * 5 + 128) >> 8) / 100, pressure: Number(pascal256) / 256 / 100 };
}

const PRINTED: Calibration = {
  t: [27_504, 26_435, -1000],
  p: [36_477, -10_685, 3024, 2855, 140, -7, 15_500, -14_600, 6000],
};
const around = (value: number, by: number) => fc.integer({ min: value - by, max: value + by });
const calibrations: fc.Arbitrary<Calibration> = fc.record({
  t: fc.tuple(around(27_500, 1500), around(26_000, 1000), around(0, 2000)),
  p: fc.tuple(
    around(37_000, 1500), around(-10_600, 400), around(3000, 500), around(0, 8000), around(0, 300), around(-7, 5),
    around(12_000, 4000), around(-12_000, 3000), around(5000, 1500),
  ), // biome-ignore format: nine of them
});
const raws: fc.Arbitrary<Raw> = fc.record({ t: around(500_000, 80_000), p: around(380_000, 80_000) });

test("a BMP280 of any calibration is read as its datasheet's whole-number code reads it", () => {
  fc.assert(
    fc.property(calibrations, raws, (calibration, raw) => {
      const values = bench.read(chip(calibration, () => raw));
      const expected = inWholeNumbers(calibration, raw);
      // Whole numbers lose up to 4 bits of the raw temperature: 0.01 °C, and the pressure that goes with it.
      expect(Math.abs((values.get("temperature") as number) - expected.temperature)).toBeLessThan(0.02);
      expect(Math.abs((values.get("pressure") as number) - expected.pressure)).toBeLessThan(0.05);
    }),
    { numRuns: 1000 },
  );
});

test("each poll brings a new conversion, not the one before", () => {
  let raw: Raw = { t: 450_000, p: 330_000 };
  const values = bench.readTwice(
    chip(PRINTED, () => raw),
    () => (raw = { t: 519_888, p: 415_148 }),
  );
  expect(values.get("temperature")).toBeCloseTo(25.0825, 3);
  expect(values.get("pressure")).toBeCloseTo(1006.5327, 3);
});

test("a BME280 is no BMP280", () => {
  const other = chip(PRINTED, () => ({ t: 0, p: 0 }), 0x60);
  expect(() => bench.read(other)).toThrowError(expect.objectContaining({ reason: "no-sensor" }));
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChipModel, createChipBench, createRegisterChip } from "../testing/chip-bench.ts";

const bench = createChipBench("hts221");

/** Two points of each line: what the factory had (°C, %), and what the converter said there. */
interface Line {
  readonly true0: number;
  readonly true1: number;
  readonly out0: number;
  readonly out1: number;
}

/**
 * By its registers: bit 7 of the first byte makes a transfer go on to the next register (5.1); without it the same
 * register comes again. One-shot works while PD is set and ODR is 0; the bit goes back and STATUS tells when both are
 * there. Without PD nothing is measured.
 */
function chip(temperature: Line, humidity: Line, out: () => { t: number; h: number }, id = 0xbc): ChipModel {
  const memory = new DataView(new ArrayBuffer(128));
  const t0 = Math.round(temperature.true0 * 8);
  const t1 = Math.round(temperature.true1 * 8);
  memory.setUint8(0x0f, id);
  memory.setUint8(0x10, 0x1b);
  memory.setUint8(0x30, humidity.true0 * 2);
  memory.setUint8(0x31, humidity.true1 * 2);
  memory.setUint8(0x32, t0 & 0xff);
  memory.setUint8(0x33, t1 & 0xff);
  memory.setUint8(0x34, 0xa5); // reserved
  memory.setUint8(0x35, 0xc0 | ((t1 >> 8) << 2) | (t0 >> 8)); // the upper four bits are reserved
  for (const [at, word] of [[0x36, humidity.out0], [0x38, 0x5a5a], [0x3a, humidity.out1], [0x3c, temperature.out0], [0x3e, temperature.out1]] as const)
    memory.setInt16(at, word, true); // biome-ignore format: a table
  let doneMs: number | undefined;
  let next = { t: 0, h: 0 };
  const catchUp = (nowMs: number) => {
    if (doneMs === undefined || nowMs < doneMs) return;
    doneMs = undefined;
    memory.setInt16(0x28, next.h, true);
    memory.setInt16(0x2a, next.t, true);
    memory.setUint8(0x21, memory.getUint8(0x21) & ~1);
    memory.setUint8(0x27, 3);
  };
  return createRegisterChip({
    address: (first) => ({ register: first & 0x7f, step: first & 0x80 ? 1 : 0 }),
    write: (register, value, nowMs) => {
      catchUp(nowMs);
      memory.setUint8(register, value);
      const isReady = (memory.getUint8(0x20) & 0x83) === 0x80;
      if (register !== 0x21 || !(value & 1) || !isReady) return;
      next = out();
      doneMs = nowMs + 60;
    },
    read: (register, nowMs) => {
      catchUp(nowMs);
      return memory.getUint8(register & 0x7f);
    },
  });
}

const outOf = (line: Line, value: number): number =>
  line.out0 + ((value - line.true0) * (line.out1 - line.out0)) / (line.true1 - line.true0);

const lineOf = (low: fc.Arbitrary<number>, span: fc.Arbitrary<number>, step: number): fc.Arbitrary<Line> =>
  fc
    .record({
      low,
      span,
      out0: fc.integer({ min: -500, max: 500 }),
      rise: fc.integer({ min: 600, max: 9000 }),
      falls: fc.boolean(),
    })
    .map(({ low: true0, span: by, out0, rise, falls }) => ({
      true0: true0 * step,
      true1: (true0 + by) * step,
      out0,
      out1: out0 + (falls ? -rise : rise),
    }));

const temperatures = lineOf(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 80, max: 600 }), 1 / 8);
const humidities = lineOf(fc.integer({ min: 20, max: 80 }), fc.integer({ min: 60, max: 120 }), 1 / 2);

test("an HTS221 of any calibration is read along its two lines, cropped at 0 and 100 %", () => {
  const anyOut = fc.record({ t: fc.integer({ min: -3000, max: 3000 }), h: fc.integer({ min: -12_000, max: 12_000 }) });
  fc.assert(
    fc.property(temperatures, humidities, anyOut, (temperature, humidity, out) => {
      const values = bench.read(chip(temperature, humidity, () => out));
      // The way back: what the converter would say at the values that came out.
      expect(outOf(temperature, values.get("temperature") as number)).toBeCloseTo(out.t, 6);
      const wet = values.get("humidity") as number;
      const isCropped = wet === 0 || wet === 100;
      if (!isCropped) expect(outOf(humidity, wet)).toBeCloseTo(out.h, 6);
      const rising = Math.sign(humidity.out1 - humidity.out0);
      if (isCropped)
        expect((out.h - outOf(humidity, wet)) * rising * (wet === 0 ? -1 : 1)).toBeGreaterThanOrEqual(-1e-6);
    }),
    { numRuns: 1000 },
  );
});

test("each poll brings a new measurement, not the one before", () => {
  const temperature = { true0: 10, true1: 20, out0: 300, out1: 500 };
  const humidity = { true0: 20, true1: 40, out0: 4000, out1: 6000 };
  let out = { t: 300, h: 4000 };
  const values = bench.readTwice(
    chip(temperature, humidity, () => out),
    () => (out = { t: 400, h: 5000 }),
  );
  expect([...values]).toEqual([
    ["temperature", 15],
    ["humidity", 30],
  ]);
});

test("a chip whose two calibration points are the same gives no number", () => {
  const flat = { true0: 10, true1: 20, out0: 300, out1: 300 };
  const values = bench.read(chip(flat, flat, () => ({ t: 300, h: 300 })));
  expect([...values.values()]).toEqual(["malformed", "malformed"]);
});

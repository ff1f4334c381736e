import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChipModel, createChipBench, createRegisterChip } from "../testing/chip-bench.ts";

const bench = createChipBench("lps22hb");

interface Air {
  readonly hPa: number;
  readonly celsius: number;
}

/**
 * By its registers (DocID027083): a transfer goes on to the next register while IF_ADD_INC is set, which it is after
 * a reset. ONE_SHOT measures while ODR is 0, and goes back to 0 when STATUS tells of both values; STATUS keeps telling
 * of values that nobody read. SWRESET goes back to 0 by itself. With BDU, I2C may not read several registers at once:
 * what it gives then is FF here.
 */
function chip(air: () => Air, state: { leftOver?: boolean; id?: number } = {}): ChipModel {
  const memory = new DataView(new ArrayBuffer(128));
  let resetMs: number | undefined;
  let doneMs: number | undefined;
  let next: Air = { hPa: 0, celsius: 0 };
  const defaults = () => {
    memory.setUint8(0x0f, state.id ?? 0xb1);
    memory.setUint8(0x10, 0);
    memory.setUint8(0x11, 0x10);
  };
  defaults();
  if (state.leftOver) {
    // Another program: ten times a second, without going on to the next register, and with values that nobody read.
    memory.setUint8(0x10, 0x20);
    memory.setUint8(0x11, 0x00);
    memory.setUint8(0x27, 3);
  }
  const catchUp = (nowMs: number) => {
    if (resetMs !== undefined && nowMs >= resetMs) {
      resetMs = undefined;
      defaults();
    }
    if (doneMs === undefined || nowMs < doneMs) return;
    doneMs = undefined;
    const steps = Math.round(next.hPa * 4096);
    memory.setInt16(0x28, ((steps & 0xffff) << 16) >> 16, true);
    memory.setUint8(0x2a, (steps >> 16) & 0xff);
    memory.setInt16(0x2b, Math.round(next.celsius * 100), true);
    memory.setUint8(0x27, 3);
    memory.setUint8(0x11, memory.getUint8(0x11) & ~1);
  };
  return createRegisterChip({
    address: (first) => ({ register: first & 0x7f, step: memory.getUint8(0x11) & 0x10 ? 1 : 0 }),
    write: (register, value, nowMs) => {
      catchUp(nowMs);
      if (register !== 0x10 && register !== 0x11) return;
      memory.setUint8(register, value);
      if (register === 0x11 && value & 4) resetMs = nowMs + 4;
      if (register !== 0x11 || !(value & 1) || memory.getUint8(0x10) & 0x70) return;
      next = air();
      doneMs = nowMs + 37;
    },
    read: (register, nowMs) => {
      catchUp(nowMs);
      if (register >= 0x28 && register <= 0x2c) {
        memory.setUint8(0x27, 0);
        if (memory.getUint8(0x10) & 2 && memory.getUint8(0x11) & 0x10) return 0xff;
      }
      return memory.getUint8(register & 0x7f);
    },
  });
}

const airs: fc.Arbitrary<Air> = fc.record({
  hPa: fc.integer({ min: 260 * 4096, max: 1260 * 4096 }).map((steps) => steps / 4096),
  celsius: fc.integer({ min: -4000, max: 8500 }).map((steps) => steps / 100),
});

test("an LPS22HB gives any pressure and temperature, whatever another program left in it", () => {
  fc.assert(
    fc.property(airs, fc.boolean(), (air, leftOver) => {
      const values = bench.read(chip(() => air, { leftOver }));
      expect(values.get("pressure")).toBeCloseTo(air.hPa, 9);
      expect(values.get("temperature")).toBeCloseTo(air.celsius, 9);
    }),
    { numRuns: 1000 },
  );
});

test("each poll brings a new measurement, not the one before", () => {
  let air: Air = { hPa: 990, celsius: -3 };
  const values = bench.readTwice(
    chip(() => air),
    () => (air = { hPa: 1023.5, celsius: -12.25 }),
  );
  expect([...values]).toEqual([
    ["temperature", -12.25],
    ["pressure", 1023.5],
  ]);
});

test("an LPS25HB is no LPS22HB", () => {
  const other = chip(() => ({ hPa: 1000, celsius: 20 }), { id: 0xbd });
  expect(() => bench.read(other)).toThrowError(expect.objectContaining({ reason: "no-sensor" }));
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadDeviceType } from "./load.ts";
import type { I2cConversation, I2cProtocol, Values } from "./model.ts";

const path = "sensors/bme280.yaml";
const { type } = loadDeviceType({ path, text: readFileSync(join(import.meta.dirname, path), "utf8") });
const protocol = type?.protocol(new Map([["address", 0x76]])) as I2cProtocol;

interface Calibration { t: number[]; p: number[]; h: number[] } // biome-ignore format: short

/** The chip's registers: reads go on from the register written last; F7… are what a conversion left there. */
function chip(calibration: Calibration, raw: { t: number; p: number; h: number }) {
  const memory = new DataView(new ArrayBuffer(256));
  memory.setUint8(0xd0, 0x60);
  const { t, p, h } = calibration;
  t.forEach((value, i) => memory.setInt16(0x88 + 2 * i, value, true));
  p.forEach((value, i) => memory.setInt16(0x8e + 2 * i, value, true));
  const [h1 = 0, h2 = 0, h3 = 0, h4 = 0, h5 = 0, h6 = 0] = h;
  memory.setUint8(0xa1, h1);
  memory.setInt16(0xe1, h2, true);
  memory.setUint8(0xe3, h3);
  memory.setInt8(0xe4, h4 >> 4);
  memory.setUint8(0xe5, (h4 & 15) | ((h5 & 15) << 4));
  memory.setInt8(0xe6, h5 >> 4);
  memory.setInt8(0xe7, h6);
  memory.setUint32(0xf7, (raw.p << 12) >>> 0);
  memory.setUint32(0xfa, (raw.t << 12) >>> 0);
  memory.setUint16(0xfd, raw.h);
  return (write: Uint8Array, length: number) => new Uint8Array(memory.buffer, write[0], length);
}

function run<T>(conversation: I2cConversation<T>, read: ReturnType<typeof chip>): T {
  for (let state = conversation.next(); ; ) {
    if (state.done) return state.value;
    const step = state.value;
    state = conversation.next(step.do === "wait" ? new Uint8Array() : read(step.write, step.readLength));
  }
}
const measured = (calibration: Calibration, raw: { t: number; p: number; h: number }): Values => {
  const read = chip(calibration, raw);
  return run(protocol.measure(run(protocol.prepare(), read)), read);
};

/** BST-BME280-DS002 8.1, written a second time and another way: in the integers' own scale, term by term. */
function compensated({ t, p, h }: Calibration, raw: { t: number; p: number; h: number }) {
  const [t1 = 0, t2 = 0, t3 = 0] = t;
  const x = raw.t / 2 ** 14 - t1 / 2 ** 10;
  const fine = x * t2 + (x / 8) ** 2 * t3;
  const [p1 = 0, p2 = 0, p3 = 0, p4 = 0, p5 = 0, p6 = 0, p7 = 0, p8 = 0, p9 = 0] = p;
  const y = fine / 2 - 64_000;
  const offset = ((p6 / 2 ** 15) * y ** 2 + 2 * p5 * y) / 4 + p4 * 2 ** 16;
  const gain = (1 + ((p3 * y ** 2) / 2 ** 19 + p2 * y) / 2 ** 19 / 2 ** 15) * p1;
  const q = ((2 ** 20 - raw.p - offset / 2 ** 12) * 6250) / gain;
  const pascal = q + ((p9 * q ** 2) / 2 ** 31 + (q * p8) / 2 ** 15 + p7) / 16;
  const [h1 = 0, h2 = 0, h3 = 0, h4 = 0, h5 = 0, h6 = 0] = h;
  const z = fine - 76_800;
  const wet =
    (raw.h - (64 * h4 + (h5 / 2 ** 14) * z)) * ((h2 / 2 ** 16) * (1 + (h6 / 2 ** 26) * z * (1 + (h3 / 2 ** 26) * z)));
  return {
    temperature: fine / 5120,
    pressure: pascal / 100,
    humidity: Math.min(100, Math.max(0, wet * (1 - (h1 * wet) / 2 ** 19))),
  };
}

const PUBLISHED: Calibration = {
  t: [27_504, 26_435, -1000],
  p: [36_477, -10_685, 3024, 2855, 140, -7, 15_500, -14_600, 6000],
  h: [75, 362, 0, 313, 50, 30],
};

test("the values printed in BST-BMP280-DS001, 3.12, come out", () => {
  const values = measured(PUBLISHED, { t: 519_888, p: 415_148, h: 28_000 });
  expect(values.get("temperature")).toBeCloseTo(25.0825, 3);
  expect(values.get("pressure")).toBeCloseTo(1006.5327, 3);
  expect(values.get("humidity")).toBeCloseTo(43.859, 3);
});

test("any calibration and raw values give what an independent computation gives", () => {
  const i16 = fc.integer({ min: -2000, max: 2000 });
  const calibrations = fc.record({
    t: fc.tuple(fc.integer({ min: 26_000, max: 29_000 }), fc.integer({ min: 25_000, max: 27_000 }), i16),
    p: fc.tuple(
      fc.integer({ min: 35_000, max: 39_000 }),
      fc.integer({ min: -11_000, max: -10_000 }),
      i16,
      i16,
      i16,
      i16,
      i16,
      i16,
      i16,
    ),
    h: fc.tuple(
      fc.nat(255),
      fc.integer({ min: 300, max: 400 }),
      fc.nat(255),
      fc.integer({ min: -2048, max: 2047 }),
      fc.integer({ min: -2048, max: 2047 }),
      fc.integer({ min: -128, max: 127 }),
    ),
  });
  const raws = fc.record({
    t: fc.integer({ min: 400_000, max: 600_000 }),
    p: fc.integer({ min: 200_000, max: 500_000 }),
    h: fc.integer({ min: 15_000, max: 45_000 }),
  });
  fc.assert(
    fc.property(calibrations, raws, (calibration, raw) => {
      const values = measured(calibration, raw);
      for (const [name, value] of Object.entries(compensated(calibration, raw)))
        expect(values.get(name)).toBeCloseTo(value, 6);
    }),
    { numRuns: 300 },
  );
});

test("a BMP280, which has another id and no humidity, is no BME280", () => {
  expect(() => run(protocol.prepare(), () => Uint8Array.of(0x58))).toThrowError(
    expect.objectContaining({ reason: "no-sensor" }),
  );
});

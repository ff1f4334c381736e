import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadDeviceType } from "./load.ts";
import type { I2cConversation, I2cProtocol, Values } from "./model.ts";

const path = "sensors/bme280.yaml";
const { type } = loadDeviceType({ path, text: readFileSync(join(import.meta.dirname, path), "utf8") });
const protocol = type?.protocol(new Map([["address", 0x76]])) as I2cProtocol;

interface Calibration {
  t: number[];
  p: number[];
  h: number[];
}

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

/**
 * BST-BME280-DS002 8.1, written from the document alone, statement by statement: var1, var2 and v_x1 are its names.
 * Undefined where it gives up (`avoid exception caused by division by zero`) and answers 0.
 */
function compensated({ t, p, h }: Calibration, raw: { t: number; p: number; h: number }) {
  const [t1 = 0, t2 = 0, t3 = 0] = t;
  let var1 = (raw.t / 16384.0 - t1 / 1024.0) * t2;
  let var2 = (raw.t / 131072.0 - t1 / 8192.0) * (raw.t / 131072.0 - t1 / 8192.0) * t3;
  const fine = var1 + var2;
  const [p1 = 0, p2 = 0, p3 = 0, p4 = 0, p5 = 0, p6 = 0, p7 = 0, p8 = 0, p9 = 0] = p;
  var1 = fine / 2.0 - 64000.0;
  var2 = (var1 * var1 * p6) / 32768.0;
  var2 = var2 + var1 * p5 * 2.0;
  var2 = var2 / 4.0 + p4 * 65536.0;
  var1 = ((p3 * var1 * var1) / 524288.0 + p2 * var1) / 524288.0;
  var1 = (1.0 + var1 / 32768.0) * p1;
  let pascal: number | undefined;
  if (var1 !== 0.0) {
    pascal = 1048576.0 - raw.p;
    pascal = ((pascal - var2 / 4096.0) * 6250.0) / var1;
    var1 = (p9 * pascal * pascal) / 2147483648.0;
    var2 = (pascal * p8) / 32768.0;
    pascal = pascal + (var1 + var2 + p7) / 16.0;
  }
  const [h1 = 0, h2 = 0, h3 = 0, h4 = 0, h5 = 0, h6 = 0] = h;
  let v_x1 = fine - 76800.0;
  v_x1 =
    (raw.h - (h4 * 64.0 + (h5 / 16384.0) * v_x1)) *
    ((h2 / 65536.0) * (1.0 + (h6 / 67108864.0) * v_x1 * (1.0 + (h3 / 67108864.0) * v_x1)));
  v_x1 = v_x1 * (1.0 - (h1 * v_x1) / 524288.0);
  if (v_x1 > 100.0) v_x1 = 100.0;
  else if (v_x1 < 0.0) v_x1 = 0.0;
  return { temperature: fine / 5120.0, pressure: pascal === undefined ? undefined : pascal / 100, humidity: v_x1 };
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

const u16 = fc.integer({ min: 0, max: 65_535 });
const i16 = fc.integer({ min: -32_768, max: 32_767 });
const i12 = fc.integer({ min: -2048, max: 2047 });
/** Whatever the calibration registers can hold: table 16 has their types. */
const calibrations = fc.record({
  t: fc.tuple(u16, i16, i16),
  p: fc.tuple(u16, i16, i16, i16, i16, i16, i16, i16, i16),
  h: fc.tuple(fc.nat(255), i16, fc.nat(255), i12, i12, fc.integer({ min: -128, max: 127 })),
});
const raws = fc.record({ t: fc.nat(2 ** 20 - 1), p: fc.nat(2 ** 20 - 1), h: u16 });

const isWithin = (value: unknown, wanted: number, share: number): boolean =>
  typeof value === "number" && Math.abs(value - wanted) <= share * Math.abs(wanted);

test("10,000 random calibrations give what the datasheet's double-precision formulas give, to 1e-9", () => {
  const seen = { clamped: 0, within: 0 };
  fc.assert(
    fc.property(calibrations, raws, (calibration, raw) => {
      const values = measured(calibration, raw);
      const { pressure, ...others } = compensated(calibration, raw);
      for (const [name, wanted] of Object.entries(others)) {
        if (!isWithin(values.get(name), wanted, 1e-9)) throw new Error(`${name} ${values.get(name)}, not ${wanted}`);
      }
      if (pressure === undefined) expect(values.get("pressure")).toBe("malformed");
      else if (!isWithin(values.get("pressure"), pressure, 1e-9)) {
        throw new Error(`pressure ${values.get("pressure")}, not ${pressure}`);
      }
      if (others.humidity === 0 || others.humidity === 100) seen.clamped++;
      else seen.within++;
    }),
    { numRuns: 10_000 },
  );
  expect(Math.min(seen.clamped, seen.within)).toBeGreaterThan(100);
});

test("a calibration that divides by zero gives no pressure, where the datasheet's program says 0", () => {
  const values = measured({ ...PUBLISHED, p: [0, ...PUBLISHED.p.slice(1)] }, { t: 519_888, p: 415_148, h: 28_000 });
  expect(values.get("pressure")).toBe("malformed");
  expect(values.get("temperature")).toBeCloseTo(25.0825, 3);
  expect(values.get("humidity")).toBeCloseTo(43.859, 3);
});

test("a BMP280, which has another id and no humidity, is no BME280", () => {
  expect(() => run(protocol.prepare(), () => Uint8Array.of(0x58))).toThrowError(
    expect.objectContaining({ reason: "no-sensor" }),
  );
});

/**
 * Calibration and compensation of a BME280, as its datasheet (BST-BME280-DS002) has them: table 16 for the places of
 * the constants, appendix 8.1 for the double-precision formulas, which are inverted here numerically.
 */
import type { Air } from "./i2c-chip.ts";

export interface Bme280Calibration {
  /** dig_T1…3 */
  readonly t: readonly [number, number, number];
  /** dig_P1…9 */
  readonly p: readonly [number, number, number, number, number, number, number, number, number];
  /** dig_H1…6 */
  readonly h: readonly [number, number, number, number, number, number];
}

/** Temperature and pressure as in the worked example of the BMP280 datasheet (3.12), humidity from a chip in the field. */
export const TYPICAL_CALIBRATION: Bme280Calibration = {
  t: [27504, 26435, -1000],
  p: [36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000],
  h: [75, 361, 0, 321, 50, 30],
};

export interface RawAdc {
  /** 20 bits */
  readonly temperature: number;
  /** 20 bits */
  readonly pressure: number;
  /** 16 bits */
  readonly humidity: number;
}

/** Fine temperature in 1/5120 °C, carried into the other two formulas. */
export function fineTemperature(raw: number, { t: [t1, t2, t3] }: Bme280Calibration): number {
  const first = (raw / 16384 - t1 / 1024) * t2;
  const second = (raw / 131072 - t1 / 8192) ** 2 * t3;
  return first + second;
}

/** Pa */
export function pressureFrom(raw: number, fine: number, { p }: Bme280Calibration): number {
  const [p1, p2, p3, p4, p5, p6, p7, p8, p9] = p;
  const half = fine / 2 - 64000;
  let square = (half * half * p6) / 32768;
  square = square + half * p5 * 2;
  square = square / 4 + p4 * 65536;
  const slope = (1 + ((p3 * half * half) / 524288 + p2 * half) / 524288 / 32768) * p1;
  if (slope === 0) return 0;
  const pressure = ((1048576 - raw - square / 4096) * 6250) / slope;
  return pressure + ((p9 * pressure * pressure) / 2147483648 + (pressure * p8) / 32768 + p7) / 16;
}

/** %RH, cropped to 0…100 */
export function humidityFrom(raw: number, fine: number, { h: [h1, h2, h3, h4, h5, h6] }: Bme280Calibration): number {
  const warm = fine - 76800;
  const gain = (h2 / 65536) * (1 + (h6 / 67108864) * warm * (1 + (h3 / 67108864) * warm));
  const humidity = (raw - (h4 * 64 + (h5 / 16384) * warm)) * gain;
  return Math.min(100, Math.max(0, humidity * (1 - (h1 * humidity) / 524288)));
}

export function airFrom(raw: RawAdc, calibration: Bme280Calibration): Air {
  const fine = fineTemperature(raw.temperature, calibration);
  return {
    temperatureC: fine / 5120,
    pressurePa: pressureFrom(raw.pressure, fine, calibration),
    humidityPercent: humidityFrom(raw.humidity, fine, calibration),
  };
}

/** What the converter must have read for the formulas to give this air: the nearest step of each. */
export function rawFrom(air: Air, calibration: Bme280Calibration): RawAdc {
  const temperature = stepFor(20, (raw) => fineTemperature(raw, calibration) / 5120, air.temperatureC);
  const fine = fineTemperature(temperature, calibration);
  return {
    temperature,
    // Pressure falls while its raw value rises.
    pressure: stepFor(20, (raw) => -pressureFrom(raw, fine, calibration), -air.pressurePa),
    humidity: stepFor(16, (raw) => humidityFrom(raw, fine, calibration), air.humidityPercent),
  };
}

/** By bisection: the raw value whose rising `formula` comes nearest to `wanted`. */
function stepFor(bits: number, formula: (raw: number) => number, wanted: number): number {
  let low = 0;
  let high = 2 ** bits - 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (formula(middle) <= wanted) low = middle;
    else high = middle;
  }
  return Math.abs(formula(high) - wanted) < Math.abs(formula(low) - wanted) ? high : low;
}

/**
 * The two blocks of calibration registers (datasheet table 16): 0x88…0xA1, little-endian words with dig_H1 at 0xA1,
 * and 0xE1…0xE7, where dig_H4 and dig_H5 are 12 bits each and share 0xE5.
 */
export function calibrationRegisters({ t, p, h }: Bme280Calibration): ReadonlyMap<number, number> {
  const registers = new Map<number, number>();
  const word = (register: number, value: number) => {
    registers.set(register, value & 0xff);
    registers.set(register + 1, (value >> 8) & 0xff);
  };
  for (const [index, value] of [...t, ...p].entries()) word(0x88 + 2 * index, value);
  const [h1, h2, h3, h4, h5, h6] = h;
  registers.set(0xa0, 0);
  registers.set(0xa1, h1);
  word(0xe1, h2);
  registers.set(0xe3, h3);
  registers.set(0xe4, (h4 >> 4) & 0xff);
  registers.set(0xe5, (h4 & 0x0f) | ((h5 & 0x0f) << 4));
  registers.set(0xe6, (h5 >> 4) & 0xff);
  registers.set(0xe7, h6 & 0xff);
  return registers;
}

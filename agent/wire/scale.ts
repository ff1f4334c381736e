/**
 * Values as whole multiples of a channel's resolution, and back as the very double that the decimal would give:
 * 8125 · 0.1 is 812.5, not 812.5000000000001.
 */
import type { StreamSchema } from "./schema.ts";

export interface Scale {
  /** The nearest k with |k| < 2^53; undefined when there is none (not finite, too large). */
  integerFrom(value: number): number | undefined;
  /** The double nearest to k · resolution, the resolution taken as the decimal it is written as. */
  valueFrom(k: number): number;
}

const SCALES = new WeakMap<StreamSchema, readonly Scale[]>();

/** One per channel; made once for a schema, since a batch is soon encoded and text takes longer than its numbers. */
export function scalesOf(schema: StreamSchema): readonly Scale[] {
  const known = SCALES.get(schema);
  if (known) return known;
  const scales = schema.channels.map(({ resolution }) => createScale(resolution));
  SCALES.set(schema, scales);
  return scales;
}

/** Up to 10^22 a power of ten is an exact double (IEEE 754), so that one division rounds once, correctly. */
const EXACT_TEN_POWER_MAX = 22;

/**
 * integerFrom(valueFrom(k)) is k for whole resolutions, and for |k| < 2^50 otherwise: beyond that two neighbouring
 * multiples can be the same double.
 */
export function createScale(resolution: number): Scale {
  const { digits, exponent } = decimalFrom(resolution);
  const mantissa = Number(digits);
  const divisor = 10 ** exponent;
  const isExact = exponent >= 0 && exponent <= EXACT_TEN_POWER_MAX && Number.isSafeInteger(mantissa);
  return {
    integerFrom: (value) => {
      const k = Math.round(value / resolution);
      // -0 would be another value than the 0 that comes back.
      return Number.isSafeInteger(k) ? k + 0 : undefined;
    },
    valueFrom: (k) => {
      const numerator = k * mantissa;
      if (isExact && Number.isSafeInteger(numerator)) return numerator / divisor;
      return Number(`${BigInt(k) * BigInt(digits)}e${-exponent}`);
    },
  };
}

/** resolution = digits / 10^exponent, from its shortest decimal form; text, since 17 digits can be beyond 2^53. */
function decimalFrom(resolution: number): { digits: string; exponent: number } {
  const [written = "", power = "0"] = resolution.toString().split("e");
  const [whole = "", fraction = ""] = written.split(".");
  return { digits: whole + fraction, exponent: fraction.length - Number(power) };
}

/**
 * raw · scale + offset that comes out as the decimal a person would write: 1142 · 0.01 is 11.42, 3 · 0.1 is 0.3.
 *
 * A decimal scale is m / 10^d with whole m. Then raw · m + offset · 10^d is a whole number, exact below 2^53, and one
 * division by 10^d rounds once: to the double nearest to the true decimal, which is the one that "11.42" reads as.
 */

export interface Scale {
  value(raw: number): number;
  /** The whole raw value nearest to this value; NaN for NaN. */
  code(value: number): number;
}

/** Scale and offset are finite, scale isn't 0. */
export function createScale(scale: number, offset: number): Scale {
  const code = (value: number): number => Math.round((value - offset) / scale) + 0;
  if (scale === 1 && offset === 0) return { value: (raw) => raw, code: (value) => Math.round(value) + 0 };
  const exact = decimalOf(scale, offset);
  if (exact === undefined) return { value: (raw) => raw * scale + offset, code };
  const { factor, added, power } = exact;
  // + 0 turns -0 (a negative scale's zero) into 0.
  return { value: (raw) => (raw * factor + added) / power + 0, code };
}

/** 9 digits of scale times a raw value of 16 bits stay far below 2^53; of 32 bits, 6 digits do. */
const DIGITS_MAX = 9;

function decimalOf(scale: number, offset: number): { factor: number; added: number; power: number } | undefined {
  const places = Math.max(decimalPlaces(scale), decimalPlaces(offset));
  if (places > 15) return undefined;
  const power = 10 ** places;
  const factor = Math.round(scale * power);
  const added = Math.round(offset * power);
  if (Math.abs(factor) >= 10 ** DIGITS_MAX || !Number.isSafeInteger(added)) return undefined;
  return { factor, added, power };
}

/** 0.2794 → 4, 1e-7 → 7, 20 → 0. */
function decimalPlaces(value: number): number {
  const [digits = "", exponent = "0"] = String(value).split("e");
  const fraction = digits.split(".")[1]?.length ?? 0;
  return Math.max(0, fraction - Number(exponent));
}

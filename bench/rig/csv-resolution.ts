/**
 * The step at which a column is recorded, as its cells are written: as many decimals as the longest needs. What a program
 * made of a decimal is not taken for more of them: 21.400000000000002 (a double) and 21.3999996185 (a 32-bit float) are
 * 21.4. At most nine decimals, for a column of small values nine digits; and no finer than 2^53 steps reach.
 */
const DIGITS_MAX = 9;
/** A cell of so many significant digits may be a binary number's. */
const DIGITS_OF_BINARY = 8;
/** Half a unit of the last place of 32-bit floats (24 bits), and of what sums of doubles are off by. */
const FLOAT_ERROR = 2 ** -24;
const DOUBLE_ERROR = 1e-12;
/** What a sensor's 32-bit float has of significant digits, when they are few enough to be seen through the noise. */
const DIGITS_OF_FLOAT = 6;
const DIGITS_OF_DOUBLE = 10;
const STEPS_MAX = 2 ** 52;

export interface Inferred {
  readonly resolution: number;
  /** Worth a word: digits were taken for noise, or left out. */
  readonly isRounded: boolean;
}

/** Cells are numbers as text, with a decimal point. */
export function resolutionOf(cells: readonly string[]): Inferred {
  let [decimals, plain, most] = [-Infinity, -Infinity, 0];
  for (const cell of cells) {
    const written = decimalsOf(cell);
    plain = Math.max(plain, written);
    decimals = Math.max(decimals, written > decimals ? Math.min(written, meantDecimals(cell, written)) : written);
    most = Math.max(most, Math.abs(Number(cell)));
  }
  const finest = DIGITS_MAX - Math.min(0, most > 0 ? Math.floor(Math.log10(most)) + 1 : 0);
  const reachable = most > 0 ? Math.floor(Math.log10(STEPS_MAX / most)) : finest;
  const taken = Math.min(Math.max(0, decimals), finest, reachable);
  return { resolution: Number(`1e${-taken}`), isRounded: taken < plain };
}

/** Of 12.50 2, of 1.25e-3 5, of 3e5 -5. */
function decimalsOf(cell: string): number {
  const [, fraction = "", exponent = "0"] = /^[+-]?\d*\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(cell) ?? [];
  return fraction.length - Number(exponent);
}

/** How many decimals were there before a conversion to binary and back. */
function meantDecimals(cell: string, written: number): number {
  const digits = cell
    .replace(/[eE].*$/, "")
    .replace(/\D/g, "")
    .replace(/^0+/, "").length;
  if (digits < DIGITS_OF_BINARY) return written;
  const number = Math.abs(Number(cell));
  for (const [most, error] of [
    [DIGITS_OF_FLOAT, FLOAT_ERROR],
    [DIGITS_OF_DOUBLE, DOUBLE_ERROR],
  ] as const) {
    const short = Number(number.toPrecision(most));
    if (Math.abs(short - number) <= number * error) return Math.max(0, decimalsOf(String(short)));
  }
  return written;
}

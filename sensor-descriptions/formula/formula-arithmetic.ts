/**
 * What the operators and functions of a formula compute. NaN stands for "no number" and passes through everything,
 * comparisons and choices too, so that a division by zero can't turn into a plausible value.
 * Bit operators work on whole numbers up to 2^53 in two's complement without a word length: `1 << 40` doesn't wrap,
 * and `raw & 0xFFFF0000` stays positive. A fraction has no bits: NaN.
 */

import {
  absoluteHumidity,
  degrees,
  dewPoint,
  frostPoint,
  radians,
  seaLevelPressure,
  windDirection,
  windEast,
  windNorth,
} from "./formula-weather.ts";

type Binary = (a: number, b: number) => number;

interface FormulaFunction {
  readonly fewest: number;
  readonly most: number;
  readonly compute: (...values: number[]) => number;
}

const bits = (small: Binary, high: Binary): Binary => {
  return (a, b) => {
    if (a === (a | 0) && b === (b | 0)) return small(a, b);
    if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b)) return Number.NaN;
    return high(Math.floor(a / 2 ** 32), Math.floor(b / 2 ** 32)) * 2 ** 32 + (small(a, b) >>> 0);
  };
};
const both = (operator: Binary): Binary => bits(operator, operator);

const isShift = (count: number): boolean => Number.isInteger(count) && count >= 0 && count <= 52;

const shiftLeft: Binary = (a, count) =>
  Number.isSafeInteger(a) && isShift(count) && Number.isSafeInteger(a * 2 ** count) ? a * 2 ** count : Number.NaN;
const shiftRight: Binary = (a, count) =>
  Number.isSafeInteger(a) && isShift(count) ? Math.floor(a / 2 ** count) : Number.NaN;

/** Anything to the power of 0 is 1, says IEEE 754, even what is no number. */
const power: Binary = (a, b) => (a !== a ? a : a ** b);

/** `below` decides a < b; NaN on either side stays NaN. */
const compared =
  (holds: (a: number, b: number) => boolean): Binary =>
  (a, b) =>
    a !== a || b !== b ? Number.NaN : holds(a, b) ? 1 : 0;

/**
 * Binding power (higher binds tighter) and meaning. Bits bind tighter than comparisons, unlike in C, so that
 * `status & 4 == 4` means what it says.
 */
export const BINARY: ReadonlyMap<string, { readonly power: number; readonly compute: Binary }> = new Map([
  ["==", { power: 4, compute: compared((a, b) => a === b) }],
  ["!=", { power: 4, compute: compared((a, b) => a !== b) }],
  ["<", { power: 4, compute: compared((a, b) => a < b) }],
  [">", { power: 4, compute: compared((a, b) => a > b) }],
  ["<=", { power: 4, compute: compared((a, b) => a <= b) }],
  [">=", { power: 4, compute: compared((a, b) => a >= b) }],
  ["|", { power: 5, compute: both((a, b) => a | b) }],
  ["^", { power: 6, compute: both((a, b) => a ^ b) }],
  ["&", { power: 7, compute: both((a, b) => a & b) }],
  ["<<", { power: 8, compute: shiftLeft }],
  [">>", { power: 8, compute: shiftRight }],
  ["+", { power: 9, compute: (a, b) => a + b }],
  ["-", { power: 9, compute: (a, b) => a - b }],
  ["*", { power: 10, compute: (a, b) => a * b }],
  ["/", { power: 10, compute: (a, b) => (b === 0 ? Number.NaN : a / b) }],
  ["%", { power: 10, compute: (a, b) => a % b }],
  ["**", { power: 12, compute: power }],
]);
export const POWER = { choice: 1, or: 2, and: 3, comparison: 4, unary: 11, exponent: 12 } as const;

export const UNARY: ReadonlyMap<string, (a: number) => number> = new Map([
  ["-", (a: number) => -a],
  ["+", (a: number) => a],
  ["~", (a: number) => (Number.isSafeInteger(a) ? -a - 1 : Number.NaN)],
  ["!", (a: number) => (a === 0 ? 1 : a !== a ? a : 0)],
]);

const takes = (fewest: number, most: number, compute: (...values: number[]) => number): FormulaFunction => ({
  fewest,
  most,
  compute,
});
const one = (compute: (x: number) => number): FormulaFunction => takes(1, 1, (x = Number.NaN) => compute(x));
const two = (compute: Binary): FormulaFunction => takes(2, 2, (a = Number.NaN, b = Number.NaN) => compute(a, b));

export const FUNCTIONS: ReadonlyMap<string, FormulaFunction> = new Map([
  ["abs", one(Math.abs)],
  ["min", takes(2, 8, Math.min)],
  ["max", takes(2, 8, Math.max)],
  // Halves go away from zero on both sides, as in C and in datasheets; Math.round would lift -2.5 to -2.
  ["round", one((x) => (x < 0 ? -Math.round(-x) : Math.round(x)))],
  ["floor", one(Math.floor)],
  ["ceil", one(Math.ceil)],
  ["sqrt", one(Math.sqrt)],
  ["exp", one(Math.exp)],
  ["ln", one(Math.log)],
  ["log10", one(Math.log10)],
  ["pow", two(power)],
  ["sin", one(Math.sin)],
  ["cos", one(Math.cos)],
  ["tan", one(Math.tan)],
  ["asin", one(Math.asin)],
  ["acos", one(Math.acos)],
  ["atan", one(Math.atan)],
  ["atan2", two(Math.atan2)],
  // Angles of the functions above are in radians.
  ["radians", one(radians)],
  ["degrees", one(degrees)],
  ["hypot", takes(2, 3, Math.hypot)],
  ["sign", one(Math.sign)],
  ["clamp", takes(3, 3, (x = Number.NaN, low = Number.NaN, high = Number.NaN) => Math.min(Math.max(x, low), high))],
]);

/** Known by the parenthesis after them, so that a channel may have the same name. */
export const DERIVED: ReadonlyMap<string, FormulaFunction> = new Map([
  ["dew_point", two(dewPoint)],
  ["frost_point", two(frostPoint)],
  ["absolute_humidity", two(absoluteHumidity)],
  ["sea_level_pressure", takes(3, 4, seaLevelPressure)],
  ["wind_east", two(windEast)],
  ["wind_north", two(windNorth)],
  ["wind_direction", two(windDirection)],
]);

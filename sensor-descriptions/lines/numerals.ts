/**
 * Numbers as letters, both ways, in the forms that devices insist on:
 *
 *   12.5   +12.5   0012.5   12,5   0125 (the point is implied)   "  12.5"   7F   007F
 */
import type { NumeralSpec } from "./lines-spec.ts";

export interface Numeral {
  /** Undefined: no number in this form. */
  read(text: string): number | undefined;
  /** Throws RangeError when the number doesn't fit into the digits. */
  write(number: number): string;
}

export function createNumeral(spec: NumeralSpec): Numeral {
  return {
    read: (text) => {
      const has = digitsIn(text);
      const isFixed = spec.digits === undefined || (spec.fill === "blanks" ? has <= spec.digits : has === spec.digits);
      const isSigned = spec.sign !== "always" || /^[+-]/.test(text);
      return isFixed && isSigned ? numberIn(spec, text) : undefined;
    },
    write: (number) => {
      const text = unsigned(spec, Math.abs(number));
      const isBelow = number < 0 && /[1-9A-F]/.test(text);
      if (isBelow && spec.as === "hex") throw new RangeError(`${number}: hexadecimal digits have no sign`);
      return filled(spec, number, isBelow ? "-" : spec.sign === "always" ? "+" : "", text);
    },
  };
}

/** How many letters each number of this form has; undefined: they differ. */
export function lettersOf({ as, decimals, digits, sign, decimalMark }: NumeralSpec): number | undefined {
  if (digits === undefined || (as === "decimal" && (sign !== "always" || decimals === undefined))) return undefined;
  const hasMark = as === "decimal" && decimalMark !== "implied" && decimals !== 0;
  return digits + (hasMark ? 1 : 0) + (as === "decimal" ? 1 : 0);
}

/** The same of an address, which is never below 0. */
export const lettersOfAddress = ({ digits }: NumeralSpec): number | undefined => digits;

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
const WITH_COMMA = /^[+-]?(?:\d+,?\d*|,\d+)$/;
const WHOLE = /^[+-]?\d{1,18}$/;
const HEX = /^[0-9a-fA-F]{1,12}$/;

function numberIn({ as, decimals = 0, decimalMark }: NumeralSpec, text: string): number | undefined {
  if (as === "hex") return HEX.test(text) ? Number.parseInt(text, 16) : undefined;
  switch (decimalMark) {
    case "implied":
      return WHOLE.test(text) ? Number(`${text}e-${decimals}`) : undefined;
    case "comma":
      return WITH_COMMA.test(text) ? Number(text.replace(",", ".")) : undefined;
    default:
      return DECIMAL.test(text) ? Number(text) : undefined;
  }
}

const digitsIn = (text: string): number => text.replace(/[eE][+-].*$/, "").replaceAll(/[^0-9a-fA-F]/g, "").length;

function unsigned({ as, decimals, decimalMark }: NumeralSpec, number: number): string {
  if (!Number.isFinite(number) || number >= 1e21) throw new RangeError(`${number}: it can't be written as a number`);
  if (as === "hex") return Math.round(number).toString(16).toUpperCase();
  const text = decimals === undefined ? shortest(number) : number.toFixed(decimals);
  return decimalMark === "implied" ? text.replace(".", "") : decimalMark === "comma" ? text.replace(".", ",") : text;
}

function shortest(number: number): string {
  const plain = String(Number(number.toPrecision(12)));
  return plain.includes("e") ? number.toFixed(12) : plain;
}

/** Zeros stand behind the sign, blanks before it. */
function filled({ digits, fill }: NumeralSpec, number: number, sign: string, text: string): string {
  if (digits === undefined) return sign + text;
  const missing = digits - digitsIn(text);
  if (missing < 0) throw new RangeError(`${number}: it doesn't fit into ${digits} digits`);
  return fill === "blanks" ? " ".repeat(missing) + sign + text : sign + "0".repeat(missing) + text;
}

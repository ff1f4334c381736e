/** Numbers in letters on I2C: "9.560" and a NUL, "1413,706,0.71" (Atlas Scientific EZO). Both ways. */
import { bytesOfText, textOfBytes } from "../lines/letters.ts";
import type { DecodedValue } from "../model.ts";
import type { I2cTextSpec } from "./i2c-spec.ts";

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)$/;

/** "malformed" where no number stands. */
export function readLettersOf({ at, part, special }: I2cTextSpec, bytes: Uint8Array): DecodedValue {
  const text = textOfBytes(bytes, at, endOfLetters(bytes, at));
  const number = text.split(",")[part - 1]?.trim() ?? "";
  if (!DECIMAL.test(number)) return "malformed";
  const value = Number(number) + 0;
  return special.get(value) ?? value;
}

/** Where the letters that begin at `at` end: a NUL, or the last byte. */
export function endOfLetters(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(0, at);
  return end < 0 ? Math.max(at, bytes.length) : end;
}

/** More letters than any number has that is worth sending. */
export const LETTERS_MAX = 20;

/** Throws RangeError for what can't be written in that many letters. */
export function lettersOf(value: number, decimals: number | undefined): Uint8Array {
  // + 0: what is rounded to nothing has no sign.
  const text =
    decimals === undefined
      ? String(Number(value.toPrecision(12)) + 0)
      : (Number(value.toFixed(decimals)) + 0).toFixed(decimals);
  if (text.length > LETTERS_MAX || !DECIMAL.test(text)) throw new RangeError(`${value} can't be written in letters`);
  return bytesOfText(text);
}

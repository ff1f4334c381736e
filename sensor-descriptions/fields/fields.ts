/**
 * One number among bytes, both ways: value = raw · scale + offset.
 *
 * A field of 2 to 8 bytes is big- or little-endian. `wordOrder` (Modbus, an even number of bytes) orders the 16-bit
 * words, `byteOrder` the two bytes of each: the four orders that registers come in. `bits` cuts an integer out of the
 * raw one, lowest bit 0; of a signed type its highest bit is the sign. Raw values in `special` have a reason, no value.
 *
 *   u8 … u64    unsigned                     f16 f32 f64           IEEE 754
 *   i8 … i64    two's complement             bcd8 … bcd48          two decimal digits a byte
 *   sm8 … sm32  sign bit and magnitude
 *
 * A double holds whole numbers up to 2^53. A u64 or i64 beyond that is "malformed", unless its scale isn't 1: that says
 * that the number is a measurement, and it is rounded to the nearest double.
 */

import type { DecodedValue } from "../model.ts";
import type { FieldSpec, FieldType } from "../spec.ts";
import { floatField } from "./field-floats.ts";
import { integerField } from "./field-integers.ts";
import { wideField } from "./field-wide.ts";

export interface Field {
  /** Bytes that the field takes. */
  readonly size: number;
  /** `at` + `size`: a body shorter than this doesn't hold the field. */
  readonly end: number;
  /** Reads at `base` + `at`. The caller has made sure that `data` reaches that far. */
  read(data: Uint8Array, base: number): DecodedValue;
  /**
   * Writes at `base` + `at`; other bits of the same bytes are kept. Throws RangeError, naming what fits, when the value
   * is out of range, would be read back as a special value, or is a reason for which the field has no raw value.
   */
  write(data: Uint8Array, base: number, value: DecodedValue): void;
}

export function createField(spec: FieldSpec): Field {
  const size = SIZES[spec.as];
  const places = placesOf(spec, size);
  const make = isFloat(spec.as) ? floatField : size === 8 ? wideField : integerField;
  return { size, end: spec.at + size, ...make(spec, places) };
}

export const SIZES: Readonly<Record<FieldType, number>> = {
  u8: 1,
  u16: 2,
  u24: 3,
  u32: 4,
  u40: 5,
  u48: 6,
  u64: 8,
  i8: 1,
  i16: 2,
  i24: 3,
  i32: 4,
  i40: 5,
  i48: 6,
  i64: 8,
  sm8: 1,
  sm16: 2,
  sm24: 3,
  sm32: 4,
  bcd8: 1,
  bcd16: 2,
  bcd24: 3,
  bcd32: 4,
  bcd40: 5,
  bcd48: 6,
  f16: 2,
  f32: 4,
  f64: 8,
};

export const isFloat = (as: FieldType): boolean => as.startsWith("f");

/** Offsets of the field's bytes from the most significant to the least. */
function placesOf({ at, byteOrder, wordOrder = byteOrder }: FieldSpec, size: number): readonly number[] {
  const places = Array.from({ length: size }, (_, i) => at + i);
  if (size % 2 === 1 || wordOrder === byteOrder) return byteOrder === "big-endian" ? places : places.reverse();
  const words = Array.from({ length: size / 2 }, (_, i) => places.slice(2 * i, 2 * i + 2));
  if (wordOrder === "little-endian") words.reverse();
  return words.flatMap((word) => (byteOrder === "big-endian" ? word : word.reverse()));
}

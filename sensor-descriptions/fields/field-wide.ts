/**
 * Integers of 64 bits. A double is exact up to 2^53, so a plain one beyond that is "malformed" rather than nearly right;
 * with a scale it is a measurement, and rounding to the nearest double is what any scale does.
 */

import type { FieldSpec } from "../spec.ts";
import { type ReadRaw, unsignedReader } from "./field-integers.ts";
import { createScale } from "./field-scale.ts";
import { createSpecial } from "./field-special.ts";
import type { Field } from "./fields.ts";

/** `places`: offsets of the bytes from the most significant to the least. */
export function wideField(spec: FieldSpec, places: readonly number[]): Pick<Field, "read" | "write"> {
  const [low, width] = spec.bits ? [spec.bits.low, spec.bits.high - spec.bits.low + 1] : [0, 64];
  const isSigned = spec.as === "i64";
  const special = createSpecial(spec, width);
  const scale = createScale(spec.scale, spec.offset);
  const bitsOf = (data: Uint8Array, base: number): bigint =>
    BigInt.asUintN(width, wordOf(data, base, places) >> BigInt(low));
  const rawOf = spec.bits ? cutOut(bitsOf, isSigned, width) : whole(places, isSigned);
  const bitsKey = (data: Uint8Array, base: number): number | bigint =>
    width > 53 ? bitsOf(data, base) : Number(bitsOf(data, base));
  const isRounded = spec.scale !== 1;
  const limits = limitsOf(isSigned, width, isRounded);
  return {
    read: (data, base) => {
      if (!special.isEmpty) {
        const problem = special.problemOf(bitsKey(data, base));
        if (problem !== undefined) return problem;
      }
      const raw = rawOf(data, base);
      return isRounded || Number.isSafeInteger(raw) ? scale.value(raw) : "malformed";
    },
    write: (data, base, value) => {
      const code = typeof value === "number" ? scale.code(value) : 0;
      if (!(code >= limits.low && code <= limits.high)) {
        const ends = [scale.value(limits.low), scale.value(limits.high)].sort((a, b) => a - b);
        throw new RangeError(`${value} at byte ${spec.at}: a ${spec.as} here holds ${ends.join(" to ")}`);
      }
      const bits = typeof value === "number" ? BigInt.asUintN(width, BigInt(code)) : BigInt(special.bitsFor(value));
      const problem = typeof value === "number" ? special.problemOf(width > 53 ? bits : Number(bits)) : undefined;
      if (problem !== undefined) {
        throw new RangeError(`${value} at byte ${spec.at}: its raw value ${code} means ${problem}`);
      }
      const mask = BigInt.asUintN(width, -1n) << BigInt(low);
      writeWord(data, base, places, (wordOf(data, base, places) & ~mask) | (bits << BigInt(low)));
    },
  };
}

/** Two halves of 32 bits: no bigint, so no allocation. Inexact beyond 2^53, and never safe there. */
function whole(places: readonly number[], isSigned: boolean): ReadRaw {
  const high = unsignedReader(places.slice(0, 4));
  const low = unsignedReader(places.slice(4));
  if (isSigned) return (data, base) => (high(data, base) | 0) * 2 ** 32 + low(data, base);
  return (data, base) => high(data, base) * 2 ** 32 + low(data, base);
}

function cutOut(bitsOf: (data: Uint8Array, base: number) => bigint, isSigned: boolean, width: number): ReadRaw {
  if (!isSigned) return (data, base) => Number(bitsOf(data, base));
  return (data, base) => Number(BigInt.asIntN(width, bitsOf(data, base)));
}

/** The outermost doubles that are still inside. */
function limitsOf(isSigned: boolean, width: number, isRounded: boolean): { low: number; high: number } {
  const magnitude = isSigned ? width - 1 : width;
  const high = magnitude > 53 ? 2 ** magnitude - 2 ** (magnitude - 53) : 2 ** magnitude - 1;
  const low = isSigned ? -(2 ** magnitude) : 0;
  if (isRounded) return { low, high };
  return { low: Math.max(low, Number.MIN_SAFE_INTEGER), high: Math.min(high, Number.MAX_SAFE_INTEGER) };
}

function wordOf(data: Uint8Array, base: number, places: readonly number[]): bigint {
  let word = 0n;
  for (const place of places) word = (word << 8n) | BigInt(data[base + place] ?? 0);
  return word;
}

function writeWord(data: Uint8Array, base: number, places: readonly number[], word: bigint): void {
  let rest = word;
  for (let i = places.length - 1; i >= 0; i--) {
    data[base + (places[i] as number)] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

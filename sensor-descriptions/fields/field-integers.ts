/** Integers of up to 48 bits, as a double holds them exactly. */

import type { FieldSpec } from "../spec.ts";
import { createScale, type Scale } from "./field-scale.ts";
import { createSpecial, type Special } from "./field-special.ts";
import type { Field } from "./fields.ts";

type ReadWrite = Pick<Field, "read" | "write">;
export type ReadRaw = (data: Uint8Array, base: number) => number;

/** `places`: offsets of the bytes from the most significant to the least. */
export function integerField(spec: FieldSpec, places: readonly number[]): ReadWrite {
  const low = spec.bits?.low ?? 0;
  const width = spec.bits === undefined ? places.length * 8 : spec.bits.high - low + 1;
  const coding = codingOf(spec.as, width);
  const special = createSpecial(spec, width);
  const unsigned = unsignedReader(places);
  const bits = spec.bits === undefined ? unsigned : bitReader(unsigned, low, width);
  const scale = createScale(spec.scale, spec.offset);
  const write: Field["write"] = (data, base, value) => {
    const code =
      typeof value === "number" ? fitting(spec, scale, special, coding, value) : Number(special.bitsFor(value));
    const all = spec.bits === undefined ? code : withBits(unsigned(data, base), low, width, code);
    writeUnsigned(data, base, places, all);
  };
  return { read: reader(bits, coding, special, scale), write };
}

function reader(bits: ReadRaw, coding: Coding, special: Special, scale: Scale): Field["read"] {
  const { fromBits } = coding;
  const code: ReadRaw = fromBits === undefined ? bits : (data, base) => fromBits(bits(data, base));
  if (special.isEmpty && !coding.isPartial) return (data, base) => scale.value(code(data, base));
  return (data, base) => {
    const raw = bits(data, base);
    const problem = special.problemOf(raw);
    if (problem !== undefined) return problem;
    const whole = fromBits === undefined ? raw : fromBits(raw);
    return whole === whole ? scale.value(whole) : "malformed";
  };
}

/** How bits stand for a whole number. */
interface Coding {
  /** What it can hold, both included. */
  readonly low: number;
  readonly high: number;
  /** Undefined: the bits are the number. NaN: they are none. */
  readonly fromBits?: (bits: number) => number;
  readonly toBits: (code: number) => number;
  /** Some bits are no number. */
  readonly isPartial?: boolean;
}

function codingOf(as: FieldSpec["as"], width: number): Coding {
  const half = 2 ** (width - 1);
  if (as.startsWith("i")) {
    return {
      low: -half,
      high: half - 1,
      fromBits: (bits) => (bits >= half ? bits - 2 * half : bits),
      toBits: (code) => (code < 0 ? code + 2 * half : code),
    };
  }
  if (as.startsWith("sm")) {
    return {
      low: 1 - half,
      high: half - 1,
      // 0 - 0 is 0, not -0: the sign of nothing means nothing.
      fromBits: (bits) => (bits >= half ? 0 - (bits - half) : bits),
      toBits: (code) => (code < 0 ? half - code : code),
    };
  }
  if (!as.startsWith("bcd")) return { low: 0, high: 2 * half - 1, toBits: (code) => code };
  return { low: 0, high: digits(withNines(width)), fromBits: digits, toBits: nibbles, isPartial: true };
}

/** The largest number of decimal digits in this many bits: 7 bits hold up to 79. */
function withNines(width: number): number {
  let bits = Math.min(9, 2 ** (width % 4) - 1);
  for (let digit = 0; digit < Math.floor(width / 4); digit++) bits = bits * 16 + 9;
  return bits;
}

/** 0x42 → 42; NaN when a digit is above 9. */
function digits(bits: number): number {
  let value = 0;
  let factor = 1;
  for (let rest = bits; rest > 0; rest = Math.floor(rest / 16), factor *= 10) {
    const digit = rest % 16;
    if (digit > 9) return Number.NaN;
    value += digit * factor;
  }
  return value;
}

function nibbles(code: number): number {
  let bits = 0;
  let factor = 1;
  for (let rest = code; rest > 0; rest = Math.floor(rest / 10), factor *= 16) bits += (rest % 10) * factor;
  return bits;
}

/** A closure per width, so that reading allocates nothing and the engine inlines it. */
export function unsignedReader(places: readonly number[]): ReadRaw {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = places;
  const byte = (data: Uint8Array, at: number): number => data[at] as number;
  const top: ReadRaw = (data, at) => (byte(data, at + a) << 8) | byte(data, at + b);
  switch (places.length) {
    case 1:
      return (data, at) => byte(data, at + a);
    case 2:
      return top;
    case 3:
      return (data, at) => (top(data, at) << 8) | byte(data, at + c);
    case 4:
      return (data, at) => top(data, at) * 65_536 + ((byte(data, at + c) << 8) | byte(data, at + d));
    case 5:
      return (data, at) =>
        top(data, at) * 2 ** 24 + ((byte(data, at + c) << 16) | (byte(data, at + d) << 8) | byte(data, at + e));
    default:
      // 48 bits don't fit the engine's 32-bit operators, but they fit a double.
      return (data, at) =>
        top(data, at) * 2 ** 32 +
        (byte(data, at + c) * 2 ** 24 + ((byte(data, at + d) << 16) | (byte(data, at + e) << 8) | byte(data, at + f)));
  }
}

function writeUnsigned(data: Uint8Array, base: number, places: readonly number[], value: number): void {
  let rest = value;
  for (let i = places.length - 1; i >= 0; i--) {
    data[base + (places[i] as number)] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

function bitReader(unsigned: ReadRaw, low: number, width: number): ReadRaw {
  const below = 2 ** low;
  const count = 2 ** width;
  return (data, base) => Math.floor(unsigned(data, base) / below) % count;
}

function withBits(all: number, low: number, width: number, bits: number): number {
  const old = Math.floor(all / 2 ** low) % 2 ** width;
  return all + (bits - old) * 2 ** low;
}

/** The bits that stand for `value`. */
function fitting(spec: FieldSpec, scale: Scale, special: Special, coding: Coding, value: number): number {
  const code = scale.code(value);
  if (!(code >= coding.low && code <= coding.high)) {
    const ends = [scale.value(coding.low), scale.value(coding.high)].sort((a, b) => a - b);
    throw new RangeError(`${value} at byte ${spec.at}: a ${spec.as} here holds ${ends.join(" to ")}`);
  }
  const bits = coding.toBits(code);
  const problem = special.problemOf(bits);
  if (problem === undefined) return bits;
  throw new RangeError(`${value} at byte ${spec.at}: its raw value ${code} means ${problem}`);
}

/**
 * One number among bytes, both ways: value = raw · scale + offset.
 *
 * A field of 2 to 8 bytes is big- or little-endian. `wordOrder` (Modbus, an even number of bytes) orders the 16-bit
 * words, `byteOrder` the two bytes of each: the four orders that registers come in. `bits` cuts an integer out of the
 * raw one, lowest bit 0; of a signed type its highest bit is the sign. Raw values in `special` have a reason, no value.
 */
import { createScale, type Scale } from "./field-scale.ts";
import type { DecodedValue, FieldProblem } from "./model.ts";
import type { FieldSpec, FieldType } from "./spec.ts";

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
  return {
    size,
    end: spec.at + size,
    ...(spec.as === "f32" || spec.as === "f64" ? floatField(spec, size) : integerField(spec, size)),
  };
}

export const SIZES: Readonly<Record<FieldType, number>> = {
  u8: 1,
  u16: 2,
  u24: 3,
  u32: 4,
  u48: 6,
  i8: 1,
  i16: 2,
  i24: 3,
  i32: 4,
  f32: 4,
  f64: 8,
};

type ReadWrite = Pick<Field, "read" | "write">;
type ReadRaw = (data: Uint8Array, base: number) => number;

function integerField(spec: FieldSpec, size: number): ReadWrite {
  const places = placesOf(spec, size);
  const low = spec.bits?.low ?? 0;
  const width = spec.bits === undefined ? size * 8 : spec.bits.high - low + 1;
  const isSigned = spec.as.startsWith("i");
  const codes = isSigned ? { low: -(2 ** (width - 1)), high: 2 ** (width - 1) - 1 } : { low: 0, high: 2 ** width - 1 };
  const special = createSpecial(spec, (raw) => (isSigned && raw > codes.high ? raw - 2 ** width : raw));
  const unsigned = unsignedReader(places);
  const part = spec.bits === undefined ? unsigned : bitReader(unsigned, low, width);
  const raw: ReadRaw = isSigned ? signed(part, width) : part;
  const scale = createScale(spec.scale, spec.offset);
  const read: Field["read"] = special.isEmpty
    ? (data, base) => scale.value(raw(data, base))
    : (data, base) => {
        const code = raw(data, base);
        return special.problemOf(code) ?? scale.value(code);
      };
  const write: Field["write"] = (data, base, value) => {
    const code = typeof value === "number" ? fitting(spec, scale, special, codes, value) : special.codeFor(value);
    const bits = code < 0 ? code + 2 ** width : code;
    const all = spec.bits === undefined ? bits : withBits(unsigned(data, base), low, width, bits);
    writeUnsigned(data, base, places, all);
  };
  return { read, write };
}

/** Offsets of the field's bytes from the most significant to the least. */
function placesOf({ at, byteOrder, wordOrder = byteOrder }: FieldSpec, size: number): readonly number[] {
  const places = Array.from({ length: size }, (_, i) => at + i);
  if (size % 2 === 1 || wordOrder === byteOrder) return byteOrder === "big-endian" ? places : places.reverse();
  const words = Array.from({ length: size / 2 }, (_, i) => places.slice(2 * i, 2 * i + 2));
  if (wordOrder === "little-endian") words.reverse();
  return words.flatMap((word) => (byteOrder === "big-endian" ? word : word.reverse()));
}

/** A closure per width, so that reading allocates nothing and the engine inlines it. */
function unsignedReader(places: readonly number[]): ReadRaw {
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

function signed(unsigned: ReadRaw, width: number): ReadRaw {
  const half = 2 ** (width - 1);
  const whole = 2 ** width;
  return (data, base) => {
    const raw = unsigned(data, base);
    return raw >= half ? raw - whole : raw;
  };
}

interface Special {
  readonly isEmpty: boolean;
  problemOf(code: number): FieldProblem | undefined;
  codeFor(problem: FieldProblem): number;
}

/** `normal` turns a raw value as a file may write it (0x8000 of an i16) into the one that is read (-32768). */
function createSpecial(spec: FieldSpec, normal: (raw: number) => number): Special {
  const problems = new Map([...spec.special].map(([raw, problem]) => [normal(raw), problem]));
  return {
    isEmpty: problems.size === 0,
    problemOf: (code) => problems.get(code),
    codeFor: (wanted) => {
      for (const [code, problem] of problems) if (problem === wanted) return code;
      throw new RangeError(`${wanted} at byte ${spec.at}: this ${spec.as} has no raw value for it`);
    },
  };
}

function fitting(
  spec: FieldSpec,
  scale: Scale,
  special: Special,
  codes: { readonly low: number; readonly high: number },
  value: number,
): number {
  const code = scale.code(value);
  if (!(code >= codes.low && code <= codes.high)) {
    const ends = [scale.value(codes.low), scale.value(codes.high)].sort((a, b) => a - b);
    throw new RangeError(`${value} at byte ${spec.at}: a ${spec.as} here holds ${ends.join(" to ")}`);
  }
  const problem = special.problemOf(code);
  if (problem === undefined) return code;
  throw new RangeError(`${value} at byte ${spec.at}: its raw value ${code} means ${problem}`);
}

/** Floats pass through eight bytes of scratch: decoding is synchronous, and a view per frame would cost more. */
const SCRATCH = new DataView(new ArrayBuffer(8));

function floatField(spec: FieldSpec, size: number): ReadWrite {
  const places = placesOf(spec, size);
  const isSingle = spec.as === "f32";
  const special = createSpecial(spec, isSingle ? Math.fround : (raw) => raw);
  const isPlain = spec.scale === 1 && spec.offset === 0;
  return {
    read: (data, base) => {
      for (let i = 0; i < size; i++) SCRATCH.setUint8(i, data[base + (places[i] as number)] as number);
      const raw = isSingle ? SCRATCH.getFloat32(0) : SCRATCH.getFloat64(0);
      const problem = special.problemOf(raw);
      if (problem !== undefined) return problem;
      const value = (isSingle ? shortest(raw) : raw) * spec.scale + spec.offset;
      return Number.isFinite(value) ? value + 0 : "malformed";
    },
    write: (data, base, value) => {
      const raw =
        typeof value !== "number" ? special.codeFor(value) : isPlain ? value : (value - spec.offset) / spec.scale;
      if (typeof value === "number") refuseUnfit(spec, special, isSingle ? Math.fround(raw) : raw, value);
      if (isSingle) SCRATCH.setFloat32(0, raw);
      else SCRATCH.setFloat64(0, raw);
      for (let i = 0; i < size; i++) data[base + (places[i] as number)] = SCRATCH.getUint8(i);
    },
  };
}

function refuseUnfit(spec: FieldSpec, special: Special, raw: number, value: number): void {
  const problem = special.problemOf(raw);
  if (problem !== undefined) throw new RangeError(`${value} at byte ${spec.at}: its raw value ${raw} means ${problem}`);
  if (!Number.isFinite(raw)) throw new RangeError(`${value} at byte ${spec.at}: a ${spec.as} can't hold it`);
}

/** The decimal with the fewest places that reads back as the same f32: 11.42, not 11.420000076293945. */
function shortest(single: number): number {
  for (let power = 1; power <= 1e9; power *= 10) {
    const decimal = Math.round(single * power) / power;
    if (Math.fround(decimal) === single) return decimal;
  }
  return single;
}

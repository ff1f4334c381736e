/** IEEE 754 floats of 16, 32 and 64 bits. Infinity and NaN are "malformed": no sensor measures them. */

import type { FieldProblem } from "../model.ts";
import type { FieldSpec } from "../spec.ts";
import { noRawValue } from "./field-special.ts";
import type { Field } from "./fields.ts";

/** Floats pass through eight bytes of scratch: decoding is synchronous, and a view per frame would cost more. */
const SCRATCH = new DataView(new ArrayBuffer(8));

interface Width {
  get(): number;
  set(value: number): void;
  /** The nearest value of this width. */
  rounded(value: number): number;
  /** The decimal with the fewest places that reads back the same: 11.42, not 11.420000076293945. */
  shortest(value: number): number;
}

const WIDTHS: Readonly<Record<"f16" | "f32" | "f64", Width>> = {
  f16: {
    get: () => fromHalf(SCRATCH.getUint16(0)),
    set: (value) => SCRATCH.setUint16(0, halfBits(value)),
    rounded: (value) => fromHalf(halfBits(value)),
    shortest: (value) => shortest(value, (decimal) => fromHalf(halfBits(decimal))),
  },
  f32: {
    get: () => SCRATCH.getFloat32(0),
    set: (value) => SCRATCH.setFloat32(0, value),
    rounded: Math.fround,
    shortest: (value) => shortest(value, Math.fround),
  },
  f64: {
    get: () => SCRATCH.getFloat64(0),
    set: (value) => SCRATCH.setFloat64(0, value),
    rounded: (value) => value,
    shortest: (value) => value,
  },
};

/** `places`: offsets of the bytes from the most significant to the least. */
export function floatField(spec: FieldSpec, places: readonly number[]): Pick<Field, "read" | "write"> {
  const size = places.length;
  const width = WIDTHS[spec.as === "f16" || spec.as === "f32" ? spec.as : "f64"];
  const special = new Map([...spec.special].map(([raw, problem]) => [width.rounded(Number(raw)), problem] as const));
  const isPlain = spec.scale === 1 && spec.offset === 0;
  return {
    read: (data, base) => {
      for (let i = 0; i < size; i++) SCRATCH.setUint8(i, data[base + (places[i] as number)] as number);
      const raw = width.get();
      const problem = special.get(raw);
      if (problem !== undefined) return problem;
      const value = width.shortest(raw) * spec.scale + spec.offset;
      return Number.isFinite(value) ? value + 0 : "malformed";
    },
    write: (data, base, value) => {
      const raw = typeof value !== "number" ? rawFor(spec, special, value) : isPlain ? value : unscaled(spec, value);
      if (typeof value === "number") refuseUnfit(spec, special, width.rounded(raw), value);
      width.set(raw);
      for (let i = 0; i < size; i++) data[base + (places[i] as number)] = SCRATCH.getUint8(i);
    },
  };
}

const unscaled = (spec: FieldSpec, value: number): number => (value - spec.offset) / spec.scale;

function rawFor(spec: FieldSpec, special: ReadonlyMap<number, FieldProblem>, wanted: FieldProblem): number {
  for (const [raw, problem] of special) if (problem === wanted) return raw;
  throw noRawValue(spec, wanted);
}

function refuseUnfit(spec: FieldSpec, special: ReadonlyMap<number, FieldProblem>, raw: number, value: number): void {
  const problem = special.get(raw);
  if (problem !== undefined) throw new RangeError(`${value} at byte ${spec.at}: its raw value ${raw} means ${problem}`);
  if (!Number.isFinite(raw)) throw new RangeError(`${value} at byte ${spec.at}: a ${spec.as} can't hold it`);
}

function shortest(value: number, rounded: (decimal: number) => number): number {
  for (let power = 1; power <= 1e9; power *= 10) {
    const decimal = Math.round(value * power) / power;
    if (rounded(decimal) === value) return decimal;
  }
  return value;
}

/** IEEE 754-2008 binary16: sign, 5 bits of exponent (bias 15), 10 bits of fraction. */
function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** The nearest half, ties to even; beyond 65504 infinity. */
function halfBits(value: number): number {
  if (value !== value) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65_520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  // One step of the fraction at this exponent; a fraction that rounds up to 2048 carries into the exponent by itself.
  const steps = toEven(size / 2 ** (exponent - 10));
  return sign | (steps < 1024 ? steps : steps + ((exponent + 14) << 10));
}

function toEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** Raw values that stand for a reason instead of a value. They are compared as the bits on the wire, unsigned. */
import type { FieldProblem } from "../model.ts";
import type { FieldSpec } from "../spec.ts";

export interface Special {
  readonly isEmpty: boolean;
  problemOf(bits: number | bigint): FieldProblem | undefined;
  /** Throws RangeError when no raw value stands for it. */
  bitsFor(problem: FieldProblem): number | bigint;
}

/** A file may write the bits (0x8000 of an i16) or the number (-32768); both are one. */
export function createSpecial(spec: FieldSpec, width: number): Special {
  const written = [...spec.special].map(([raw, problem]) => [bitsOf(spec.as, raw, width), problem] as const);
  const problems = new Map(written);
  return {
    isEmpty: problems.size === 0,
    problemOf: (bits) => problems.get(bits),
    bitsFor: (wanted) => {
      for (const [bits, problem] of written) if (problem === wanted) return bits;
      throw noRawValue(spec, wanted);
    },
  };
}

export const noRawValue = (spec: FieldSpec, wanted: FieldProblem): RangeError =>
  new RangeError(`${wanted} at byte ${spec.at}: this ${spec.as} has no raw value for it`);

/** Above 32 bits and more than a double holds, bits are bigints. */
function bitsOf(as: FieldSpec["as"], raw: number | bigint, width: number): number | bigint {
  if (width > 53) return BigInt.asUintN(width, BigInt(raw));
  const number = Number(raw);
  if (number >= 0) return number;
  return as.startsWith("sm") ? 2 ** (width - 1) - number : number + 2 ** width;
}

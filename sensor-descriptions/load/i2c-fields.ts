/** What a step of an I2C description takes out of the bytes that it reads: fields, numbers in letters, a status. */
import { createChecksum, isChecksumName } from "../checksum/checksum.ts";
import { SIZES } from "../fields/fields.ts";
import type { I2cFieldSpec, I2cStatusSpec, I2cTextSpec } from "../i2c/i2c-spec.ts";
import { say } from "../messages.ts";
import type { CheckSpec } from "../spec.ts";
import { type FieldShape, fieldOf, needKey } from "./channels.ts";
import type { Surroundings } from "./device-type.ts";
import type { StepPlace, StepShape } from "./i2c-steps.ts";
import type { Path } from "./source-document.ts";

/** Bytes that are read, without their check bytes. */
function bytesOf({ pec }: StepPlace, { read = 0, crc8, check }: StepShape): number {
  const of = check && checkSpecIn(check);
  const inside = read - (pec ? 1 : 0) - (of ? createChecksum(of).bytes : 0);
  return crc8 ? inside - Math.floor(inside / (crc8.every + 1)) : inside;
}

/** What `check:` says; undefined: it is told of elsewhere. */
export function checkSpecIn({ crc, sum }: NonNullable<StepShape["check"]>): CheckSpec | undefined {
  if (sum !== undefined) return crc === undefined ? { kind: sum } : undefined;
  return crc !== undefined && isChecksumName(crc) ? { kind: "crc", name: crc } : undefined;
}

export function fieldsOf(place: StepPlace, step: StepShape): I2cFieldSpec[] {
  const { around, at, order } = place;
  const bytes = bytesOf(place, step);
  return Object.entries(step.fields ?? {}).flatMap(([name, shape]): I2cFieldSpec[] => {
    const path = [...at, "fields", name];
    const { as, part, ...said } = shape;
    if (as === undefined) needKey(around.judge, path, "as");
    if (as === undefined) return [];
    const size = as === "text" ? 1 : SIZES[as];
    if (shape.byte + size > bytes) around.judge.report([...path, "byte"], say.fieldBeyondRead(bytes));
    if (as === "text") return [{ name, letters: lettersAt(around, path, shape.byte, part ?? 1, said) }];
    if (part !== undefined) around.judge.report([...path, "part"], say.onlyOfText("part"), "key");
    const field = fieldOf(around.judge, path, shape.byte, as, said, { byte: step["byte-order"] ?? order });
    return [{ name, field }];
  });
}

const NOT_OF_TEXT = ["bits", "scale", "offset", "byte-order"] as const;

/** What stands in a text is a number already: nothing has to be made of it. */
function lettersAt({ judge }: Surroundings, path: Path, at: number, part: number, said: FieldShape): I2cTextSpec {
  for (const key of NOT_OF_TEXT) if (said[key] !== undefined) judge.report([...path, key], say.textHasNone(key), "key");
  const special = new Map<number, "no-sensor" | "malformed">();
  for (const reason of ["no-sensor", "malformed"] as const)
    for (const raw of said[reason] ?? []) special.set(Number(raw), reason);
  return { at, part, special };
}

export function statusOf(place: StepPlace, step: StepShape): I2cStatusSpec | undefined {
  const { status } = step;
  if (!status) return undefined;
  const { judge } = place.around;
  const path = [...place.at, "status"];
  const bytes = bytesOf(place, step);
  const { bits } = status;
  if (bits && bits.high > 7) judge.report([...path, "bits"], say.bitsBeyondField(bits.text, "u8"));
  const highest = bits ? 2 ** (bits.high - bits.low + 1) - 1 : 255;
  if (status.byte >= bytes) judge.report([...path, "byte"], say.fieldBeyondRead(bytes));
  const means = new Map<number, "good" | "busy" | "refused" | "no-sensor" | "malformed">();
  for (const meaning of ["good", "busy", "refused", "no-sensor", "malformed"] as const) {
    for (const code of status[meaning] ?? []) {
      if (code > highest) judge.report([...path, meaning], say.outOfRange(String(code), "0", String(highest)));
      if (means.has(code)) judge.report([...path, meaning], say.statusTwice(code));
      means.set(code, meaning);
    }
  }
  return { at: status.byte, means, ...(bits && bits.high <= 7 ? { bits: { low: bits.low, high: bits.high } } : {}) };
}

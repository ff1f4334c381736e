/** What a step writes: `"01 {config}"`, constant bytes and numbers that are computed when they are sent. */
import { SIZES } from "../fields/fields.ts";
import { formulaName } from "../formula/formula.ts";
import type { I2cWriteSpec } from "../i2c/i2c-spec.ts";
import { say } from "../messages.ts";
import { nearestWord } from "../spelling.ts";
import { fieldOf } from "./channels.ts";
import type { StepPlace, StepShape } from "./i2c-steps.ts";
import type { Path } from "./source-document.ts";

type Filled = NonNullable<I2cWriteSpec["filled"]>[number];

/** A placeholder is a name of `with:`, or a need of the station file, which then takes one byte. */
export function writeOf(place: StepPlace, step: StepShape): { bytes: Uint8Array; filled: readonly Filled[] } {
  const bytes: number[] = [];
  const filled: Filled[] = [];
  const used = new Set<string>();
  for (const part of step.write ?? []) {
    if ("bytes" in part) {
      bytes.push(...part.bytes);
      continue;
    }
    used.add(part.placeholder);
    const hole = filledBy(place, step, part.placeholder, bytes.length);
    if (!hole) continue;
    if ("field" in hole) bytes.push(...new Uint8Array(SIZES[hole.field.as]));
    filled.push(hole);
  }
  for (const name of Object.keys(step.with ?? {})) {
    if (!used.has(name)) place.around.judge.report([...place.at, "with", name], say.writtenUnused(name), "key");
  }
  return { bytes: Uint8Array.from(bytes), filled };
}

function filledBy(place: StepPlace, step: StepShape, name: string, position: number): Filled | undefined {
  const { around, at, known } = place;
  const said = step.with?.[name];
  const path = said ? [...at, "with", name, "formula"] : [...at, "write"];
  if (!said && name === VALUE && place.value) return valueAt(place, path, position);
  if (!said && !around.given.has(formulaName(name))) {
    const names = [...Object.keys(step.with ?? {}), ...around.given.keys()];
    around.judge.report(path, say.writtenUnknown(name, nearestWord(name, names), names));
    return undefined;
  }
  const formula = around.judge.formula(path, said?.formula ?? formulaName(name), known, around.given);
  const order = step["byte-order"] ?? place.order;
  const saidAt = said ? [...at, "with", name] : path;
  const as = said?.as ?? "u8";
  if (as === "text") return formula && { name, formula, letters: lettersOf(place, saidAt, said ?? {}, position) };
  if (said?.decimals !== undefined) around.judge.report([...saidAt, "decimals"], say.onlyOfText("decimals"), "key");
  const field = fieldOf(around.judge, saidAt, position, as, { ...said, as }, { byte: order });
  return formula && { name, field, formula };
}

type Said = Partial<NonNullable<StepShape["with"]>[string]>;

function lettersOf({ around }: StepPlace, path: Path, said: Said, at: number): { at: number; decimals?: number } {
  for (const key of ["bits", "scale", "offset", "byte-order"] as const)
    if (said[key] !== undefined) around.judge.report([...path, key], say.textHasNone(key), "key");
  return { at, ...(said.decimals === undefined ? {} : { decimals: said.decimals }) };
}

/** What a setting's steps call the value that is to be set. */
export const VALUE = "value";

/** Coded like the channel in which it is read back. */
function valueAt({ around, value, known }: StepPlace, path: Path, position: number): Filled | undefined {
  const formula = around.judge.formula(path, VALUE, known, around.given);
  if (!formula || value?.field === undefined) {
    around.judge.report(path, say.settingNeedsCoding(value?.readBack ?? ""));
    return undefined;
  }
  const { bits, ...whole } = value.field;
  if (bits) around.judge.report(path, say.settingOfBits(value.readBack, bits, whole));
  return { name: VALUE, field: { ...whole, at: position, special: new Map() }, formula };
}

/** The steps of an I2C description: what they send, what they read, and which names their formulas may use. */
import type * as z from "zod";
import { checksumNames, createChecksum, isChecksumName } from "../checksum/checksum.ts";
import { formulaName } from "../formula/formula.ts";
import type { I2cCheckSpec, I2cCrcSpec, I2cFieldSpec, I2cPecSpec, I2cReadSpec, I2cStepSpec } from "../i2c/i2c-spec.ts";
import { bytesOfText } from "../lines/letters.ts";
import { say } from "../messages.ts";
import type { i2cShape } from "../schema/i2c.ts";
import type { ByteOrder, FieldSpec, Formula } from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import type { Surroundings } from "./device-type.ts";
import { checkSpecIn, fieldsOf, statusOf } from "./i2c-fields.ts";
import { VALUE, writeOf } from "./i2c-writes.ts";
import { formulaNames } from "./judge.ts";
import type { Path } from "./source-document.ts";

export type StepShape = z.output<typeof i2cShape>["measure"][number];
export type Fields = readonly I2cFieldSpec[];

/** A step's surroundings: the names that are known when it runs. */
export interface StepPlace {
  readonly around: Surroundings;
  readonly at: Path;
  readonly order: ByteOrder;
  readonly known: ReadonlySet<string>;
  /** Of a setting: how {value} is coded, unless a step says otherwise. */
  readonly value?: ValueCoding;
  /** What ends each message, unless a step says otherwise. */
  readonly pec: I2cPecSpec | undefined;
}

/** The channel in which a setting is read back; its field, unless it is computed. */
export interface ValueCoding {
  readonly readBack: string;
  readonly field: FieldSpec | undefined;
}

/** What the file says for all its steps. */
export interface StepDefaults {
  readonly order: ByteOrder;
  readonly pec: boolean;
}

/** The address as far as it is known: NaN in examples that don't say it. */
export const pecOf = ({ given }: Surroundings, isWanted: boolean): I2cPecSpec | undefined =>
  isWanted ? { address: given.get("address") ?? Number.NaN } : undefined;

/** `known`: fields that were read before this section, by their names in the file. */
export function stepsOf(
  around: Surroundings,
  at: Path,
  shapes: readonly StepShape[],
  defaults: StepDefaults,
  known: readonly string[],
  value?: ValueCoding,
): I2cStepSpec[] {
  const names = namesFor(around, known, value);
  return shapes.flatMap((shape, index) => placedStep(around, [...at, index], shape, defaults, names, value));
}

/** A section that is one step itself. */
export const stepOf = (
  around: Surroundings,
  at: Path,
  shape: StepShape,
  defaults: StepDefaults,
  known: readonly string[],
  value?: ValueCoding,
): I2cStepSpec[] => placedStep(around, at, shape, defaults, namesFor(around, known, value), value);

const namesFor = ({ given }: Surroundings, known: readonly string[], value: ValueCoding | undefined): Set<string> =>
  formulaNames(known, given.keys(), value ? [VALUE] : []);

function placedStep(
  around: Surroundings,
  at: Path,
  said: StepShape,
  { order, pec }: StepDefaults,
  names: Set<string>,
  value: ValueCoding | undefined,
): I2cStepSpec[] {
  if (said.write && said.letters) around.judge.report([...at, "letters"], say.writeOrLetters(), "key");
  const shape = said.letters ? { ...said, write: templateOf(said.letters) } : said;
  const place: StepPlace = {
    around,
    at,
    order,
    known: names,
    pec: pecOf(around, shape.pec ?? pec),
    ...(value ? { value } : {}),
  };
  const step = stepSpec(place, shape);
  const when = shape.if === undefined ? undefined : formulaAt(place, "if", shape.if, names);
  // Known from here on even when the step is wrong: one mistake, one message.
  for (const name of Object.keys(shape.fields ?? {})) names.add(formulaName(name));
  return step ? [{ ...step, ...(when ? { when } : {}) }] : [];
}

const templateOf = (letters: NonNullable<StepShape["letters"]>): NonNullable<StepShape["write"]> =>
  letters.map((piece) => ("text" in piece ? { bytes: bytesOfText(piece.text) } : piece));

export const fieldsAmong = (steps: readonly I2cStepSpec[]): Fields =>
  steps.flatMap((step) => ("fields" in step ? step.fields : []));

function stepSpec(place: StepPlace, step: StepShape): I2cStepSpec | undefined {
  const { at, around, pec } = place;
  const kinds = (["wait", "read"] as const).filter((key) => step[key] !== undefined);
  const isWrite = step.write !== undefined && kinds.length === 0;
  const isUnclear = kinds.length + (isWrite ? 1 : 0) !== 1 || (step.wait !== undefined && step.write !== undefined);
  const hasChecks = (step.crc8 ?? step.check ?? step.pec) !== undefined;
  const isReadsOwn = step.read === undefined && (step.fields ?? step.until ?? step.status) !== undefined;
  if (isUnclear || isReadsOwn || (step.wait !== undefined && hasChecks)) {
    around.judge.report(at, say.stepUnclear());
    return undefined;
  }
  if (step.wait !== undefined) return { do: "wait", ms: step.wait };
  const { bytes, filled } = writeOf(place, step);
  const crc = crcOf(place, step, step.read === undefined ? bytes.length : step.read - (pec ? 1 : 0));
  const check = lastCheckOf(place, step);
  const checks = { ...(crc ? { crc } : {}), ...(check ? { check } : {}), ...(pec ? { pec } : {}) };
  const isOptional = step.optional === true;
  if (isOptional && step.read !== undefined) around.judge.report([...at, "optional"], say.onlyWritesOptional(), "key");
  checkRepeatedStart(place, step, bytes.length);
  const fill = filled.length > 0 ? { filled } : {};
  if (step.read === undefined)
    return { do: "write", bytes, ...fill, ...checks, ...(isOptional ? { isOptional: true as const } : {}) };
  const fields = fieldsOf(place, step);
  const status = statusOf(place, step);
  const read = { write: bytes, ...fill, length: step.read, fields, ...checks, ...(status ? { status } : {}) };
  return step.until === undefined ? { do: "read", ...read } : untilSpec(place, step, step.until, read);
}

const UNTIL_EVERY_MS = 2;
const UNTIL_WITHIN_MS = 1_000;

function untilSpec(place: StepPlace, step: StepShape, text: string, read: I2cReadSpec): I2cStepSpec | undefined {
  const names = new Set([...place.known, ...read.fields.map(({ name }) => formulaName(name))]);
  const formula = formulaAt(place, "until", text, names);
  if (!formula) return undefined;
  return {
    do: "until",
    ...read,
    formula,
    everyMs: step.every ?? UNTIL_EVERY_MS,
    withinMs: step.within ?? UNTIL_WITHIN_MS,
  };
}

const formulaAt = (
  { around, at }: StepPlace,
  key: string,
  text: string,
  names: ReadonlySet<string>,
): Formula | undefined => around.judge.formula([...at, key], text, names, around.given);

/** `length`: all bytes read, or those written without their check bytes. */
function crcOf({ around, at }: StepPlace, { crc8, read }: StepShape, length: number): I2cCrcSpec | undefined {
  if (!crc8) return undefined;
  const { name, every, from } = crc8;
  const isWhole = read === undefined ? (length - (from ?? 0)) % every === 0 : length % (every + 1) === 0;
  if (!isWhole) {
    around.judge.report([...at, read === undefined ? "write" : "read"], say.crcLength(length, every));
  }
  if (isChecksumName(name)) return { name, every, ...(from === undefined ? {} : { from }) };
  around.judge.report([...at, "crc8", "name"], say.unknownChecksum(name, nearestWord(name, checksumNames)));
  return undefined;
}

/** A check over the whole message, behind it. */
function lastCheckOf({ around, at, order }: StepPlace, { check, crc8, read }: StepShape): I2cCheckSpec | undefined {
  if (!check) return undefined;
  const { judge } = around;
  const path = [...at, "check"];
  if (crc8) judge.report(path, say.checkedTwice(), "key");
  if ((check.crc === undefined) === (check.sum === undefined)) judge.report(path, say.crcOrSum(), "key");
  if (check.crc !== undefined && !isChecksumName(check.crc))
    judge.report([...path, "crc"], say.unknownChecksum(check.crc, nearestWord(check.crc, checksumNames)));
  const of = checkSpecIn(check);
  if (!of) return undefined;
  const size = createChecksum(of).bytes;
  if (read !== undefined && read <= size) judge.report([...at, "read"], say.checkAlone(size));
  return { of, byteOrder: check["byte-order"] ?? order };
}

/** What i2c-bus can do in one transfer: the kernel's SMBus block read (I2C_SMBUS_BLOCK_MAX). */
const COMBINED_READ_MAX = 32;

/** The packet error check covers the repeated start's address: with a stop between it would be that of two messages. */
function checkRepeatedStart({ around, at, pec }: StepPlace, step: StepShape, written: number): void {
  const read = step.read ?? 0;
  const isAsked = step["repeated-start"] !== undefined;
  if (!isAsked && (!pec || read === 0 || written === 0)) return;
  if (isRepeatable(written, read)) return;
  around.judge.report(isAsked ? [...at, "repeated-start"] : [...at, "read"], say.repeatedStart(written, read));
}

export const isRepeatable = (written: number, read: number): boolean =>
  written === 1 && read >= 1 && read <= COMBINED_READ_MAX;

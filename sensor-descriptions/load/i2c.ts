/** Device files with `protocol: i2c`: a chip's conversation, step by step, and the formulas of its datasheet. */
import type * as z from "zod";
import { checksumNames, isChecksumName } from "../checksum.ts";
import { SIZES } from "../fields.ts";
import { formulaName } from "../formula.ts";
import { say } from "../messages.ts";
import type { i2cShape } from "../schema/i2c.ts";
import type { ByteOrder, ChannelSpec, FieldSpec, Formula, I2cSpec, I2cStepSpec } from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import { channelOf, fieldOf, needKey, stepOf } from "./channels.ts";
import type { BuiltSpec, Surroundings } from "./device-type.ts";
import { formulaNames } from "./judge.ts";
import type { Path } from "./source-document.ts";

type Shape = z.output<typeof i2cShape>;
type StepShape = Shape["measure"][number];
type Fields = readonly { readonly name: string; readonly field: FieldSpec }[];

export function i2cSpec(shape: Shape, around: Surroundings): BuiltSpec {
  const stepsOf = (section: "set-up" | "constants" | "measure"): I2cStepSpec[] =>
    (shape[section] ?? []).flatMap((step, index) => {
      const known = stepSpec(around, [section, index], step, shape["byte-order"] ?? "big-endian");
      return known ? [known] : [];
    });
  const constants = stepsOf("constants");
  const measure = stepsOf("measure");
  const fields = [...constants, ...measure].flatMap((step) => ("fields" in step ? step.fields : []));
  const lets = letsOf(around, shape, fields);
  const names = Object.keys(shape.channels);
  const scope = formulaNames(
    fields.map(({ name }) => name),
    Object.keys(shape.let ?? {}),
    names,
    around.given.keys(),
  );
  const channels = names.flatMap((name) => channelSpec(around, name, shape, fields, scope));
  const spec: I2cSpec = {
    protocol: "i2c",
    identify: shape.identify ?? [],
    setUp: stepsOf("set-up"),
    constants,
    measure,
    lets,
    channels,
  };
  return { spec, channels: channels.map(({ channel }) => channel), settings: [], commands: [] };
}

function stepSpec(around: Surroundings, at: Path, step: StepShape, fileOrder: ByteOrder): I2cStepSpec | undefined {
  const { judge } = around;
  const kinds = (["wait", "read"] as const).filter((key) => step[key] !== undefined);
  const isWrite = step.write !== undefined && kinds.length === 0;
  const isUnclear = kinds.length + (isWrite ? 1 : 0) !== 1 || (step.wait !== undefined && step.write !== undefined);
  const isReadsOwn =
    step.read === undefined && (step.fields !== undefined || step.crc8 !== undefined || step.until !== undefined);
  if (isUnclear || isReadsOwn) {
    judge.report(at, say.stepUnclear());
    return undefined;
  }
  if (step.wait !== undefined) return { do: "wait", ms: step.wait };
  if (step.read === undefined) return step.write && { do: "write", bytes: step.write };
  const write = step.write ?? new Uint8Array();
  const fields = fieldsOf(around, at, step, fileOrder);
  if (step.until !== undefined) return untilSpec(around, at, step, { write, length: step.read, fields });
  const crc = crcOf(around, at, step);
  return { do: "read", write, length: step.read, fields, ...(crc ? { crc } : {}) };
}

function fieldsOf(around: Surroundings, at: Path, step: StepShape, fileOrder: ByteOrder): Fields {
  const every = step.crc8?.every;
  const read = step.read ?? 0;
  const bytes = every === undefined ? read : read - Math.floor(read / (every + 1));
  return Object.entries(step.fields ?? {}).flatMap(([name, shape]) => {
    const place = [...at, "fields", name];
    if (shape.as === undefined) needKey(around.judge, place, "as");
    if (shape.as === undefined) return [];
    if (shape.byte + SIZES[shape.as] > bytes) around.judge.report([...place, "byte"], say.fieldBeyondRead(bytes));
    return [
      {
        name,
        field: fieldOf(around.judge, place, shape.byte, shape.as, shape, { byte: step["byte-order"] ?? fileOrder }),
      },
    ];
  });
}

const UNTIL_EVERY_MS = 2;
const UNTIL_WITHIN_MS = 1_000;

function untilSpec(
  around: Surroundings,
  at: Path,
  step: StepShape,
  read: { write: Uint8Array; length: number; fields: Fields },
): I2cStepSpec | undefined {
  const names = formulaNames(read.fields.map(({ name }) => name));
  const formula = around.judge.formula([...at, "until"], step.until ?? "", names, new Map());
  if (!formula) return undefined;
  return {
    do: "until",
    ...read,
    formula,
    everyMs: step.every ?? UNTIL_EVERY_MS,
    withinMs: step.within ?? UNTIL_WITHIN_MS,
  };
}

function crcOf(around: Surroundings, at: Path, step: StepShape): { name: string; every: number } | undefined {
  const { crc8, read = 0 } = step;
  if (!crc8) return undefined;
  if (read % (crc8.every + 1) !== 0) around.judge.report([...at, "read"], say.crcLength(read, crc8.every));
  if (isChecksumName(crc8.name)) return crc8;
  around.judge.report([...at, "crc8", "name"], say.unknownChecksum(crc8.name, nearestWord(crc8.name, checksumNames)));
  return undefined;
}

function letsOf(around: Surroundings, shape: Shape, fields: Fields): { name: string; formula: Formula }[] {
  const known = formulaNames(
    fields.map(({ name }) => name),
    around.given.keys(),
  );
  return Object.entries(shape.let ?? {}).flatMap(([name, text]) => {
    const formula = around.judge.formula(["let", name], text, known, around.given);
    // Known from here on even when it is wrong: one mistake, one message.
    known.add(name);
    return formula ? [{ name, formula }] : [];
  });
}

function channelSpec(
  around: Surroundings,
  name: string,
  shape: Shape,
  fields: Fields,
  scope: ReadonlySet<string>,
): ChannelSpec[] {
  const { judge, given } = around;
  const at = ["channels", name];
  const channel = shape.channels[name] ?? {};
  if ((channel.field === undefined) === (channel.formula === undefined)) {
    judge.report(at, say.fieldOrFormula(), "key");
    return [];
  }
  const known = fields.map((field) => field.name);
  const field = fields.find((candidate) => candidate.name === channel.field)?.field;
  if (channel.field !== undefined && !field) {
    judge.report([...at, "field"], say.unknownName(channel.field, nearestWord(channel.field, known), known));
    return [];
  }
  const formula = judge.formula([...at, "formula"], channel.formula ?? formulaName(channel.field ?? ""), scope, given);
  const meaning = channelOf(judge, at, name, channel, field && stepOf(field));
  return formula ? [{ channel: meaning, source: { from: "formula", formula } }] : [];
}

/** What the steps of an I2C description do: write, wait, read, and read until something is so. */

import { computed } from "../fields/channels.ts";
import { createField } from "../fields/fields.ts";
import { formulaName } from "../formula/formula.ts";
import { type DecodedValue, I2cAnswerError, type I2cConversation } from "../model.ts";
import type { Formula } from "../spec.ts";
import { hex } from "./hex.ts";
import { checkAdder, checkRemover } from "./i2c-checks.ts";
import { lettersOf, readLettersOf } from "./i2c-letters.ts";
import type { I2cFieldSpec, I2cReadSpec, I2cStatusSpec, I2cStepSpec, I2cWriteSpec } from "./i2c-spec.ts";

/** What the steps so far have found out. */
export interface Known {
  readonly values: Map<string, DecodedValue>;
  /** All bytes of the `read` steps. */
  readonly bytes: number[];
}
export type Step = (known: Known) => I2cConversation<void>;

export function createStep(spec: I2cStepSpec): Step {
  const step = unconditional(spec);
  const { when } = spec;
  if (when === undefined) return step;
  return function* (known) {
    if (numberOf(when, known, "if") !== 0) yield* step(known);
  };
}

function unconditional(spec: I2cStepSpec): Step {
  switch (spec.do) {
    case "write":
      return writeStep(spec);
    case "wait":
      return function* () {
        yield { do: "wait", ms: spec.ms };
      };
    case "read":
      return readStep(spec);
    case "until":
      return untilStep(spec);
  }
}

/** Without a number there is nothing to decide or to send by. */
function numberOf(formula: Formula, { values }: Known, what: string): number {
  const value = computed(formula, values);
  if (typeof value === "number") return value;
  throw new I2cAnswerError(value, `${what} ${formula.text}: ${value}`);
}

type StepOf<K extends I2cStepSpec["do"]> = Extract<I2cStepSpec, { do: K }>;

function writeStep(spec: StepOf<"write">): Step {
  const bytesOf = filler(spec);
  const checked = checkAdder(spec);
  const optional = spec.isOptional ? ({ isOptional: true } as const) : {};
  return function* (known) {
    yield { do: "transfer", write: checked(bytesOf(known)), readLength: 0, ...optional };
  };
}

function filler({ bytes, filled = [] }: I2cWriteSpec): (known: Known) => Uint8Array {
  if (filled.length === 0) return () => bytes;
  // From the last to the first: letters put in don't move what stands before them.
  const holes = filled.map((one) => ({ ...one, put: putterOf(one) })).reverse();
  return (known) => {
    let all: Uint8Array = bytes.slice();
    for (const { name, formula, put } of holes) {
      const value = numberOf(formula, known, `write {${name}}:`);
      try {
        all = put(all, value);
      } catch (error) {
        if (error instanceof RangeError) throw new I2cAnswerError("malformed", `write {${name}}: ${error.message}`);
        throw error;
      }
    }
    return all;
  };
}

type Filled = NonNullable<I2cWriteSpec["filled"]>[number];

function putterOf(filled: Filled): (bytes: Uint8Array, value: number) => Uint8Array {
  if ("letters" in filled) {
    const { at, decimals } = filled.letters;
    return (bytes, value) =>
      Uint8Array.of(...bytes.subarray(0, at), ...lettersOf(value, decimals), ...bytes.subarray(at));
  }
  const field = createField(filled.field);
  return (bytes, value) => {
    field.write(bytes, 0, value);
    return bytes;
  };
}

/** One read: what is asked, checked, and taken from the answer. False: the chip is busy. */
function reading(spec: I2cReadSpec): (known: Known) => I2cConversation<Uint8Array | false> {
  const { length, filled = [], status } = spec;
  const writeOf = filler({ bytes: spec.write, filled });
  const fields = spec.fields.map(readerOf);
  const check = checkRemover(spec);
  return function* (known) {
    const write = writeOf(known);
    const bytes = check(yield* transfer(write, length), write);
    if (status && !isGood(status, bytes, write)) return false;
    for (const read of fields) read(bytes, write, known);
    return bytes;
  };
}

/** Throws what the chip says, but for "busy". */
function isGood(status: I2cStatusSpec, bytes: Uint8Array, write: Uint8Array): boolean {
  const code = statusCode(status, bytes);
  const { means } = status;
  const meaning = means.get(code ?? -1) ?? "malformed";
  if (meaning === "good" || meaning === "busy") return meaning === "good";
  const refusal = meaning === "refused" ? code : undefined;
  throw new I2cAnswerError(meaning, `read ${hex(write)}: status ${code ?? "missing"} means ${meaning}`, refusal);
}

/** Undefined: the byte isn't there. */
export function statusCode({ at, bits }: I2cStatusSpec, bytes: Uint8Array): number | undefined {
  const byte = bytes[at];
  return byte === undefined || bits === undefined ? byte : (byte >> bits.low) & (2 ** (bits.high - bits.low + 1) - 1);
}

function readerOf(spec: I2cFieldSpec): (bytes: Uint8Array, write: Uint8Array, known: Known) => void {
  const name = formulaName(spec.name);
  if ("letters" in spec) {
    const { letters } = spec;
    return (bytes, _, { values }) => void values.set(name, readLettersOf(letters, bytes));
  }
  const field = createField(spec.field);
  return (bytes, write, { values }) => {
    if (field.end > bytes.length)
      throw new I2cAnswerError("malformed", `read ${hex(write)}: ${name} ends at byte ${field.end} of ${bytes.length}`);
    values.set(name, field.read(bytes, 0));
  };
}

function readStep(spec: StepOf<"read">): Step {
  const read = reading(spec);
  return function* (known) {
    const bytes = yield* read(known);
    if (!bytes) throw new I2cAnswerError("busy", `read ${hex(spec.write)}: the chip says that it is busy`);
    known.bytes.push(...bytes);
  };
}

function untilStep(spec: StepOf<"until">): Step {
  const { formula, everyMs, withinMs } = spec;
  const read = reading(spec);
  // A pause of 0 would ask for ever.
  const pauseMs = Math.max(1, everyMs);
  return function* (known) {
    for (let waitedMs = 0; ; waitedMs += pauseMs) {
      const isReady = yield* read(known);
      const value = isReady ? computed(formula, known.values) : 0;
      if (typeof value === "number" && value !== 0) return;
      if (waitedMs + pauseMs > withinMs) {
        throw new I2cAnswerError("timeout", `until ${formula.text}: not so within ${withinMs} ms`);
      }
      yield { do: "wait", ms: pauseMs };
    }
  };
}

function* transfer(write: Uint8Array, length: number): I2cConversation<Uint8Array> {
  const bytes = yield { do: "transfer", write, readLength: length };
  if (bytes.length === length) return bytes;
  throw new I2cAnswerError("malformed", `read ${hex(write)}: got ${bytes.length} of ${length} bytes`);
}

/** What the steps of an I2C description do: write, wait, read, and read until something is so. */

import { computed } from "../fields/channels.ts";
import { createField, type Field } from "../fields/fields.ts";
import { formulaName } from "../formula/formula.ts";
import { type DecodedValue, I2cAnswerError, type I2cConversation } from "../model.ts";
import type { Formula, I2cReadSpec, I2cStepSpec, I2cWriteSpec } from "../spec.ts";
import { hex } from "./hex.ts";
import { checkAdder, checkRemover } from "./i2c-checks.ts";

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
  return function* (known) {
    yield { do: "transfer", write: checked(bytesOf(known)), readLength: 0 };
  };
}

function filler({ bytes, filled = [] }: I2cWriteSpec): (known: Known) => Uint8Array {
  if (filled.length === 0) return () => bytes;
  const holes = filled.map(({ name, field, formula }) => ({ name, field: createField(field), formula }));
  return (known) => {
    const copy = bytes.slice();
    for (const { name, field, formula } of holes) {
      const value = numberOf(formula, known, `write {${name}}:`);
      try {
        field.write(copy, 0, value);
      } catch (error) {
        if (error instanceof RangeError) throw new I2cAnswerError("malformed", `write {${name}}: ${error.message}`);
        throw error;
      }
    }
    return copy;
  };
}

type NamedFields = readonly { readonly name: string; readonly field: Field }[];

/** One read: what is asked, checked, and taken from the answer. */
function reading(spec: I2cReadSpec): (known: Known) => I2cConversation<Uint8Array> {
  const { length, filled = [] } = spec;
  const writeOf = filler({ bytes: spec.write, filled });
  const fields = spec.fields.map(({ name, field }) => ({ name: formulaName(name), field: createField(field) }));
  const check = checkRemover(spec);
  return function* (known) {
    const write = writeOf(known);
    const bytes = check(yield* transfer(write, length), write);
    decode(fields, bytes, write, known);
    return bytes;
  };
}

function readStep(spec: StepOf<"read">): Step {
  const read = reading(spec);
  return function* (known) {
    known.bytes.push(...(yield* read(known)));
  };
}

function untilStep(spec: StepOf<"until">): Step {
  const { formula, everyMs, withinMs } = spec;
  const read = reading(spec);
  // A pause of 0 would ask for ever.
  const pauseMs = Math.max(1, everyMs);
  return function* (known) {
    for (let waitedMs = 0; ; waitedMs += pauseMs) {
      yield* read(known);
      const value = computed(formula, known.values);
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

function decode(fields: NamedFields, bytes: Uint8Array, write: Uint8Array, { values }: Known): void {
  for (const { name, field } of fields) {
    if (field.end > bytes.length) {
      throw new I2cAnswerError("malformed", `read ${hex(write)}: ${name} ends at byte ${field.end} of ${bytes.length}`);
    }
    values.set(name, field.read(bytes, 0));
  }
}

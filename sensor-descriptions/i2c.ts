/** A chip's conversation on an I2C bus, step by step as its description says. */
import { computed, createChannelCodec } from "./channels.ts";
import { createChecksum } from "./checksum.ts";
import { createField, type Field } from "./fields.ts";
import { formulaName } from "./formula.ts";
import { type DecodedValue, I2cAnswerError, type I2cConversation, type I2cProtocol } from "./model.ts";
import type { I2cSpec, I2cStepSpec } from "./spec.ts";

/**
 * `prepare` identifies the chip (I2cAnswerError "no-sensor" when another one answers), sets it up, and gives the
 * constants by the names that formulas use. `measure` gives the channels. A wrong CRC is I2cAnswerError "checksum"; too
 * few bytes, or an `until` that doesn't come true in time, "malformed".
 *
 * `length` of a read counts the bytes on the bus, CRC bytes included. A channel that is a field, not a formula, is
 * counted in all bytes that the `read` steps of `measure` gave, one after the other, CRC bytes taken off.
 */
export function createI2cProtocol(spec: I2cSpec): I2cProtocol {
  const setUp = spec.setUp.map(createStep);
  const constants = spec.constants.map(createStep);
  const measure = spec.measure.map(createStep);
  const codec = createChannelCodec(spec.channels);
  const lets = spec.lets.map(({ name, formula }) => ({ name: formulaName(name), formula }));
  return {
    kind: "i2c",
    readLengthMax: lengthMax(spec),
    *prepare() {
      for (const { write, expect } of spec.identify) yield* identify(write, expect);
      const known: Known = { values: new Map(), bytes: [] };
      for (const step of setUp) yield* step(known);
      known.values.clear();
      for (const step of constants) yield* step(known);
      return new Map([...known.values].map(([name, value]) => [name, constant(name, value)]));
    },
    *measure(read) {
      const known: Known = { values: new Map<string, DecodedValue>(read), bytes: [] };
      for (const step of measure) yield* step(known);
      for (const { name, formula } of lets) known.values.set(name, computed(formula, known.values));
      if (known.bytes.length < codec.end) {
        throw new I2cAnswerError("malformed", `measure: read ${known.bytes.length} bytes, needed ${codec.end}`);
      }
      return codec.decode(Uint8Array.from(known.bytes), 0, known.values);
    },
  };
}

/** What the steps so far have found out. */
interface Known {
  readonly values: Map<string, DecodedValue>;
  /** All bytes of the `read` steps. */
  readonly bytes: number[];
}
type Step = (known: Known) => I2cConversation<void>;

function* identify(write: Uint8Array, expected: Uint8Array): I2cConversation<void> {
  const bytes = yield { do: "transfer", write, readLength: expected.length };
  if (bytes.length === expected.length && bytes.every((byte, i) => byte === expected[i])) return;
  throw new I2cAnswerError("no-sensor", `identify ${hex(write)}: read ${hex(bytes)}, expected ${hex(expected)}`);
}

function createStep(spec: I2cStepSpec): Step {
  switch (spec.do) {
    case "write":
      return function* () {
        yield { do: "transfer", write: spec.bytes, readLength: 0 };
      };
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

type StepOf<K extends I2cStepSpec["do"]> = Extract<I2cStepSpec, { do: K }>;
type NamedFields = readonly { readonly name: string; readonly field: Field }[];

const fieldsOf = (fields: StepOf<"read">["fields"]): NamedFields =>
  fields.map(({ name, field }) => ({ name: formulaName(name), field: createField(field) }));

function readStep({ write, length, crc, fields: specs }: StepOf<"read">): Step {
  const fields = fieldsOf(specs);
  const check = crc === undefined ? (bytes: Uint8Array) => bytes : crcRemover(crc.name, crc.every);
  return function* (known) {
    const bytes = check(yield* transfer(write, length), write);
    decode(fields, bytes, write, known);
    known.bytes.push(...bytes);
  };
}

function untilStep(spec: StepOf<"until">): Step {
  const { write, length, formula, everyMs, withinMs } = spec;
  const fields = fieldsOf(spec.fields);
  // A pause of 0 would ask for ever.
  const pauseMs = Math.max(1, everyMs);
  return function* (known) {
    for (let waitedMs = 0; ; waitedMs += pauseMs) {
      decode(fields, yield* transfer(write, length), write, known);
      const value = computed(formula, known.values);
      if (typeof value === "number" && value !== 0) return;
      if (waitedMs + pauseMs > withinMs) {
        throw new I2cAnswerError("malformed", `until ${formula.text}: not so within ${withinMs} ms`);
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

/** Checks the CRC byte after every `every` bytes, and takes it off. */
function crcRemover(name: string, every: number): (bytes: Uint8Array, write: Uint8Array) => Uint8Array {
  const checksum = createChecksum({ kind: "crc", name });
  const size = every + checksum.bytes;
  return (bytes, write) => {
    const data: number[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      const group = bytes.subarray(at, at + size);
      const found = group.subarray(every).reduce((value, byte) => value * 256 + byte, 0);
      if (group.length < size || checksum.of(group, 0, every) !== found) {
        throw new I2cAnswerError("checksum", `read ${hex(write)}: ${name} is wrong in ${hex(group)}`);
      }
      for (const byte of group.subarray(0, every)) data.push(byte);
    }
    return Uint8Array.from(data);
  };
}

/** A chip whose calibration can't be read would compute plausible nonsense. */
function constant(name: string, value: DecodedValue): number {
  if (typeof value === "number") return value;
  throw new I2cAnswerError(value, `constant ${name}: its raw value means ${value}`);
}

function lengthMax(spec: I2cSpec): number {
  const lengths = [...spec.setUp, ...spec.constants, ...spec.measure].map((step) => {
    if (step.do === "wait") return 0;
    return step.do === "write" ? step.bytes.length : Math.max(step.length, step.write.length);
  });
  const identities = spec.identify.map(({ write, expect }) => Math.max(write.length, expect.length));
  return Math.max(0, ...lengths, ...identities);
}

const hex = (bytes: Uint8Array): string =>
  bytes.length === 0
    ? "nothing"
    : Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ");

/** A chip's conversation on an I2C bus, step by step as its description says. */
import { computed, createChannelCodec } from "../fields/channels.ts";
import { formulaName } from "../formula/formula.ts";
import {
  type DecodedValue,
  I2cAnswerError,
  type I2cConstants,
  type I2cConversation,
  type I2cProtocol,
  type Values,
} from "../model.ts";
import { hex } from "./hex.ts";
import { checkRemover } from "./i2c-checks.ts";
import { LETTERS_MAX } from "./i2c-letters.ts";
import type { I2cIdentity, I2cSpec, I2cStepSpec, I2cWriteSpec } from "./i2c-spec.ts";
import { createStep, type Known, type Step } from "./i2c-steps.ts";

/**
 * `prepare` identifies the chip (I2cAnswerError "no-sensor" when another one answers), sets it up, and gives the
 * constants by the names that formulas use. `measure` gives the channels. A wrong CRC is I2cAnswerError "checksum"; too
 * few bytes are "malformed"; an `until` that doesn't come true in time is "timeout".
 *
 * `length` of a read counts the bytes on the bus, CRC bytes included. A channel that is a field, not a formula, is
 * counted in all bytes that the `read` steps of `measure` gave, one after the other, CRC bytes taken off.
 */
export function createI2cProtocol(spec: I2cSpec, watch?: I2cWatch): I2cProtocol {
  const watched = (step: I2cStepSpec): Step => {
    const run = createStep(step);
    if (!watch) return run;
    return (known) => {
      watch.step(step);
      return run(known);
    };
  };
  const setUp = spec.setUp.map(watched);
  const constants = spec.constants.map(watched);
  const measure = spec.measure.map(watched);
  const codec = createChannelCodec(spec.channels);
  const lets = spec.lets.map(({ name, formula }) => ({ name: formulaName(name), formula }));
  const settings = new Map((spec.settings ?? []).map(({ name, steps }) => [name, steps.map(watched)]));
  const commands = new Map((spec.commands ?? []).map(({ name, steps }) => [name, steps.map(watched)]));
  const readConstants = function* (): I2cConversation<I2cConstants> {
    const known: Known = { values: new Map(), bytes: [] };
    for (const step of constants) yield* step(known);
    return new Map([...known.values].map(([name, value]) => [name, constant(name, value)]));
  };
  return {
    kind: "i2c",
    readLengthMax: lengthMax(spec),
    *prepare() {
      for (const identity of spec.identify) {
        watch?.identity(identity);
        yield* identify(identity);
      }
      const known: Known = { values: new Map(), bytes: [] };
      for (const step of setUp) yield* step(known);
      return yield* readConstants();
    },
    *measure(read) {
      const known: Known = { values: new Map<string, DecodedValue>(read), bytes: [] };
      for (const step of measure) yield* step(known);
      for (const { name, formula } of lets) known.values.set(name, computed(formula, known.values));
      watch?.measured(known.values);
      if (known.bytes.length < codec.end) {
        throw new I2cAnswerError("malformed", `measure: read ${known.bytes.length} bytes, needed ${codec.end}`);
      }
      return codec.decode(Uint8Array.from(known.bytes), 0, known.values);
    },
    *set(name, value, read) {
      const steps = settings.get(name);
      if (steps === undefined) throw new Error(`set ${name}: the chip has no such setting`);
      const known: Known = { values: new Map<string, DecodedValue>([...read, ["value", value]]), bytes: [] };
      for (const step of steps) yield* step(known);
      return yield* readConstants();
    },
    *command(name, read) {
      const steps = commands.get(name);
      if (steps === undefined) throw new Error(`command ${name}: the chip has no such command`);
      const known: Known = { values: new Map<string, DecodedValue>(read), bytes: [] };
      for (const step of steps) yield* step(known);
    },
  };
}

/** Told what a conversation is at, for explanations: the transfers that follow belong to it. */
export interface I2cWatch {
  identity(identity: I2cIdentity): void;
  step(step: I2cStepSpec): void;
  /** All names that the channels' formulas know. */
  measured(values: Values): void;
}

function* identify({ write, expect, or = [], mask, pec }: I2cIdentity): I2cConversation<void> {
  const readLength = expect.length + (pec ? 1 : 0);
  const read = yield { do: "transfer", write, readLength };
  const bytes = pec ? checkRemover({ pec })(read, write) : read;
  const isIt = (wanted: Uint8Array): boolean =>
    bytes.length === wanted.length && bytes.every((byte, i) => ((byte ^ (wanted[i] ?? 0)) & (mask?.[i] ?? 0xff)) === 0);
  if (isIt(expect) || or.some(isIt)) return;
  const wanted = [expect, ...or].map(hex).join(" or ");
  const masked = mask === undefined ? "" : ` under mask ${hex(mask)}`;
  throw new I2cAnswerError("no-sensor", `identify ${hex(write)}: read ${hex(bytes)}, expected ${wanted}${masked}`);
}

/** A chip whose calibration can't be read would compute plausible nonsense. */
function constant(name: string, value: DecodedValue): number {
  if (typeof value === "number") return value;
  throw new I2cAnswerError(value, `constant ${name}: its raw value means ${value}`);
}

const writtenMax = ({ bytes, filled = [] }: I2cWriteSpec): number =>
  bytes.length + filled.filter((one) => "letters" in one).length * LETTERS_MAX;

function lengthMax(spec: I2cSpec): number {
  const writes = [...(spec.settings ?? []), ...(spec.commands ?? [])].flatMap(({ steps }) => steps);
  const lengths = [...spec.setUp, ...spec.constants, ...spec.measure, ...writes].map((step) => {
    if (step.do === "wait") return 0;
    if (step.do === "write") return writtenMax(step) + (step.pec ? 1 : 0);
    return Math.max(step.length, step.write.length);
  });
  const identities = spec.identify.map(({ write, expect, pec }) =>
    Math.max(write.length, expect.length + (pec ? 1 : 0)),
  );
  return Math.max(0, ...lengths, ...identities);
}

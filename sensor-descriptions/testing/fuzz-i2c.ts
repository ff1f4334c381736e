/**
 * Chips that answer nonsense: the transfers of a description's own examples, with bytes changed, cut off and added. A
 * conversation has to end, in values or in one of the named reasons, and no value may come out of a wrong CRC.
 */

import type { I2cCheckSpec, I2cCrcSpec, I2cSpec, I2cStepSpec } from "../i2c/i2c-spec.ts";
import type { DeviceType } from "../load.ts";
import {
  type DecodedValue,
  I2cAnswerError,
  type I2cConstants,
  type I2cConversation,
  type I2cProtocol,
  type I2cStep,
  type Setting,
  type Values,
} from "../model.ts";
import { createRandom } from "./seeded-random.ts";

export interface FuzzCounts {
  readonly runs: number;
  /** By what became of the run: "values", or the reason. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Conversations of known chips take below 100 steps; an `until` adds one for each look. */
const STEPS_MAX = 10_000;

/** Throws Error with the seed of the run that went wrong. The same seed gives the same runs. */
export function fuzzI2cAnswers(types: readonly DeviceType[], runs: number, seed: number): FuzzCounts {
  const chips = types.filter(({ kind }) => kind === "i2c").map(chipOf);
  const outcomes: Record<string, number> = {};
  for (let run = 0; run < runs; run++) {
    const chip = chips[run % chips.length];
    if (!chip) throw new Error("no description speaks I2C");
    const outcome = oneRun(chip, createRandom(seed + run), `${chip.name}, seed ${seed + run}`);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return { runs, outcomes };
}

interface Chip {
  readonly name: string;
  readonly protocol: I2cProtocol;
  readonly channels: readonly string[];
  readonly settings: readonly Setting[];
  /** Written bytes and length of a read → bytes that an example showed. */
  readonly answers: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly crcs: ReadonlyMap<string, I2cCrcSpec>;
  readonly checks: ReadonlyMap<string, I2cCheckSpec>;
  /** Reads that end with a packet error check → the 7-bit address that it covers. */
  readonly pecs: ReadonlyMap<string, number>;
}

const keyOf = (write: Uint8Array, length: number): string => `${Buffer.from(write).toString("hex")}/${length}`;

function chipOf(type: DeviceType): Chip {
  const given = type.examples[0]?.given ?? new Map<string, number>();
  const spec = type.spec(given) as I2cSpec;
  const answers = new Map<string, Uint8Array[]>();
  for (const { shows } of type.examples) {
    for (const { write, read } of shows.kind === "transfers" ? shows.transfers : []) {
      const key = keyOf(write, read.length);
      answers.set(key, [...(answers.get(key) ?? []), read]);
    }
  }
  const steps: readonly I2cStepSpec[] = [...spec.setUp, ...spec.constants, ...spec.measure];
  const reads = steps.flatMap((step) => ((step.do === "read" || step.do === "until") && !step.filled ? [step] : []));
  const keyed = reads.map((step) => ({ ...step, key: keyOf(step.write, step.length) }));
  const crcs = new Map(keyed.flatMap(({ key, crc }) => (crc ? [[key, crc] as const] : [])));
  const checks = new Map(keyed.flatMap(({ key, check }) => (check ? [[key, check] as const] : [])));
  const pecs = new Map(keyed.flatMap(({ key, pec }) => (pec ? [[key, pec.address] as const] : [])));
  const channels = type.channels.map(({ name }) => name);
  return {
    name: type.name,
    protocol: type.protocol(given) as I2cProtocol,
    channels,
    settings: type.settings,
    answers,
    crcs,
    checks,
    pecs,
  };
}

function oneRun(chip: Chip, random: () => number, what: string): string {
  const broken = { crc: false };
  // In half of the runs a register keeps saying the same, so that what is waited for may never come.
  const kept = random() < 0.5 ? new Map<string, Uint8Array>() : undefined;
  const answer = (step: I2cStep): Uint8Array => {
    if (step.do === "wait" || step.readLength === 0) return new Uint8Array();
    const key = keyOf(step.write, step.readLength);
    const known = chip.answers.get(key) ?? [];
    const shown = known[Math.floor(random() * known.length)] ?? new Uint8Array(step.readLength);
    const bytes = kept?.get(key) ?? mutated(shown, random);
    kept?.set(key, bytes);
    const crc = chip.crcs.get(key);
    const check = chip.checks.get(key);
    if (crc && !isIntact(bytes, crc)) broken.crc = true;
    if (check && !isChecked(bytes, check)) broken.crc = true;
    const address = chip.pecs.get(key);
    if (address !== undefined && !hasPec(address, step.write, bytes)) broken.crc = true;
    return bytes;
  };
  try {
    const constants = drive(chip.protocol.prepare(), answer, what);
    const values = drive(chip.protocol.measure(constants), answer, what);
    if (broken.crc) throw new Error(`${what}: values came out of a wrong CRC`);
    requireNamed(chip, values, what);
    for (const { name, range } of chip.settings)
      drive(set(chip.protocol, name, range.low + random() * 1.2 * (range.high - range.low), constants), answer, what);
    return "values";
  } catch (error) {
    if (!(error instanceof I2cAnswerError)) throw error;
    return error.reason;
  }
}

/** Also values that don't fit. */
const set = (protocol: I2cProtocol, name: string, value: number, constants: I2cConstants): I2cConversation<unknown> => {
  if (!protocol.set) throw new Error(`set ${name}: the chip has no settings`);
  return protocol.set(name, value, constants);
};

function drive<T>(conversation: I2cConversation<T>, answer: (step: I2cStep) => Uint8Array, what: string): T {
  let state = conversation.next();
  for (let steps = 0; !state.done; steps++) {
    if (steps > STEPS_MAX) throw new Error(`${what}: the conversation doesn't end`);
    state = conversation.next(answer(state.value));
  }
  return state.value;
}

function requireNamed({ channels }: Chip, values: Values, what: string): void {
  for (const name of channels) {
    const value: DecodedValue | undefined = values.get(name);
    const isNamed = typeof value === "number" ? Number.isFinite(value) : value === "malformed" || value === "no-sensor";
    if (!isNamed) throw new Error(`${what}: ${name} is ${String(value)}`);
  }
}

/** Mostly one change, often none, sometimes noise from end to end. */
function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  const kind = Math.floor(random() * 12);
  const at = Math.floor(random() * bytes.length);
  const copy = bytes.slice();
  if (kind < 4) return copy;
  if (kind < 7) copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  else if (kind < 9) copy[at] = Math.floor(random() * 256);
  else if (kind === 9) copy.fill(random() < 0.5 ? 0xff : 0);
  else if (kind === 10) for (let i = 0; i < copy.length; i++) copy[i] = Math.floor(random() * 256);
  else return random() < 0.5 ? copy.slice(0, at) : Uint8Array.of(...copy, Math.floor(random() * 256));
  return copy;
}

/** CRC-8 of Sensirion and others, bit by bit: not the tables that are under test. */
const CRC8: Readonly<Record<string, { readonly polynomial: number; readonly init: number }>> = {
  "CRC-8/NRSC-5": { polynomial: 0x31, init: 0xff },
  "CRC-8/SMBUS": { polynomial: 0x07, init: 0 },
};

function isIntact(bytes: Uint8Array, { name, every }: I2cCrcSpec): boolean {
  const crc = CRC8[name];
  // A CRC that isn't known here proves nothing.
  if (!crc) return true;
  for (let at = 0; at < bytes.length; at += every + 1) {
    let register = crc.init;
    for (const byte of bytes.subarray(at, at + every)) {
      register ^= byte;
      for (let bit = 0; bit < 8; bit++) {
        register = register & 0x80 ? ((register << 1) ^ crc.polynomial) & 0xff : register << 1;
      }
    }
    if (bytes[at + every] !== register) return false;
  }
  return true;
}

/** CRC-16/MODBUS behind all others, low byte first, bit by bit. A check that isn't known here proves nothing. */
function isChecked(bytes: Uint8Array, { of, byteOrder }: I2cCheckSpec): boolean {
  if (of.kind !== "crc" || of.name !== "CRC-16/MODBUS" || byteOrder !== "little-endian") return true;
  let register = 0xffff;
  for (const byte of bytes.subarray(0, -2)) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit++) register = register & 1 ? (register >> 1) ^ 0xa001 : register >> 1;
  }
  return bytes.length > 2 && bytes.at(-2) === (register & 0xff) && bytes.at(-1) === register >> 8;
}

/** SMBus 2.0, 5.4, for a register that was written before: both address bytes count. */
const hasPec = (address: number, write: Uint8Array, read: Uint8Array): boolean =>
  isIntact(Uint8Array.of(address * 2, ...write, address * 2 + 1, ...read), {
    name: "CRC-8/SMBUS",
    every: 2 + write.length + read.length - 1,
  });

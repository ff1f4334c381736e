/**
 * Drives a device file of the catalogue against a chip that was written from its datasheet alone. Time passes only in
 * the waits of the description: a wait that is too short meets a chip that isn't ready.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadDeviceType } from "../load.ts";
import type { I2cConversation, Values } from "../model.ts";

/** One transfer: write, then read after a repeated start. undefined: not acknowledged. */
export interface ChipModel {
  transfer(write: Uint8Array, readLength: number, nowMs: number): Uint8Array | undefined;
}

export interface ChipBench {
  /** Identify, set up, read the constants, measure once: as the agent does it. Throws what the conversation throws. */
  read(chip: ChipModel): Values;
  /** Prepares once and measures twice: what the second time gives. */
  readTwice(chip: ChipModel, between: () => void): Values;
}

/** `type` names a file in sensors/; `given` its needs. Throws Error when the file has a problem. */
export function createChipBench(type: string, given: Readonly<Record<string, number>> = {}): ChipBench {
  const path = join(import.meta.dirname, `../sensors/${type}.yaml`);
  const loaded = loadDeviceType({ path, text: readFileSync(path, "utf8") }).type;
  const protocol = loaded?.protocol(new Map(Object.entries(given)));
  if (protocol?.kind !== "i2c") throw new Error(`load ${type}: no I2C protocol`);
  return {
    read: (chip) => {
      const time = { nowMs: 0 };
      return drive(protocol.measure(drive(protocol.prepare(), chip, time)), chip, time);
    },
    readTwice: (chip, between) => {
      const time = { nowMs: 0 };
      const constants = drive(protocol.prepare(), chip, time);
      drive(protocol.measure(constants), chip, time);
      between();
      return drive(protocol.measure(constants), chip, time);
    },
  };
}

function drive<T>(conversation: I2cConversation<T>, chip: ChipModel, time: { nowMs: number }): T {
  let state = conversation.next();
  while (!state.done) {
    const step = state.value;
    if (step.do === "wait") {
      time.nowMs += step.ms;
      state = conversation.next(new Uint8Array());
      continue;
    }
    const bytes = chip.transfer(step.write, step.readLength, time.nowMs);
    if (!bytes) throw new Error(`write ${Buffer.from(step.write).toString("hex")}: not acknowledged`);
    state = conversation.next(bytes);
  }
  return state.value;
}

export interface RegisterBehaviour {
  /** The pairs of Bosch chips: register, value, register, value; otherwise a register and its values one after another. */
  readonly writesInPairs?: boolean;
  read(register: number, nowMs: number): number;
  write(register: number, value: number, nowMs: number): void;
  /** Where a transfer begins and goes on, from the first byte written; default: from there, one by one. */
  address?(first: number): { readonly register: number; readonly step: 0 | 1 };
}

/** A chip with a file of 8-bit registers: the first byte written says where a transfer begins. */
export function createRegisterChip(behaviour: RegisterBehaviour): ChipModel {
  let pointer = 0;
  const place = behaviour.address ?? ((first: number) => ({ register: first, step: 1 as const }));
  return {
    transfer: (bytes, readLength, nowMs) => {
      pointer = bytes[0] ?? pointer;
      const { register, step } = place(pointer);
      if (behaviour.writesInPairs) {
        for (let at = 0; at + 1 < bytes.length; at += 2) behaviour.write(bytes[at] ?? 0, bytes[at + 1] ?? 0, nowMs);
      } else {
        for (let at = 1; at < bytes.length; at++) behaviour.write(register + step * (at - 1), bytes[at] ?? 0, nowMs);
      }
      return Uint8Array.from({ length: readLength }, (_, at) => behaviour.read((register + step * at) & 0xff, nowMs));
    },
  };
}

/** CRC-8 of Sensirion and Aosong: polynomial 31, begins with FF. */
export function crc8(bytes: readonly number[]): number {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x31) & 0xff : crc << 1;
  }
  return crc;
}

export const wordWithCrc = (word: number): number[] => [word >> 8, word & 0xff, crc8([word >> 8, word & 0xff])];

/** Check bytes of I2C: put behind what is written, judged in what was read and taken off. */
import { createChecksum } from "../checksum/checksum.ts";
import { I2cAnswerError } from "../model.ts";
import { hex } from "./hex.ts";
import type { I2cCheckSpec, I2cCrcSpec, I2cPecSpec } from "./i2c-spec.ts";
import { pecOfRead, withPec } from "./smbus-pec.ts";

interface Checks {
  readonly crc?: I2cCrcSpec;
  readonly check?: I2cCheckSpec;
  readonly pec?: I2cPecSpec;
}

/** What was read, without its check bytes. Throws I2cAnswerError "checksum". `write`: of the same transfer. */
export type CheckRemover = (bytes: Uint8Array, write: Uint8Array) => Uint8Array;

export function checkRemover({ crc, check, pec }: Checks): CheckRemover {
  const inside = crc ? crcRemover(crc) : check ? lastRemover(check) : (bytes: Uint8Array) => bytes;
  return pec === undefined ? inside : (bytes, write) => inside(pecRemoved(bytes, write, pec), write);
}

export function checkAdder({ crc, check, pec }: Checks): (bytes: Uint8Array) => Uint8Array {
  const inside = crc ? crcAdder(crc) : check ? lastAdder(check) : (bytes: Uint8Array) => bytes;
  return pec === undefined ? inside : (bytes) => withPec(inside(bytes), pec);
}

function pecRemoved(bytes: Uint8Array, write: Uint8Array, pec: I2cPecSpec): Uint8Array {
  const data = bytes.subarray(0, -1);
  if (bytes.length > 0 && bytes.at(-1) === pecOfRead(write, data, pec)) return data;
  throw new I2cAnswerError("checksum", `read ${hex(write)}: the packet error check is wrong in ${hex(bytes)}`);
}

/** The bytes of a check over `bytes`, as they travel. */
export function checkBytes({ of, byteOrder }: I2cCheckSpec, bytes: Uint8Array): Uint8Array {
  const checksum = createChecksum(of);
  const value = checksum.of(bytes);
  const low = Uint8Array.from({ length: checksum.bytes }, (_, i) => Math.floor(value / 256 ** i) % 256);
  return byteOrder === "little-endian" ? low : low.reverse();
}

function lastRemover(check: I2cCheckSpec): CheckRemover {
  const size = createChecksum(check.of).bytes;
  const name = check.of.kind === "crc" ? check.of.name : check.of.kind;
  return (bytes, write) => {
    const data = bytes.subarray(0, Math.max(0, bytes.length - size));
    const found = bytes.subarray(data.length);
    if (found.length === size && checkBytes(check, data).every((byte, i) => byte === found[i])) return data;
    throw new I2cAnswerError("checksum", `read ${hex(write)}: ${name} is wrong in ${hex(bytes)}`);
  };
}

const lastAdder =
  (check: I2cCheckSpec): ((bytes: Uint8Array) => Uint8Array) =>
  (bytes) =>
    Uint8Array.of(...bytes, ...checkBytes(check, bytes));

/** Checks the CRC byte after every `every` bytes, and takes it off. */
function crcRemover({ name, every }: I2cCrcSpec): CheckRemover {
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

/** Sensirion's way of arguments: a command word, then words of two bytes with a CRC byte each. */
function crcAdder({ name, every, from = 0 }: I2cCrcSpec): (bytes: Uint8Array) => Uint8Array {
  const checksum = createChecksum({ kind: "crc", name });
  return (bytes) => {
    const all = [...bytes.subarray(0, from)];
    for (let at = from; at < bytes.length; at += every) {
      const to = Math.min(at + every, bytes.length);
      all.push(...bytes.subarray(at, to), checksum.of(bytes, at, to));
    }
    return Uint8Array.from(all);
  };
}

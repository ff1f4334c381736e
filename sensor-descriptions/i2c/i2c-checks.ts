/** Check bytes of I2C: put behind what is written, judged in what was read and taken off. */
import { createChecksum } from "../checksum/checksum.ts";
import { I2cAnswerError } from "../model.ts";
import { hex } from "./hex.ts";
import type { I2cCrcSpec, I2cPecSpec } from "./i2c-spec.ts";
import { pecOfRead, withPec } from "./smbus-pec.ts";

interface Checks {
  readonly crc?: I2cCrcSpec;
  readonly pec?: I2cPecSpec;
}

/** What was read, without its check bytes. Throws I2cAnswerError "checksum". `write`: of the same transfer. */
export type CheckRemover = (bytes: Uint8Array, write: Uint8Array) => Uint8Array;

export function checkRemover({ crc, pec }: Checks): CheckRemover {
  const inside = crc === undefined ? (bytes: Uint8Array) => bytes : crcRemover(crc);
  return pec === undefined ? inside : (bytes, write) => inside(pecRemoved(bytes, write, pec), write);
}

export function checkAdder({ crc, pec }: Checks): (bytes: Uint8Array) => Uint8Array {
  const inside = crc === undefined ? (bytes: Uint8Array) => bytes : crcAdder(crc);
  return pec === undefined ? inside : (bytes) => withPec(inside(bytes), pec);
}

function pecRemoved(bytes: Uint8Array, write: Uint8Array, pec: I2cPecSpec): Uint8Array {
  const data = bytes.subarray(0, -1);
  if (bytes.length > 0 && bytes.at(-1) === pecOfRead(write, data, pec)) return data;
  throw new I2cAnswerError("checksum", `read ${hex(write)}: the packet error check is wrong in ${hex(bytes)}`);
}

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

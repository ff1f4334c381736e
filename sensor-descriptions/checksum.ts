/** Checks over bytes: CRCs by catalogue name, one table of 256 entries each, and the three simple sums. */
import { CRC_CATALOGUE, type CrcParameters } from "./crc-catalogue.ts";
import type { CheckSpec } from "./spec.ts";

export interface Checksum {
  /** How many bytes the check takes on the wire. */
  readonly bytes: 1 | 2 | 4;
  /** The check over `data[from…to)` as an unsigned number; the whole of `data` unless said. */
  of(data: Uint8Array, from?: number, to?: number): number;
}

/** Catalogue names of the known CRCs, in the catalogue's order. */
export const checksumNames: readonly string[] = [...CRC_CATALOGUE.keys()];

export const isChecksumName = (name: string): boolean => CRC_CATALOGUE.has(name);

/** Throws RangeError when the catalogue has no such CRC; ask `isChecksumName` first. */
export function createChecksum(spec: CheckSpec): Checksum {
  switch (spec.kind) {
    case "sum8":
      return { bytes: 1, of: (data, from = 0, to = data.length) => sum(data, from, to) & 0xff };
    // Modbus over Serial Line V1.02, 6.2.1: the two's complement of the sum, so that all bytes add up to 0.
    case "lrc8":
      return { bytes: 1, of: (data, from = 0, to = data.length) => -sum(data, from, to) & 0xff };
    case "xor8":
      return { bytes: 1, of: xor };
    case "crc":
      return crcNamed(spec.name);
  }
}

function sum(data: Uint8Array, from: number, to: number): number {
  let total = 0;
  for (let i = from; i < to; i++) total += data[i] as number;
  return total;
}

function xor(data: Uint8Array, from = 0, to = data.length): number {
  let folded = 0;
  for (let i = from; i < to; i++) folded ^= data[i] as number;
  return folded;
}

const CREATED = new Map<string, Checksum>();

/** Tables are shared by all devices of a station. */
function crcNamed(name: string): Checksum {
  const known = CREATED.get(name);
  if (known !== undefined) return known;
  const crc = CRC_CATALOGUE.get(name);
  if (crc === undefined) throw new RangeError(`checksum ${name}: not in the catalogue`);
  const created: Checksum = {
    bytes: crc.width === 8 ? 1 : crc.width === 16 ? 2 : 4,
    of: crc.reflected ? reflectedCrc(crc) : normalCrc(crc),
  };
  CREATED.set(name, created);
  return created;
}

/** Lowest bit first: the register's low byte meets the next byte. */
function reflectedCrc(crc: CrcParameters): Checksum["of"] {
  const polynomial = reflect(crc.polynomial, crc.width);
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let register = byte;
    for (let bit = 0; bit < 8; bit++) register = register & 1 ? (register >>> 1) ^ polynomial : register >>> 1;
    return register;
  });
  // The catalogue gives init for a register that isn't reflected.
  const init = reflect(crc.init, crc.width);
  const { xorOut } = crc;
  return (data, from = 0, to = data.length) => {
    let register = init;
    for (let i = from; i < to; i++) {
      register = (table[(register ^ (data[i] as number)) & 0xff] as number) ^ (register >>> 8);
    }
    return (register ^ xorOut) >>> 0;
  };
}

/** Highest bit first; the register stands in the upper bits of 32, so that one loop serves every width. */
function normalCrc(crc: CrcParameters): Checksum["of"] {
  const shift = 32 - crc.width;
  const polynomial = crc.polynomial << shift;
  const table = Int32Array.from({ length: 256 }, (_, byte) => {
    let register = byte << 24;
    for (let bit = 0; bit < 8; bit++) register = register < 0 ? (register << 1) ^ polynomial : register << 1;
    return register;
  });
  const init = crc.init << shift;
  const { xorOut } = crc;
  return (data, from = 0, to = data.length) => {
    let register = init;
    for (let i = from; i < to; i++) {
      register = (table[((register >>> 24) ^ (data[i] as number)) & 0xff] as number) ^ (register << 8);
    }
    return ((register >>> shift) ^ xorOut) >>> 0;
  };
}

function reflect(value: number, width: number): number {
  let reflected = 0;
  for (let bit = 0; bit < width; bit++) if ((value >>> bit) & 1) reflected |= 1 << (width - 1 - bit);
  return reflected >>> 0;
}

/**
 * Checks that add or fold bytes. Width in bits stands in the name; two running sums of a Fletcher check travel as one
 * number, the second sum in the upper half, except `ubx`, which sends the first one first.
 */
import type { Checksum } from "./checksum.ts";

export const SUM_NAMES = [
  "sum8", "sum16", "sum32", "ones8", "ones16", "lrc8", "twos16", "xor8", "xor16",
  "fletcher8", "fletcher16", "fletcher32", "adler32", "ubx", "internet16",
] as const; // biome-ignore format: a table
export type SumName = (typeof SUM_NAMES)[number];

export const SUMS: Readonly<Record<SumName, Checksum>> = {
  sum8: { bytes: 1, of: (data, from = 0, to = data.length) => sum(data, from, to) & 0xff },
  sum16: { bytes: 2, of: (data, from = 0, to = data.length) => sum(data, from, to) & 0xffff },
  sum32: { bytes: 4, of: (data, from = 0, to = data.length) => sum(data, from, to) >>> 0 },
  /** The sum with all bits turned. */
  ones8: { bytes: 1, of: (data, from = 0, to = data.length) => ~sum(data, from, to) & 0xff },
  ones16: { bytes: 2, of: (data, from = 0, to = data.length) => ~sum(data, from, to) & 0xffff },
  /** Modbus over Serial Line V1.02, 6.2.1: the two's complement of the sum, so that all bytes add up to 0. */
  lrc8: { bytes: 1, of: (data, from = 0, to = data.length) => -sum(data, from, to) & 0xff },
  twos16: { bytes: 2, of: (data, from = 0, to = data.length) => -sum(data, from, to) & 0xffff },
  xor8: { bytes: 1, of: xor8 },
  xor16: { bytes: 2, of: xor16 },
  fletcher8: { bytes: 1, of: fletcher8 },
  fletcher16: { bytes: 2, of: fletcher16 },
  fletcher32: { bytes: 4, of: fletcher32 },
  adler32: { bytes: 4, of: adler32 },
  ubx: { bytes: 2, of: ubx },
  internet16: { bytes: 2, of: internet16 },
};

function sum(data: Uint8Array, from: number, to: number): number {
  let total = 0;
  for (let i = from; i < to; i++) total += data[i] as number;
  return total;
}

function xor8(data: Uint8Array, from = 0, to = data.length): number {
  let folded = 0;
  for (let i = from; i < to; i++) folded ^= data[i] as number;
  return folded;
}

/** Words of two bytes, the upper one first; a last single byte is an upper one. */
const wordAt = (data: Uint8Array, at: number, to: number): number =>
  ((data[at] as number) << 8) | (at + 1 < to ? (data[at + 1] as number) : 0);

function xor16(data: Uint8Array, from = 0, to = data.length): number {
  let folded = 0;
  for (let i = from; i < to; i += 2) folded ^= wordAt(data, i, to);
  return folded;
}

/** Fletcher 1982 over half bytes, the upper one first, modulo 15. */
function fletcher8(data: Uint8Array, from = 0, to = data.length): number {
  let [first, second] = [0, 0];
  for (let i = from; i < to; i++) {
    const byte = data[i] as number;
    first = (first + (byte >> 4)) % 15;
    second = (second + first) % 15;
    first = (first + (byte & 15)) % 15;
    second = (second + first) % 15;
  }
  return (second << 4) | first;
}

function fletcher16(data: Uint8Array, from = 0, to = data.length): number {
  let [first, second] = [0, 0];
  for (let i = from; i < to; i++) {
    first = (first + (data[i] as number)) % 255;
    second = (second + first) % 255;
  }
  return (second << 8) | first;
}

/** Over words of two bytes, the lower one first, modulo 65535; a last single byte is a lower one. */
function fletcher32(data: Uint8Array, from = 0, to = data.length): number {
  let [first, second] = [0, 0];
  for (let i = from; i < to; i += 2) {
    const word = (data[i] as number) | (i + 1 < to ? (data[i + 1] as number) << 8 : 0);
    first = (first + word) % 65_535;
    second = (second + first) % 65_535;
  }
  return second * 65_536 + first;
}

/** RFC 1950, 8.2. */
function adler32(data: Uint8Array, from = 0, to = data.length): number {
  let [first, second] = [1, 0];
  for (let i = from; i < to; i++) {
    first = (first + (data[i] as number)) % 65_521;
    second = (second + first) % 65_521;
  }
  return second * 65_536 + first;
}

/** u-blox protocol specification, "UBX checksum": RFC 1145's sums modulo 256, CK_A before CK_B. */
function ubx(data: Uint8Array, from = 0, to = data.length): number {
  let [first, second] = [0, 0];
  for (let i = from; i < to; i++) {
    first = (first + (data[i] as number)) & 0xff;
    second = (second + first) & 0xff;
  }
  return (first << 8) | second;
}

/** RFC 1071: the one's complement of the one's complement sum of words. */
function internet16(data: Uint8Array, from = 0, to = data.length): number {
  let total = 0;
  for (let i = from; i < to; i += 2) total += wordAt(data, i, to);
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 65_536);
  return ~total & 0xffff;
}

/**
 * How a block describes its codes (RFC 1951 section 3.2.7): 5 bits literal lengths - 257, 5 bits distance lengths - 1,
 * 4 bits code length codes - 4; 3 bits each of those; then all lengths, in that code, where 16 says the last one 3…6 times
 * more (2 bits), 17 zero 3…10 times (3 bits), 18 zero 11…138 times (7 bits).
 */
import type { BitWriter } from "./bit-writer.ts";
import { codeLengths, codesFrom } from "./huffman.ts";

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const SYMBOLS = 19;
const CODE_LENGTH_MAX = 7;
const SAME = 16;
const ZEROS = 17;
const MANY_ZEROS = 18;
const EXTRA = Uint8Array.from({ length: SYMBOLS }, (_, symbol) => [2, 3, 7][symbol - SAME] ?? 0);
const LITERALS_MIN = 257;
const SAME_MAX = 6;
const ZEROS_MAX = 10;
const MANY_ZEROS_MAX = 138;

export interface CodeLengthsHead {
  readonly literalCount: number;
  readonly distanceCount: number;
  /** symbol + 32 · extra bits */
  readonly items: readonly number[];
  readonly lengths: Uint8Array;
  readonly bits: number;
}

/** The shorter of the two ways: repeats of a length said as such, or each on its own. */
export function headFrom(literals: Uint8Array, distances: Uint8Array): CodeLengthsHead {
  const literalCount = usedOf(literals, LITERALS_MIN);
  const distanceCount = usedOf(distances, 1);
  const all = new Uint8Array(literalCount + distanceCount);
  all.set(literals.subarray(0, literalCount));
  all.set(distances.subarray(0, distanceCount), literalCount);
  const headWith = (items: readonly number[]) => ({ literalCount, distanceCount, items, ...codeOf(items) });
  const repeated = headWith(itemsFrom(all, true));
  const single = headWith(itemsFrom(all, false));
  return repeated.bits <= single.bits ? repeated : single;
}

function usedOf(lengths: Uint8Array, least: number): number {
  let count = lengths.length;
  while (count > least && lengths[count - 1] === 0) count--;
  return count;
}

function itemsFrom(all: Uint8Array, isRepeated: boolean): number[] {
  const items: number[] = [];
  for (let at = 0; at < all.length; ) {
    const length = all[at] ?? 0;
    let run = 1;
    while (all[at + run] === length) run++;
    at += run;
    if (length === 0) run = pushZeros(items, run);
    else if (isRepeated) run = pushRepeats(items, length, run);
    for (; run > 0; run--) items.push(length);
  }
  return items;
}

/** What is left of the run. */
function pushZeros(items: number[], run: number): number {
  let left = run;
  while (left > ZEROS_MAX) {
    const count = Math.min(MANY_ZEROS_MAX, left);
    items.push(MANY_ZEROS + 32 * (count - ZEROS_MAX - 1));
    left -= count;
  }
  if (left >= 3) {
    items.push(ZEROS + 32 * (left - 3));
    left = 0;
  }
  return left;
}

function pushRepeats(items: number[], length: number, run: number): number {
  items.push(length);
  let left = run - 1;
  while (left >= 3) {
    const count = Math.min(SAME_MAX, left);
    items.push(SAME + 32 * (count - 3));
    left -= count;
  }
  return left;
}

function codeOf(items: readonly number[]): { lengths: Uint8Array; bits: number } {
  const frequencies = new Int32Array(SYMBOLS);
  for (const item of items) frequencies[item & 31] = (frequencies[item & 31] ?? 0) + 1;
  const lengths = codeLengths(frequencies, CODE_LENGTH_MAX);
  let bits = 14 + 3 * orderedCount(lengths);
  frequencies.forEach((frequency, symbol) => {
    bits += frequency * ((lengths[symbol] ?? 0) + (EXTRA[symbol] ?? 0));
  });
  return { lengths, bits };
}

function orderedCount(lengths: Uint8Array): number {
  let count = SYMBOLS;
  while (count > 4 && lengths[ORDER[count - 1] ?? 0] === 0) count--;
  return count;
}

export function writeHead(writer: BitWriter, { literalCount, distanceCount, items, lengths }: CodeLengthsHead): void {
  const count = orderedCount(lengths);
  writer.bits(literalCount - LITERALS_MIN, 5);
  writer.bits(distanceCount - 1, 5);
  writer.bits(count - 4, 4);
  for (const symbol of ORDER.slice(0, count)) writer.bits(lengths[symbol] ?? 0, 3);
  const codes = codesFrom(lengths);
  for (const item of items) {
    const symbol = item & 31;
    writer.bits(codes[symbol] ?? 0, lengths[symbol] ?? 0);
    writer.bits(item >> 5, EXTRA[symbol] ?? 0);
  }
}

/**
 * How likely a bit is, learnt from the bits before it in the same situation (a slot). Every batch begins anew.
 *
 *   slot      ones (how likely a 1 is, of 65536) · 256 + count; 0 when nothing was coded in it yet
 *   fresh     ones = what the caller expects, count = 10 (as if so many bits had shown it)
 *             for coin bits: ones = 32768, count = 0
 *   learn     rate = floor(327680 / (10 · count + 16))
 *             1: ones += floor((65536 - ones) · rate / 2^15)    0: ones -= floor(ones · rate / 2^15)
 *             count += 1 up to 250
 *   two slots floor((ones of the one + ones of the other) / 2); both learn
 */
import type { BitCoder } from "./range-coder.ts";
import { ONES_SCALE } from "./range-coder.ts";

export type Slots = Int32Array;
export const createSlots = (count: number): Slots => new Int32Array(count);

const COUNT_MAX = 250;
const EXPECTED_COUNT = 10;
const RATES = Int32Array.from({ length: COUNT_MAX + 1 }, (_, count) => Math.floor(327_680 / (10 * count + 16)));
const COIN = (ONES_SCALE / 2) << 8;

/** A bit in one slot that nothing is expected of. */
export function codeCoin(coder: BitCoder, slots: Slots, at: number, bit: number): number {
  const slot = slots[at] || COIN;
  const coded = coder.bit(slot >>> 8, bit);
  slots[at] = learnt(slot, coded);
  return coded;
}

/** A slot that nothing was coded in, of which `expected` ones of 65536 are expected. */
export const freshSlot = (expected: number): number => (expected << 8) | EXPECTED_COUNT;

/** A bit in two slots; `fresh` is the one's where nothing was coded in it yet, the other is never 0. */
export function codeBit(
  coder: BitCoder,
  one: Slots,
  oneAt: number,
  fresh: number,
  other: Slots,
  otherAt: number,
  bit: number,
): number {
  const first = one[oneAt] || fresh;
  const second = other[otherAt] ?? 0;
  const coded = coder.bit(((first >>> 8) + (second >>> 8)) >>> 1, bit);
  one[oneAt] = learnt(first, coded);
  other[otherAt] = learnt(second, coded);
  return coded;
}

function learnt(slot: number, bit: number): number {
  const count = slot & 0xff;
  const ones = slot >>> 8;
  const rate = RATES[count] ?? 0;
  const next = bit === 1 ? ones + (Math.imul(ONES_SCALE - ones, rate) >>> 15) : ones - (Math.imul(ones, rate) >>> 15);
  return (next << 8) | (count < COUNT_MAX ? count + 1 : count);
}

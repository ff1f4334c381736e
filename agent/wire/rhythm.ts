/**
 * Ranks that follow a pattern, like a time that is rounded to seconds (10, 11, 9, 10, 11, 9 …): each is guessed from what
 * followed the last time that the three before it were the same. Slots and what is known are renewed for each column.
 *
 *   begin     s[0] is known; nothing is known of any three
 *   each s[i] before = (s[i - 1], s[i - 2], s[i - 3]), s[0] for those before it
 *             guess = what followed the same three last, s[i - 1] when nothing did
 *             coin slot 4 when nothing did, else slot trust(before) "as guessed"; if not: five coins of the rank's bits from
 *             the top, slots 32 + prefix, prefix = 1, then 2 · prefix + bit
 *   learn     what followed them = s[i]; trust(before): as guessed: + 1, up to 3; else, or when nothing was known: 0
 */
import { codeCoin, createSlots } from "./adaptive-bits.ts";
import type { BitCoder } from "./range-coder.ts";

const RANK_BITS = 5;
const RANKS = 1 << RANK_BITS;
const UNKNOWN_SLOT = 4;
const BITS_SLOT = 32;
const TRUST_MAX = 3;

/** What followed, · 4 + trust. */
type Known = Map<number, number>;

/** ranks[0] is known; the others are written, or read into it. */
export function codeRhythm(coder: BitCoder, ranks: Float64Array): void {
  const slots = createSlots(BITS_SLOT + RANKS);
  const known: Known = new Map();
  for (let at = 1; at < ranks.length; at++) {
    const before = beforeAt(ranks, at);
    const followed = known.get(before);
    const guess = followed === undefined ? (ranks[at - 1] ?? 0) : followed >> 2;
    const slot = followed === undefined ? UNKNOWN_SLOT : followed & TRUST_MAX;
    const asGuessed = codeCoin(coder, slots, slot, ranks[at] === guess ? 1 : 0) === 1;
    const rank = asGuessed ? guess : codeRank(coder, slots, ranks[at] ?? 0);
    ranks[at] = rank;
    const trust = asGuessed && followed !== undefined ? Math.min(TRUST_MAX, slot + 1) : 0;
    known.set(before, rank * 4 + trust);
  }
}

/** Scratch of isForeseen: what followed each three ranks, + 1; 0 for nothing. */
const FOLLOWED = new Uint8Array(RANKS ** 3);

/** Are the changes more than `times` as many as the ranks that are not as guessed? */
export function isForeseen(ranks: Float64Array, times: number): boolean {
  let changes = 0;
  for (let at = 1; at < ranks.length; at++) if (ranks[at] !== ranks[at - 1]) changes++;
  FOLLOWED.fill(0);
  let surprises = 0;
  for (let at = 1; at < ranks.length && times * surprises < changes; at++) {
    const before = beforeAt(ranks, at);
    const rank = ranks[at] ?? 0;
    const followed = FOLLOWED[before] ?? 0;
    if (rank !== (followed > 0 ? followed - 1 : ranks[at - 1])) surprises++;
    FOLLOWED[before] = rank + 1;
  }
  return times * surprises < changes;
}

const beforeAt = (ranks: Float64Array, at: number): number =>
  ((ranks[at - 1] ?? 0) * RANKS + (ranks[at < 2 ? 0 : at - 2] ?? 0)) * RANKS + (ranks[at < 3 ? 0 : at - 3] ?? 0);

function codeRank(coder: BitCoder, slots: Int32Array, rank: number): number {
  let prefix = 1;
  for (let left = RANK_BITS - 1; left >= 0; left--) {
    prefix = prefix * 2 + codeCoin(coder, slots, BITS_SLOT + prefix, (rank >> left) & 1);
  }
  return prefix - RANKS;
}

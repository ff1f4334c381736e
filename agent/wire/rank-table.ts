/**
 * The different values of a column that has few of them, far apart: an analogue input's grid, a code, a flag.
 *
 *   count - 2     5 raw bits, 0…30 for 2…32 values. 31: the ranks are in rhythm.ts' form, and 5 more raw bits follow
 *   lowest        signed (numbers.ts)
 *   each gap      to the next higher value: the first one unsigned, less 1. Then coin slot (0 when the one before was
 *                 "the same", else 1) "the same gap as before"; if not, coin slot 2 "the gap that came before that
 *                 one changed"; if not, unsigned, less 1. Before the first change that other gap is 1.
 */
import { codeCoin, type Slots } from "./adaptive-bits.ts";
import type { NumberCoder } from "./numbers.ts";
import type { BitCoder } from "./range-coder.ts";
import { isForeseen } from "./rhythm.ts";
import { WireError } from "./wire-error.ts";

export interface RankTable {
  /** ascending */
  readonly values: readonly number[];
  readonly ranks: Float64Array;
  readonly isRhythm: boolean;
}

const RANKS_MAX = 32;
const COUNT_BITS = 5;
/** A table pays where its values are seldom neighbours and each is seen some times. */
const SPREAD_MIN = 2;
const SEEN_MIN = 4;

/** Ranks that repeat a pattern pay where most of what changes is foreseen. */
const FORESEEN_MIN = 3;
const RHYTHM_COUNT = 31;

/** Undefined where a table wouldn't pay. */
export function rankTableFrom(column: Float64Array, step: number): RankTable | undefined {
  const values = distinctOf(column, Math.min(RANKS_MAX, column.length / SEEN_MIN));
  if (!values) return undefined;
  const span = (values.at(-1) ?? 0) - (values[0] ?? 0);
  if (span > Number.MAX_SAFE_INTEGER) return undefined;
  const ranks = ranksOf(column, values);
  const isRhythm = isForeseen(ranks, FORESEEN_MIN);
  if (!isRhythm && span / step <= SPREAD_MIN * values.length) return undefined;
  return { values, ranks, isRhythm };
}

/** Ascending; undefined when there are more than `countMax`. */
function distinctOf(column: Float64Array, countMax: number): readonly number[] | undefined {
  const distinct = new Set<number>();
  let last = Number.NaN;
  for (let at = 0; at < column.length; at++) {
    const value = column[at] ?? 0;
    if (value === last) continue;
    last = value;
    distinct.add(value);
    if (distinct.size > countMax) return undefined;
  }
  return [...distinct].sort((one, other) => one - other);
}

/** Each value's place among the ascending ones. */
function ranksOf(column: Float64Array, values: readonly number[]): Float64Array {
  const ranks = new Float64Array(column.length);
  let rank = 0;
  for (let at = 0; at < column.length; at++) {
    const value = column[at] ?? 0;
    // Neighbours in time are mostly neighbours in the table.
    while (rank > 0 && value < (values[rank] ?? 0)) rank--;
    while (rank < values.length - 1 && value > (values[rank] ?? 0)) rank++;
    ranks[at] = rank;
  }
  return ranks;
}

/** Writes the table, or reads one. Throws WireError. */
export function codeRanks(
  coder: BitCoder,
  numbers: NumberCoder,
  slots: Slots,
  table: RankTable | undefined,
): { values: number[]; isRhythm: boolean } {
  const given = table?.values ?? [];
  const countOf = () => coder.raw(COUNT_BITS, given.length - 2);
  const written = table?.isRhythm ? coder.raw(COUNT_BITS, RHYTHM_COUNT) : countOf();
  const isRhythm = written === RHYTHM_COUNT;
  const count = (isRhythm ? countOf() : written) + 2;
  const values = [numbers.signed(given[0] ?? 0)];
  const gapAt = (index: number): number => (given[index] ?? 0) - (given[index - 1] ?? 0);
  let gap = numbers.unsigned(gapAt(1) - 1) + 1;
  let other = 1;
  let wasSame = 1;
  for (let index = 1; index < count; index++) {
    if (index > 1) {
      const next = gapAt(index);
      wasSame = codeCoin(coder, slots, 1 - wasSame, next === gap ? 1 : 0);
      if (wasSame === 0) {
        const isOther = codeCoin(coder, slots, 2, next === other ? 1 : 0) === 1;
        [gap, other] = [isOther ? other : numbers.unsigned(next - 1) + 1, gap];
      }
    }
    const value = (values[index - 1] ?? 0) + gap;
    if (!Number.isSafeInteger(value)) throw new WireError("malformed", "decode body: a value beyond 2^53");
    values.push(value);
  }
  return { values, isRhythm };
}

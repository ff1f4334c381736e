/** Sets of sequences as sorted ranges that neither overlap nor touch. */
import type { Range } from "../wire/messages.ts";

export type Ranges = readonly Range[];

export function union(one: Ranges, other: Ranges): Ranges {
  const merged: Range[] = [];
  for (const range of [...one, ...other].sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before && range.first <= before.last + 1) {
      merged[merged.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
    } else merged.push(range);
  }
  return merged;
}

/** What is in `from` and not in `taken`. */
export function subtract(from: Ranges, taken: Ranges): Ranges {
  const left: Range[] = [];
  for (const { first, last } of from) {
    let next = first;
    for (const gone of taken) {
      if (gone.last < next) continue;
      if (gone.first > last) break;
      if (gone.first > next) left.push({ first: next, last: gone.first - 1 });
      next = gone.last + 1;
    }
    if (next <= last) left.push({ first: next, last });
  }
  return left;
}

export const intersect = (one: Ranges, other: Ranges): Ranges => subtract(one, subtract(one, other));

export const countIn = (ranges: Ranges): number => ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);

/** Of numbers that rise. */
export function rangesOf(numbers: readonly number[]): Range[] {
  const ranges: Range[] = [];
  for (const number of numbers) {
    const before = ranges.at(-1);
    if (before && number === before.last + 1) ranges[ranges.length - 1] = { first: before.first, last: number };
    else ranges.push({ first: number, last: number });
  }
  return ranges;
}

/** 1…last, empty for 0. */
export const upTo = (last: number): Ranges => (last > 0 ? [{ first: 1, last }] : []);

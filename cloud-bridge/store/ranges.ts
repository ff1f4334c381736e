/** Sets of sequences as sorted, disjoint, non-adjacent ranges with both ends included. Pure. */
import type { Range } from "@pump-station/agent/wire/messages.ts";

export type Ranges = readonly Range[];

/** The set with `added` in it. */
export function withRange(ranges: Ranges, added: Range): Ranges {
  const last = ranges.at(-1);
  if (!last || added.first > last.last + 1) return [...ranges, added];
  const before = ranges.filter((range) => range.last + 1 < added.first);
  const after = ranges.filter((range) => range.first > added.last + 1);
  let { first, last: end } = added;
  for (const range of ranges.slice(before.length, ranges.length - after.length)) {
    first = Math.min(first, range.first);
    end = Math.max(end, range.last);
  }
  return [...before, { first, last: end }, ...after];
}

/** The parts of `whole` that are not in the set. */
export function outside(whole: Range, ranges: Ranges): Ranges {
  const parts: Range[] = [];
  let next = whole.first;
  for (const range of ranges) {
    if (range.last < next) continue;
    if (range.first > whole.last) break;
    if (range.first > next) parts.push({ first: next, last: range.first - 1 });
    next = range.last + 1;
  }
  if (next <= whole.last) parts.push({ first: next, last: whole.last });
  return parts;
}

/** The parts of `whole` that are in the set. */
export const inside = (whole: Range, ranges: Ranges): Ranges =>
  ranges
    .filter((range) => range.last >= whole.first && range.first <= whole.last)
    .map((range) => ({ first: Math.max(range.first, whole.first), last: Math.min(range.last, whole.last) }));

/** What is neither stored nor dropped, from 1 to the closing count or the highest sequence seen. */
export function gapsOf(stored: Ranges, dropped: Ranges, closedAt: number | null): Ranges {
  const last = Math.max(stored.at(-1)?.last ?? 0, dropped.at(-1)?.last ?? 0, closedAt ?? 0);
  if (last < 1) return [];
  return outside({ first: 1, last }, stored).flatMap((gap) => outside(gap, dropped));
}

/** Kept in SQLite as [[first, last], …]. */
export const textFromRanges = (ranges: Ranges): string =>
  JSON.stringify(ranges.map((range) => [range.first, range.last]));

export const rangesFromText = (text: string): Ranges =>
  (JSON.parse(text) as [number, number][]).map(([first, last]) => ({ first, last }));

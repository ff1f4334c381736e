/** The ledger in one line: produced = stored + reported dropped + missing. Pure. */
import type { LedgerEntry } from "../api/contract.ts";
import { countOf, countText, type Manner } from "./format.ts";

export interface Hole {
  readonly stream: string;
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
}

export interface Completeness {
  readonly stored: number;
  readonly dropped: number;
  readonly missing: number;
  readonly holes: readonly Hole[];
}

type Ranges = LedgerEntry["gaps"];
const countIn = (ranges: Ranges): number => ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);

export function completenessOf(ledger: readonly LedgerEntry[]): Completeness {
  const total = (of: (entry: LedgerEntry) => Ranges): number =>
    ledger.reduce((sum, entry) => sum + countIn(of(entry)), 0);
  const holes = ledger.flatMap((entry) =>
    entry.gaps.map(([first, last]) => ({ stream: streamText(entry.stream), epoch: entry.epoch, first, last })),
  );
  return { stored: total((e) => e.stored), dropped: total((e) => e.dropped), missing: total((e) => e.gaps), holes };
}

/** Streams that no device can be called begin with "_": "_alarms" → "alarms". */
const streamText = (stream: string): string => stream.replace(/^_/, "");

export function completenessText(completeness: Completeness, manner: Manner = {}): string {
  const { stored, dropped, missing } = completeness;
  if (stored + dropped + missing === 0) return "Nothing has arrived yet.";
  const parts = [
    `${countText(stored, manner)} stored`,
    `${countText(dropped, manner)} reported dropped`,
    `${countText(missing, manner)} missing`,
  ].join(", ");
  return missing === 0
    ? `Every sample is accounted for: ${parts}.`
    : `${countOf(missing, "sample", manner)} not yet here: ${parts}.`;
}

export const holeText = (hole: Hole): string =>
  hole.first === hole.last
    ? `${hole.stream}, number ${hole.first}`
    : `${hole.stream}, numbers ${hole.first} to ${hole.last}`;

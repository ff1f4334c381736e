/**
 * Whether everything that was produced is accounted for: produced = stored once + reported as dropped + pending. Produced
 * is counted twice without asking the agent: by its committed rows as they were seen on disk before each kill, and by the
 * numbers that the boards gave. Pure.
 */
import { ALARM_STREAM, type StreamRanges } from "@pump-station/agent/wire/messages.ts";
import type { LedgerEntry } from "@pump-station/cloud-bridge/api/contract.ts";
import { isSame } from "../../run/equality.ts";
import { keyOf, type Promised } from "./promises.ts";
import { truthOf } from "./proven-station.ts";

export interface StoredRow {
  readonly epoch: string;
  readonly stream: string;
  readonly sequence: number;
  readonly values: readonly (number | string)[];
}

export interface Evidence {
  readonly promised: ReadonlyMap<string, Promised>;
  /** By the agent's file: not yet accepted by the cloud. */
  readonly isWaiting: (row: number, isAlarm: boolean) => boolean;
  /** As the bridge's API gives them, with every row that it has. */
  readonly stored: readonly StoredRow[];
  /** Alarms that the bridge's API lists; undefined: more than it lists. */
  readonly alarms: number | undefined;
  readonly ledger: readonly LedgerEntry[];
  /** The numbers that each board gave. */
  readonly given: readonly { readonly name: string; readonly first: number; readonly last: number }[];
  /** What the agent believes to be stored. */
  readonly receipts: readonly StreamRanges[];
  /** Samples that were sent a second time in another message. */
  readonly recut: readonly string[];
  readonly resolutions: readonly number[];
}

export interface Verdict {
  readonly produced: number;
  readonly readings: number;
  readonly stored: number;
  readonly dropped: number;
  readonly pending: number;
  readonly lost: number;
  readonly epochs: number;
  /** Numbers given by boards that no stored row has: in RAM at a kill, or an answer that nobody heard. */
  readonly neverCommitted: number;
  /** Empty: proven. Each with how often and the first of its kind. */
  readonly problems: readonly string[];
}

/** A process that starts may hear the answer to a dead one's question; after so many samples it has its own. */
const FIRST_SAMPLES = 3;

export function judge(evidence: Evidence): Verdict {
  const found = createFindings();
  const book = bookFrom(evidence.ledger);
  const stored = storedOnce(evidence, found);
  const counts = accountFor(evidence, book, stored, found);
  checkLedger(evidence, found);
  checkReceipts(evidence, book, found);
  const neverCommitted = checkNumbers(evidence, stored, found);
  for (const recut of evidence.recut) found.add("samples were sent again in another message", recut);
  const all = [...evidence.promised.values()];
  return {
    ...counts,
    produced: evidence.promised.size,
    readings: all.reduce((sum, { values }) => sum + (values?.length ?? 1), 0),
    epochs: new Set(all.map(({ epoch }) => epoch)).size,
    neverCommitted,
    problems: found.problems(),
  };
}

function createFindings() {
  const byKind = new Map<string, { count: number; first: string }>();
  return {
    add: (kind: string, what: string): void => {
      const known = byKind.get(kind);
      if (known) known.count += 1;
      else byKind.set(kind, { count: 1, first: what });
    },
    problems: (): string[] => [...byKind].map(([kind, { count, first }]) => `${count} ${kind}; the first: ${first}`),
  };
}
type Findings = ReturnType<typeof createFindings>;

interface Book {
  isStored(sample: Promised): boolean;
  isDropped(sample: Promised): boolean;
}

function bookFrom(ledger: readonly LedgerEntry[]): Book {
  const entries = new Map(ledger.map((entry) => [`${entry.epoch} ${entry.stream}`, entry]));
  const has = (kind: "stored" | "dropped") => (sample: Promised) =>
    entries
      .get(`${sample.epoch} ${sample.stream}`)
      ?.[kind].some(([first, last]) => first <= sample.sequence && sample.sequence <= last) ?? false;
  return { isStored: has("stored"), isDropped: has("dropped") };
}

function storedOnce({ stored }: Evidence, found: Findings): ReadonlyMap<string, StoredRow> {
  const rows = new Map<string, StoredRow>();
  for (const row of stored) {
    if (rows.has(keyOf(row))) found.add("samples are stored twice", keyOf(row));
    rows.set(keyOf(row), row);
  }
  return rows;
}

/** Of every committed sample: stored with its values, reported as dropped, pending, or lost. */
function accountFor(
  { promised, isWaiting, alarms, resolutions }: Evidence,
  book: Book,
  rows: ReadonlyMap<string, StoredRow>,
  found: Findings,
) {
  const counts = { stored: 0, dropped: 0, pending: 0, lost: 0 };
  let alarmsStored = 0;
  for (const [key, sample] of promised) {
    const isAlarm = sample.stream === ALARM_STREAM;
    const row = rows.get(key);
    if (book.isStored(sample) && (isAlarm || row)) {
      counts.stored += 1;
      if (isAlarm) alarmsStored += 1;
      const differs = sample.values?.some((value, at) => !isSame(row?.values[at], value, resolutions[at] ?? 1));
      if (differs) found.add("samples are stored with other values", `${key}: ${row?.values.join()}`);
    } else if (book.isDropped(sample)) {
      counts.dropped += 1;
      found.add("samples were dropped although there was room", key);
    } else if (isWaiting(sample.row, isAlarm)) counts.pending += 1;
    else {
      counts.lost += 1;
      found.add("samples are lost", `${key}, committed in row ${sample.row}`);
    }
  }
  if (alarms !== undefined && alarms !== alarmsStored)
    found.add("counts of alarms differ", `${alarms} listed, ${alarmsStored} in the ledger`);
  for (const key of rows.keys()) if (!promised.has(key)) found.add("samples are stored that were never committed", key);
  return counts;
}

/** No gap in any stream of any epoch, on the station's disk as in the cloud's book. */
function checkLedger({ promised, ledger }: Evidence, found: Findings): void {
  const counts = new Map<string, { last: number; count: number }>();
  for (const { epoch, stream, sequence } of promised.values()) {
    const known = counts.get(`${epoch} ${stream}`) ?? { last: 0, count: 0 };
    counts.set(`${epoch} ${stream}`, { last: Math.max(known.last, sequence), count: known.count + 1 });
  }
  for (const [name, { last, count }] of counts) {
    if (last !== count) found.add("streams were committed with gaps", `${name}: ${count} of 1…${last}`);
  }
  for (const { epoch, stream, gaps, closedAt } of ledger) {
    const name = `${epoch} ${stream}`;
    if (gaps.length > 0) found.add("streams have gaps in the cloud", `${name}: ${JSON.stringify(gaps)}`);
    const last = counts.get(name)?.last ?? 0;
    if (closedAt !== null && closedAt !== last) {
      found.add("epochs were closed with a wrong count", `${name}: ${closedAt}, committed were ${last}`);
    }
  }
}

/** A receipt promises that the station's copy may go. */
function checkReceipts({ receipts, promised }: Evidence, book: Book, found: Findings): void {
  for (const { epoch, stream, ranges } of receipts) {
    for (const { first, last } of ranges) {
      for (let sequence = first; sequence <= last; sequence++) {
        const sample = promised.get(keyOf({ epoch, stream, sequence }));
        if (!sample || book.isStored(sample)) continue;
        found.add("samples count as stored on the station, and aren't in the cloud", keyOf(sample));
      }
    }
  }
}

/** Each number that a board gave is stored at most once, with what belongs to it, and within an epoch without a gap. */
function checkNumbers({ given }: Evidence, rows: ReadonlyMap<string, StoredRow>, found: Findings): number {
  const owner = new Map<number, string>();
  const before = new Map<string, { sequence: number; number: number }>();
  for (const row of [...rows.values()].sort((a, b) => a.sequence - b.sequence)) {
    const [number] = row.values;
    // A reason why there is no value: nothing was heard.
    if (typeof number !== "number") continue;
    const board = given.find(({ name }) => name === row.stream);
    if (!board || number < board.first || number > board.last) {
      found.add("values were stored that no board gave", `${keyOf(row)}: ${number}`);
    }
    const truth = truthOf(number);
    if (!row.values.every((value, at) => isSame(value, truth[at], 0.001))) {
      found.add("values are stored that belong to another answer", `${keyOf(row)}: ${row.values.join()}`);
    }
    const twice = owner.get(number);
    if (twice !== undefined) found.add("answers are stored twice", `${number} as ${twice} and as ${keyOf(row)}`);
    owner.set(number, keyOf(row));
    const name = `${row.epoch} ${row.stream}`;
    const last = before.get(name);
    before.set(name, { sequence: row.sequence, number });
    if (last && row.sequence > FIRST_SAMPLES && row.sequence - last.sequence !== number - last.number) {
      found.add("answers are missing in between", `${keyOf(row)}: ${number} follows ${last.number}`);
    }
  }
  return given.reduce((sum, { first, last }) => sum + last - first + 1, 0) - owner.size;
}

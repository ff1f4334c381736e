/**
 * Room for new rows in a file of fixed size. What leaves, in this order: rows that the cloud confirmed as stored; rows
 * that it accepted without confirming; rows that wait, averaged first if so configured (thin.ts), then the oldest,
 * alarms last; sealed messages as a whole. All but the first are reported as dropped.
 */
import { sealedSpans, unsealedRows } from "./backlog.ts";
import { ROW_COLUMNS } from "./epochs.ts";
import { type Row, rowFrom } from "./row.ts";
import { dropRows, isReceipted, laneOf, NONE_WAIT, rowsBetween, type Waiting, waitingIn, waitingWith } from "./rows.ts";
import { PAGE_BYTES, type Tables, wholeOf } from "./tables.ts";
import type { Thinner } from "./thin.ts";

/** Kept free for the book-keeping of evictions, receipts and messages themselves. */
const RESERVE_PAGES = 24;
/** Evicted at a time: enough that it is rare, few enough that it takes milliseconds. */
const EVICT_ROWS = 64;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export interface Evicted {
  /** Never accepted by the cloud. */
  readonly waiting: number;
  /** Of those: what averages have taken the place of. */
  readonly averaged?: number;
  /** Accepted, but never confirmed as stored. */
  readonly unreceipted: number;
  /** What waits no longer. */
  readonly left: Waiting;
}

/** Call inside a transaction. Undefined when nothing had to go. */
export function makeRoom(tables: Tables, bytes: number, thinner: Thinner | undefined): Evicted | undefined {
  const needed = Math.ceil(bytes / PAGE_BYTES) + RESERVE_PAGES;
  if (freePages(tables) >= needed) return undefined;
  let [waiting, averaged, unreceipted] = [0, 0, 0];
  let left = waitingWith(NONE_WAIT, NONE_WAIT);
  do {
    const evicted = evictSome(tables, thinner);
    if (!evicted) break;
    waiting += evicted.waiting;
    averaged += evicted.averaged ?? 0;
    unreceipted += evicted.unreceipted;
    left = waitingWith(left, evicted.left);
  } while (freePages(tables) < needed);
  return { waiting, averaged, unreceipted, left };
}

export const usedPages = (tables: Tables): number =>
  wholeOf(tables.get("PRAGMA page_count"), "page_count") -
  wholeOf(tables.get("PRAGMA freelist_count"), "freelist_count");

/** Flash that waiting readings can still take: what is free, and what the cloud has accepted. */
export function roomBytes(tables: Tables, waitingBytes: number): number {
  const held = (tables.pagesMax - RESERVE_PAGES) * PAGE_BYTES;
  return Math.max(0, held - Math.min(waitingBytes, usedPages(tables) * PAGE_BYTES));
}

const freePages = (tables: Tables): number => tables.pagesMax - usedPages(tables);

/** The least valuable rows go. Undefined when there are none. */
export function evictSome(tables: Tables, thinner: Thinner | undefined): Evicted | undefined {
  const accepted = acceptedRows(tables);
  const receipted = accepted.filter((row) => isReceipted(tables, row));
  if (receipted.length > 0) {
    dropRows(tables, receipted, "full");
    return { waiting: 0, unreceipted: 0, left: { ...NONE_WAIT } };
  }
  if (accepted.length > 0) {
    const unreceipted = dropRows(tables, accepted.slice(0, EVICT_ROWS), "unconfirmed");
    return { waiting: 0, unreceipted, left: { ...NONE_WAIT } };
  }
  const averaged = thinner?.thinOut();
  if (averaged) return { waiting: averaged.dropped, averaged: averaged.dropped, unreceipted: 0, left: averaged.left };
  for (const isAlarm of [false, true]) {
    const waiting = unsealedRows(tables, isAlarm, EVICT_ROWS);
    if (waiting.length > 0) {
      const left = waitingIn(tables, isAlarm, waiting);
      dropRows(tables, waiting, "full");
      return { waiting: samplesIn(waiting), unreceipted: 0, left };
    }
  }
  return evictSealed(tables);
}

/** Those that were in a message which is none any more. A backlog is stepped over, not read: it may be the whole file. */
function acceptedRows(tables: Tables): Row[] {
  const found: Row[] = [];
  for (const isAlarm of [false, true]) {
    for (const { first, last } of sealedSpans(tables, isAlarm)) {
      found.push(
        ...tables.all(isAlarm ? ACCEPTED_ALARMS : ACCEPTED_SAMPLES, first, last, ACCEPTED_AT_ONCE).map(rowFrom),
      );
      if (found.length >= ACCEPTED_AT_ONCE) break;
    }
  }
  return found.sort((one, other) => one.id - other.id).slice(0, ACCEPTED_AT_ONCE);
}
const ACCEPTED_AT_ONCE = EVICT_ROWS * 4;
const acceptedSql = (isAlarm: 0 | 1): string =>
  `SELECT ${ROW_COLUMNS} FROM rows AS r
   WHERE is_alarm = ${isAlarm} AND id >= ? AND id <= ?
     AND NOT EXISTS (SELECT 1 FROM sealed AS s WHERE s.first_row <= r.id AND r.id <= s.last_row
                     AND (s.kind = 'alarms') = ${isAlarm})
   ORDER BY id LIMIT ?`;
const ACCEPTED_SAMPLES = acceptedSql(0);
const ACCEPTED_ALARMS = acceptedSql(1);

/** A sealed message is never cut differently: it goes whole or stays. */
function evictSealed(tables: Tables): Evicted | undefined {
  const message = tables.get(
    "SELECT id, kind = 'alarms' AS is_alarm, lane, backlog, first_row, last_row, samples FROM sealed WHERE body IS NULL ORDER BY id LIMIT 1",
  );
  if (!message) return undefined;
  const isAlarm = wholeOf(message, "is_alarm") === 1;
  const rows = rowsBetween(tables, isAlarm, wholeOf(message, "first_row"), wholeOf(message, "last_row"), NO_LIMIT);
  dropRows(tables, rows, "full");
  tables.run("DELETE FROM sealed WHERE id = ?", wholeOf(message, "id"));
  const isBacklog = message["backlog"] === 1;
  if (message["lane"] !== laneOf(isAlarm) && !isBacklog) return { waiting: 0, unreceipted: 0, left: { ...NONE_WAIT } };
  const samples = wholeOf(message, "samples");
  const left = { ...NONE_WAIT, samples, ...(isBacklog && { backlogSamples: samples }) };
  return { waiting: samplesIn(rows), unreceipted: 0, left };
}

export const samplesIn = (rows: readonly Row[]): number => rows.reduce((sum, { samples }) => sum + samples, 0);

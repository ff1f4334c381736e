/**
 * What piled up while the cloud was away. Sent before what is measured now, a month of it would keep today's readings
 * waiting for hours; so all but the newest part is booked as a range of its own, which goes in the late lane, oldest
 * first, with the share that lane has. Those rows wait as before: the range is what still has to be sealed of them.
 *
 * It is kept with what the cloud wants again (wanted.ts), marked as never sent: an older release sends it all the same.
 */
import { BACKLOG_MESSAGES, LIVE_MESSAGES, MESSAGE_BYTES_TARGET } from "../limits.ts";
import type { Row } from "./row.ts";
import { cursorOf, rowsBetween } from "./rows.ts";
import type { Session } from "./session.ts";
import { type Columns, type Tables, textOf, wholeOf } from "./tables.ts";

/** Row ids, both ends included. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

const NO_LIMIT = Number.MAX_SAFE_INTEGER;
/** Rows that are looked at from the newest on: some thousand of a single reading fill the newest part. */
const LIVE_ROWS_MAX = 2_048;

export const spanFrom = (columns: Columns): Span => ({
  first: wholeOf(columns, "first_row"),
  last: wholeOf(columns, "last_row"),
});

/** Where rows lie that are in no message yet, oldest first: what piled up, and all after the cursor. */
export function unsealedSpans(tables: Tables, isAlarm: boolean): readonly [Span, ...Span[]] {
  const newest: Span = { first: cursorOf(tables, isAlarm) + 1, last: NO_LIMIT };
  const backlog = tables
    .all(
      "SELECT first_row, last_row FROM wanted WHERE backlog = 1 AND is_alarm = ? ORDER BY first_row",
      isAlarm ? 1 : 0,
    )
    .map(spanFrom);
  const [oldest, ...others] = backlog;
  return oldest ? [oldest, ...others, newest] : [newest];
}

/** Where rows lie that have been in a message, oldest first. */
export function sealedSpans(tables: Tables, isAlarm: boolean): Span[] {
  let first = 1;
  return unsealedSpans(tables, isAlarm).flatMap((span) => {
    const before = { first, last: span.first - 1 };
    first = span.last + 1;
    return before.first <= before.last ? [before] : [];
  });
}

export const isWithin = (spans: readonly Span[], row: number): boolean =>
  spans.some(({ first, last }) => first <= row && row <= last);

/** The oldest rows of one kind that are in no message yet, with first ≤ id ≤ last. */
export function unsealedRows(tables: Tables, isAlarm: boolean, limit: number, within?: Span): Row[] {
  const rows: Row[] = [];
  for (const { first, last } of unsealedSpans(tables, isAlarm)) {
    if (rows.length >= limit) break;
    const from = Math.max(first, within?.first ?? first);
    const to = Math.min(last, within?.last ?? last);
    if (from <= to) rows.push(...rowsBetween(tables, isAlarm, from, to, limit - rows.length));
  }
  return rows;
}

/**
 * Books what waits behind the newest part when it is more than a drain sends in passing. `ratio`: payload bytes per row
 * byte. Book and cursor change in one transaction: a row is on one side of it or on the other.
 */
export function bookBacklog({ tables, waiting }: Session, ratio: number): void {
  if (waiting.sampleBytes * ratio <= BACKLOG_MESSAGES * MESSAGE_BYTES_TARGET) return;
  const sealedTo = cursorOf(tables, false);
  const live = livePart(tables, sealedTo, (LIVE_MESSAGES * MESSAGE_BYTES_TARGET) / ratio);
  const last = live.first - 1;
  if (last <= sealedTo) return;
  tables.transaction(() => {
    tables.run(
      "INSERT INTO wanted (is_alarm, first_row, last_row, backlog) VALUES (0, ?, ?, 1)",
      ...[sealedTo + 1, last],
    );
    tables.run("UPDATE cursors SET sealed_to = ? WHERE is_alarm = 0", last);
  });
  waiting.backlogSamples += waiting.unsealedSamples - live.samples;
  waiting.backlogBytes += waiting.sampleBytes - live.bytes;
  waiting.unsealedSamples = live.samples;
  waiting.sampleBytes = live.bytes;
}

interface LivePart {
  /** Row id */
  readonly first: number;
  readonly samples: number;
  readonly bytes: number;
}

/** The newest rows, so many bytes of them at most, but one at least. */
function livePart(tables: Tables, sealedTo: number, bytesMax: number): LivePart {
  const newest = tables.all(
    "SELECT id, samples, length(body) AS bytes FROM rows WHERE is_alarm = 0 AND id > ? ORDER BY id DESC LIMIT ?",
    ...[sealedTo, LIVE_ROWS_MAX],
  );
  let live: LivePart = { first: NO_LIMIT, samples: 0, bytes: 0 };
  for (const columns of newest) {
    const bytes = live.bytes + wholeOf(columns, "bytes");
    if (bytes > bytesMax && live.samples > 0) break;
    live = { first: wholeOf(columns, "id"), samples: live.samples + wholeOf(columns, "samples"), bytes };
  }
  // Nothing is left of what was counted: there is nothing to book either.
  return live.samples > 0 ? live : { ...live, first: sealedTo + 1 };
}

/**
 * What a damaged file still has to send of its rows: up to where it has been sealed, and what piled up before. A message
 * that was sealed and not accepted is sealed anew, in the lane it had where nothing that piled up lies behind it.
 */
export function unsentIn(damaged: Tables, isAlarm: boolean): { readonly sealedTo: number; readonly backlog: Span[] } {
  const cursor = cursorOf(damaged, isAlarm);
  // An older release's file has no column for it.
  const ofBacklog = (columns: Columns): boolean => columns["backlog"] === 1;
  const booked = damaged.all("SELECT * FROM wanted WHERE is_alarm = ?", isAlarm ? 1 : 0).filter(ofBacklog);
  const sealed = damaged
    .all("SELECT * FROM sealed WHERE body IS NULL AND (kind = 'alarms') = ?", isAlarm ? 1 : 0)
    .filter((columns) => textOf(columns, "lane") !== "late" || ofBacklog(columns));
  const late = [...booked, ...sealed.filter(ofBacklog)].map(spanFrom);
  const lateTo = Math.max(0, ...late.map(({ last }) => last));
  const others = sealed.filter((columns) => !ofBacklog(columns)).map(spanFrom);
  const before = others.filter(({ first }) => first <= lateTo);
  const after = others.filter(({ first }) => first > lateTo);
  return {
    sealedTo: Math.min(cursor, ...after.map(({ first }) => first - 1)),
    backlog: [...late, ...before].sort((one, other) => one.first - other.first),
  };
}

/** Ranges that the cloud asks for again: found in the rows and queued for the late lane, or reported as gone. */
import type { StreamRanges } from "../wire/messages.ts";
import { ALARM_STREAM, type Range } from "../wire/messages.ts";
import { isWithin, unsealedSpans } from "./backlog.ts";
import { type Epoch, epochsOf } from "./epochs.ts";
import { drop, droppedOf, reportAgain, withdrawReceipt } from "./fates.ts";
import { intersect, type Ranges, subtract, union, upTo } from "./ranges.ts";
import { headsOf, type Row } from "./row.ts";
import { rowsBetween } from "./rows.ts";
import { lastsIn, type Session } from "./session.ts";
import { type Tables, wholeOf } from "./tables.ts";

/** Looked at for one wanted range; for what lies beyond, the cloud asks again. */
const ROWS_SEARCHED_MAX = 5_120;
const ROWS_AT_ONCE = 64;

export interface WantedRows {
  readonly id: number;
  readonly isAlarm: boolean;
  readonly firstRow: number;
  readonly lastRow: number;
  /** Nobody asked: these have never been sent (backlog.ts). */
  readonly isBacklog: boolean;
}

/** Of one message: each takes milliseconds to find, and nothing else runs meanwhile. The cloud asks again for the rest. */
const RANGES_AT_ONCE = 256;

/** Call inside a transaction. */
export function wantAgain(session: Session, wanted: readonly StreamRanges[]): void {
  const epochs = epochsOf(session.tables);
  let left = RANGES_AT_ONCE;
  for (const entry of wanted) {
    const ranges = entry.ranges.slice(0, left);
    if (ranges.length > 0) wantOfStream(session, epochs, { ...entry, ranges });
    left -= ranges.length;
  }
}

function wantOfStream(session: Session, epochs: readonly Epoch[], { epoch, stream, ranges }: StreamRanges): void {
  const { tables } = session;
  const at = epochs.findIndex((known) => known.epoch === epoch);
  const known = epochs[at];
  if (!known) {
    // Settled and forgotten here: whatever the cloud lacks of it will never come.
    drop(tables, epoch, stream, ranges, "full");
    return;
  }
  const last = lastsIn(session, known).get(stream) ?? 0;
  const wanted = intersect(ranges, upTo(last));
  withdrawReceipt(tables, epoch, stream, wanted);
  reportAgain(tables, epoch, stream, wanted);
  const lastRow = (epochs[at + 1]?.firstRow ?? Number.MAX_SAFE_INTEGER) - 1;
  for (const range of wanted) wantRange(tables, known, stream, range, lastRow);
}

function wantRange(tables: Tables, epoch: Epoch, stream: string, range: Range, lastRowOfEpoch: number): void {
  const isAlarm = stream === ALARM_STREAM;
  const rows = rowsFrom(tables, { epoch, stream, isAlarm, lastRowOfEpoch, sequence: range.first });
  const unsealed = unsealedSpans(tables, isAlarm);
  let held: Ranges = [];
  let searched = 0;
  for (const row of rows) {
    const own = rangeIn(row, stream);
    if (own && own.first > range.last) break;
    if (own) held = union(held, [own]);
    // What hasn't been sealed yet will come by itself.
    if (own && !isWithin(unsealed, row.id)) wantRow(tables, isAlarm, row.id);
    searched += 1;
  }
  const seen = searched < ROWS_SEARCHED_MAX ? range.last : (held.at(-1)?.last ?? range.first - 1);
  const gone = subtract([{ first: range.first, last: seen }], held);
  drop(tables, epoch.epoch, stream, subtract(gone, droppedOf(tables, epoch.epoch, stream)), "full");
}

/** Extends the newest entry when the row follows it, so that a lost message is wanted as one piece. */
function wantRow(tables: Tables, isAlarm: boolean, row: number): void {
  const kind = isAlarm ? 1 : 0;
  const within = "SELECT 1 FROM wanted WHERE is_alarm = ? AND first_row <= ? AND last_row >= ? LIMIT 1";
  if (tables.get(within, kind, row, row)) return;
  const newest = tables.get("SELECT id, is_alarm, last_row FROM wanted WHERE backlog = 0 ORDER BY id DESC LIMIT 1");
  const follows =
    newest &&
    wholeOf(newest, "is_alarm") === kind &&
    wholeOf(newest, "last_row") < row &&
    rowsBetween(tables, isAlarm, wholeOf(newest, "last_row") + 1, row - 1, 1).length === 0;
  if (follows) tables.run("UPDATE wanted SET last_row = ? WHERE id = ?", row, wholeOf(newest, "id"));
  else tables.run("INSERT INTO wanted (is_alarm, first_row, last_row) VALUES (?, ?, ?)", kind, row, row);
}

/** What the cloud asked for is little, and closes a gap: it goes before what piled up. */
export function nextWanted(tables: Tables): WantedRows | undefined {
  const columns =
    tables.get("SELECT * FROM wanted WHERE backlog = 0 ORDER BY id LIMIT 1") ??
    tables.get("SELECT * FROM wanted WHERE backlog = 1 ORDER BY first_row LIMIT 1");
  return (
    columns && {
      id: wholeOf(columns, "id"),
      isAlarm: wholeOf(columns, "is_alarm") === 1,
      firstRow: wholeOf(columns, "first_row"),
      lastRow: wholeOf(columns, "last_row"),
      isBacklog: wholeOf(columns, "backlog") === 1,
    }
  );
}

/** Rows up to `sealedTo` of that entry are in a message now. Call inside a transaction. */
export function shrinkWanted(tables: Tables, { id, lastRow }: WantedRows, sealedTo: number): void {
  if (sealedTo >= lastRow) tables.run("DELETE FROM wanted WHERE id = ?", id);
  else tables.run("UPDATE wanted SET first_row = ? WHERE id = ?", sealedTo + 1, id);
}

interface Search {
  readonly epoch: Epoch;
  readonly stream: string;
  readonly isAlarm: boolean;
  readonly lastRowOfEpoch: number;
  readonly sequence: number;
}

/** The rows of an epoch from the first on that ends at or after `sequence`; a few at a time, since bodies are large. */
function* rowsFrom(tables: Tables, search: Search): Generator<Row> {
  // A stream's sequences grow with the row ids, so the place is found by halving.
  let low = search.epoch.firstRow;
  let high = Math.min(search.lastRowOfEpoch, newestRow(tables) + 1);
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const found = firstWithStream(tables, search, middle, high);
    if (!found || found.last >= search.sequence) high = middle;
    else low = found.row.id + 1;
  }
  for (let searched = 0; searched < ROWS_SEARCHED_MAX; searched += ROWS_AT_ONCE) {
    const rows = rowsBetween(tables, search.isAlarm, low, search.lastRowOfEpoch, ROWS_AT_ONCE);
    yield* rows;
    const newest = rows.at(-1);
    if (!newest || rows.length < ROWS_AT_ONCE) return;
    low = newest.id + 1;
  }
}

function firstWithStream(
  tables: Tables,
  search: Search,
  from: number,
  to: number,
): { row: Row; last: number } | undefined {
  for (let id = from; ; ) {
    const [row] = rowsBetween(tables, search.isAlarm, id, to, 1);
    if (!row) return undefined;
    const own = rangeIn(row, search.stream);
    if (own) return { row, last: own.last };
    id = row.id + 1;
  }
}

function rangeIn(row: Row, stream: string): Range | undefined {
  const own = headsOf(row).heads.filter((head) => head.stream === stream);
  const [first] = own;
  const last = own.at(-1);
  return first && last && { first: first.sequence, last: last.sequence + last.samples - 1 };
}

const newestRow = (tables: Tables): number => wholeOf(tables.get("SELECT ifnull(max(id), 0) AS id FROM rows"), "id");

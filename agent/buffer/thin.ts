/**
 * Room by resolution: the older half of the readings that wait becomes averages of windows, so that a station that was
 * cut off for long still shows what it was like all the time. What an average takes the place of is booked as ranges,
 * like any other drop (average-rows.ts).
 *
 * The older half is gone through piece by piece, a piece each time that room is lacking, and rows and place change in one
 * transaction. When it has been gone through and room is lacking still, it begins again, with longer windows if what is
 * left are averages already; beyond the longest the oldest rows go.
 */
import { THIN_TO_TIMES } from "../limits.ts";
import { averageRows, windowsOf } from "./average-rows.ts";
import { type Span, unsealedRows, unsealedSpans } from "./backlog.ts";
import type { Dating } from "./dating.ts";
import { droppedOf, receiptedOf } from "./fates.ts";
import { createFolds, type Folds } from "./folds.ts";
import { headsOf, type Row } from "./row.ts";
import { rowsBetween, type Waiting, waitingIn, waitingWith } from "./rows.ts";
import type { Schemas } from "./schemas.ts";
import { forgetSent, sentBefore } from "./sent-before.ts";
import { type Tables, textOf, wholeOf } from "./tables.ts";

/** A pass is worth its work when it leaves no more than half of the rows. */
const WORTH = 2;
/**
 * The averages of a piece are a range of the cloud's books, which take 4,096 a stream and epoch; a pass over the largest
 * file adds some hundred. From this number on the oldest rows go.
 */
const RANGES_MAX = 2_000;
/** Looked at in one go: some 20 ms on a small board, and 60 pages that become free. */
const ROWS_AT_ONCE = 384;
/** Pieces that are averages already free nothing; each takes some milliseconds. After so many the oldest rows go. */
const LOOKS_MAX = 20;
/** Rows behind a piece that are looked at for what they say of the values in it. */
const FOLLOWING_ROWS = 16;

export interface Thinner {
  /** Of a stream whose description says how its windows are made. */
  readonly folds: Folds;
  /** Averages the next rows. Call inside a transaction. Undefined when the oldest rows have to go instead. */
  thinOut(): Thinned | undefined;
}

export interface Thinned {
  /** Samples */
  readonly dropped: number;
  /** What waits no longer. */
  readonly left: Waiting;
}

export interface ThinnerDeps {
  readonly tables: Tables;
  readonly schemas: Schemas;
  readonly dating: () => Pick<Dating, "datedAlike">;
}

/** One pass over the older half: rows up to `to` were averaged over `windowMs`; it ends at `end`. */
interface Pass {
  readonly to: number;
  readonly end: number;
  readonly windowMs: number;
}

/** `windowMs`: of the first averages. */
export function createThinner(deps: ThinnerDeps, windowMs: number): Thinner {
  const { tables } = deps;
  tables.run(`CREATE TABLE IF NOT EXISTS averaging (id INTEGER PRIMARY KEY CHECK (id = 1), averaged_to INTEGER NOT NULL,
                                                    pass_end INTEGER NOT NULL, window_ms INTEGER NOT NULL)`);
  forgetSent(tables);
  const folds = createFolds(tables);
  const thinOut = (): Thinned | undefined => {
    let pass = passOf(tables, windowMs);
    for (let look = 0; pass && look < LOOKS_MAX; look++) {
      const { rows, to, spanEnd } = nextPiece(deps, pass);
      const last = rows.at(-1)?.id ?? to;
      // Behind the span lie rows that the cloud has as they are: what comes after those doesn't go on from this piece.
      const behind = (): readonly Row[] => {
        const found = unsealedRows(tables, false, FOLLOWING_ROWS, { first: last + 1, last: spanEnd });
        const ofEpoch = upToFirst(found, ({ epochId }) => epochId !== rows[0]?.epochId);
        return upToFirst(ofEpoch, confirmedAmong(tables, ofEpoch));
      };
      const touched = rows.length > 0 ? [...rows, ...behind()] : [];
      const before = waitingIn(tables, false, touched);
      const dropped = averageRows({ ...deps, folds }, rows, pass.windowMs, () => touched.slice(rows.length));
      pass = to < pass.end ? { ...pass, to } : beginPass(tables, windowMs);
      if (pass) setPass(tables, pass);
      else tables.run("DELETE FROM averaging");
      if (dropped > 0) return { dropped, left: waitingWith(before, waitingNow(tables, touched), -1) };
    }
    return undefined;
  };
  return { folds, thinOut };
}

/** Of rows that were rewritten: some of their ids have gone. */
function waitingNow(tables: Tables, before: readonly Row[]): Waiting {
  const [first, last] = [before[0]?.id ?? 0, before.at(-1)?.id ?? 0];
  return waitingIn(tables, false, rowsBetween(tables, false, first, last, before.length));
}

interface Piece {
  readonly rows: readonly Row[];
  /** How far the pass is with them. */
  readonly to: number;
  /** The last row behind them that may be rewritten, too. */
  readonly spanEnd: number;
}

/**
 * Whole windows of rows that may be averaged together: of one epoch, and dated by one offset. What the cloud has
 * confirmed of them or may have otherwise isn't touched: it must not come again with another value.
 */
function nextPiece({ tables, dating }: ThinnerDeps, pass: Pass): Piece {
  const span = untouchedSpan(tables, pass.to);
  const spanEnd = span?.last ?? pass.end;
  const within = { first: Math.max(pass.to + 1, span?.first ?? 0), last: Math.min(pass.end, spanEnd) };
  const found = unsealedRows(tables, false, ROWS_AT_ONCE, within);
  const [first] = found;
  if (!first) return { rows: [], to: Math.max(pass.to, within.last), spanEnd };
  const ofEpoch = upToFirst(found, ({ epochId }) => epochId !== first.epochId);
  const bootId = textOf(tables.get("SELECT boot_id FROM epochs WHERE id = ?", first.epochId), "boot_id");
  const alike = dating().datedAlike(bootId, ofEpoch);
  const isConfirmed = confirmedAmong(tables, alike);
  if (isConfirmed(first))
    return { rows: [], to: upToFirst(alike, (row) => !isConfirmed(row)).at(-1)?.id ?? first.id, spanEnd };
  const rows = upToFirst(alike, isConfirmed);
  const windows = windowsOf(rows, pass.windowMs);
  // Where nothing but the number ends the piece, its last window goes on behind: it is left, unless there is no other.
  const isCut = rows.length === found.length;
  const whole = isCut && windows.length > 1 ? windows.slice(0, -1).flat() : rows;
  const isEnd = isCut && found.length < ROWS_AT_ONCE;
  const end = rows.length < alike.length ? (rows.at(-1)?.id ?? first.id) : spanEnd;
  return { rows: whole, to: isEnd ? within.last : (whole.at(-1)?.id ?? first.id), spanEnd: end };
}

/** The first rows behind `to` that were never in a message, as far as they follow each other. */
function untouchedSpan(tables: Tables, to: number): Span | undefined {
  const sent = sentBefore(tables);
  for (const span of unsealedSpans(tables, false)) {
    let first = Math.max(span.first, to + 1);
    for (const one of sent) if (one.first <= first && first <= one.last) first = one.last + 1;
    const next = sent.find((one) => one.first > first);
    const last = Math.min(span.last, (next?.first ?? Number.POSITIVE_INFINITY) - 1);
    if (first <= last) return { first, last };
  }
  return undefined;
}

function upToFirst<T>(list: readonly T[], is: (one: T) => boolean): readonly T[] {
  const end = list.findIndex(is);
  return end < 0 ? list : list.slice(0, end);
}

function confirmedAmong(tables: Tables, rows: readonly Row[]): (row: Row) => boolean {
  const known = new Map<string, readonly { readonly first: number; readonly last: number }[]>();
  const receipted = (epoch: string, stream: string) => {
    const ranges = known.get(stream) ?? receiptedOf(tables, epoch, stream);
    known.set(stream, ranges);
    return ranges;
  };
  const confirmed = new Set(
    rows.filter((row) => {
      const { epoch, heads } = headsOf(row);
      return heads.some(({ stream, sequence, samples }) =>
        receipted(epoch, stream).some(({ first, last }) => first < sequence + samples && last >= sequence),
      );
    }),
  );
  return (row) => confirmed.has(row);
}

/** What has been sent meanwhile needs no averaging. */
function passOf(tables: Tables, windowMs: number): Pass | undefined {
  const columns = tables.get("SELECT averaged_to, pass_end, window_ms FROM averaging");
  const sealedTo = unsealedSpans(tables, false)[0].first - 1;
  if (!columns || wholeOf(columns, "pass_end") <= sealedTo) return beginPass(tables, windowMs);
  const to = Math.max(wholeOf(columns, "averaged_to"), sealedTo);
  return { to, end: wholeOf(columns, "pass_end"), windowMs: wholeOf(columns, "window_ms") };
}

/** The half is counted in rows, not in time: however long the cloud was away, the newest are as they were taken. */
function beginPass(tables: Tables, firstWindowMs: number): Pass | undefined {
  const spans = unsealedSpans(tables, false).map((span) => ({ ...span, rows: rowsIn(tables, span) }));
  const half = Math.floor(spans.reduce((sum, { rows }) => sum + rows, 0) / 2);
  const held = spans.filter(({ rows }) => rows > 0);
  const oldest = held[0];
  if (half === 0 || !oldest) return undefined;
  const first = nthIn(tables, oldest, 0);
  let [end, left] = [first, half];
  for (const span of held) {
    end = nthIn(tables, span, Math.min(left, span.rows - 1));
    left -= span.rows;
    if (left < 0) break;
  }
  const windowMs = THIN_TO_TIMES.map((times) => times * firstWindowMs).find(
    (longer) => windowsIn(tables, first, end, longer) * WORTH <= half,
  );
  const ends = [first, end].flatMap((id) => rowsBetween(tables, false, id, id, 1));
  if (windowMs === undefined || ends.some((row) => isFragmented(tables, row))) return undefined;
  return { to: first - 1, end, windowMs };
}

const windowsIn = (tables: Tables, first: number, last: number, windowMs: number): number =>
  wholeOf(
    tables.get(
      `SELECT count(*) AS n FROM (SELECT DISTINCT epoch_id, boot_ms / CAST(? AS INTEGER) FROM rows WHERE is_alarm = 0 AND id >= ? AND id <= ?)`,
      ...[windowMs, first, last],
    ),
    "n",
  );

const rowsIn = (tables: Tables, { first, last }: Span): number =>
  wholeOf(tables.get("SELECT count(*) AS n FROM rows WHERE is_alarm = 0 AND id >= ? AND id <= ?", first, last), "n");

const nthIn = (tables: Tables, { first, last }: Span, index: number): number =>
  wholeOf(
    tables.get(
      "SELECT id FROM rows WHERE is_alarm = 0 AND id >= ? AND id <= ? ORDER BY id LIMIT 1 OFFSET ?",
      ...[first, last, index],
    ),
    "id",
  );

function setPass(tables: Tables, { to, end, windowMs }: Pass): void {
  tables.run(
    "INSERT OR REPLACE INTO averaging (id, averaged_to, pass_end, window_ms) VALUES (1, ?, ?, ?)",
    ...[to, end, windowMs],
  );
}

/** Whether the book of a device in this row has become too long for another range in it. */
const isFragmented = (tables: Tables, row: Row): boolean => {
  const { epoch, heads } = headsOf(row);
  return heads.some(({ stream }) => droppedOf(tables, epoch, stream).length > RANGES_MAX);
};

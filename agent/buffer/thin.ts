/**
 * Room by resolution: of the older half of the readings that wait, most rows go, so that a station that was cut off for
 * long still shows what it was like all the time. Rows are deleted whole and never rewritten: what is left is what was
 * measured, with its own sequence and time, and what is gone is booked as ranges like any other drop.
 *
 * Which rows stay is told by their ids alone (`stays`): runs of them, spread evenly, also over the rows of a device that
 * is asked seldom, and the coarser choice is part of the finer one. When the older half has been gone through and room is
 * lacking still, it begins again, coarser if what is left is coarse already; beyond the coarsest the oldest rows go.
 */
import { type Span, unsealedRows, unsealedSpans } from "./backlog.ts";
import { droppedOf } from "./fates.ts";
import { headsOf, type Row } from "./row.ts";
import { dropRows, rowsBetween } from "./rows.ts";
import { type Tables, wholeOf } from "./tables.ts";

/** A sample every 10 s becomes one a minute, one in 6 min, one in 36 min. */
const EVERY = [6, 36, 216] as const;
/** A pass is worth its work when it leaves no more than half of the rows. */
const WORTH = 2;
/**
 * Each run that stays is a range of the cloud's books, which take 4,096 a stream and epoch: so runs are as long as keeps
 * them below 1,000 or so for the whole file, and from this number on the oldest rows go.
 */
const RANGES_MAX = 2_000;
const PAGES_PER_ROW_OF_RUN = 3_000;
/** Looked at in one go; five of six of them free some 60 pages. */
const ROWS_AT_ONCE = 384;

/** Pieces that are coarse already free nothing; each takes some milliseconds. After so many the oldest rows go. */
const LOOKS_MAX = 20;

/** One pass over the older half: rows up to `to` were thinned to one of `every`; it ends at `end`. */
interface Pass {
  readonly to: number;
  readonly end: number;
  readonly every: number;
}

/**
 * Thins out the next rows. Call inside a transaction. Returns how many samples were dropped; undefined when the oldest
 * rows have to go instead.
 */
export function thinOut(tables: Tables): number | undefined {
  const run = Math.max(1, Math.round(tables.pagesMax / PAGES_PER_ROW_OF_RUN));
  let pass = passOf(tables);
  for (let look = 0; pass && look < LOOKS_MAX; look++) {
    const rows = unsealedRows(tables, false, ROWS_AT_ONCE, { first: pass.to + 1, last: pass.end });
    const newest = rows.at(-1);
    const gone = rows.filter((row) => !stays(row, pass?.every ?? 1, run));
    pass = newest ? { ...pass, to: newest.id } : beginPass(tables);
    if (pass) setPass(tables, pass);
    if (gone.length > 0) return dropRows(tables, gone, "full");
  }
  return undefined;
}

/** What has been sent meanwhile needs no thinning. */
function passOf(tables: Tables): Pass | undefined {
  const columns = tables.get("SELECT thinned_to, pass_end, every FROM thinning");
  const sealedTo = unsealedSpans(tables, false)[0].first - 1;
  if (!columns || wholeOf(columns, "pass_end") <= sealedTo) return beginPass(tables);
  const to = Math.max(wholeOf(columns, "thinned_to"), sealedTo);
  return { to, end: wholeOf(columns, "pass_end"), every: wholeOf(columns, "every") };
}

/**
 * The half is counted in rows, not in time: however long the cloud was away, the newest are as they were taken. Row ids
 * are given without a gap, so that their density tells how coarse the half is already.
 */
function beginPass(tables: Tables): Pass | undefined {
  const spans = unsealedSpans(tables, false).map((span) => ({ ...span, rows: rowsIn(tables, span) }));
  const half = Math.floor(spans.reduce((sum, { rows }) => sum + rows, 0) / 2);
  const held = spans.filter(({ rows }) => rows > 0);
  const oldest = held[0];
  if (half === 0 || !oldest) return undefined;
  const to = oldest.first - 1;
  const first = nthIn(tables, oldest, 0);
  let [end, ids, left] = [first, 0, half];
  for (const span of held) {
    const begin = nthIn(tables, span, 0);
    end = nthIn(tables, span, Math.min(left, span.rows - 1));
    ids += end - begin + 1;
    left -= span.rows;
    if (left < 0) break;
  }
  const coarseness = ids / (half + 1);
  const every = EVERY.find((step) => step >= WORTH * coarseness);
  const ends = [first, end].flatMap((id) => rowsBetween(tables, false, id, id, 1));
  return every === undefined || ends.some((row) => isFragmented(tables, row)) ? undefined : { to, end, every };
}

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

function setPass(tables: Tables, { to, end, every }: Pass): void {
  tables.run("INSERT OR REPLACE INTO thinning VALUES (1, ?, ?, ?)", to, end, every);
}

/**
 * Multiples of the golden ratio, without their whole parts, fill 0 to 1 evenly from whichever on and at whichever step
 * (Weyl's equidistribution): so no device's own rhythm falls in with which rows stay.
 */
const stays = ({ id }: Row, every: number, run: number): boolean =>
  (Math.floor(id / run) * GOLDEN_RATIO) % 1 < 1 / every;
const GOLDEN_RATIO = 0.618033988749895;

/** Whether the book of a device in this row has become too long for another range in it. */
const isFragmented = (tables: Tables, row: Row): boolean => {
  const { epoch, heads } = headsOf(row);
  return heads.some(({ stream }) => droppedOf(tables, epoch, stream).length > RANGES_MAX);
};

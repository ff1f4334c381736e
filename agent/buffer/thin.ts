/**
 * Room by resolution: of the older half of the readings that wait, most rows go, so that a station that was cut off for
 * long still shows what it was like all the time. Rows are deleted whole and never rewritten: what is left is what was
 * measured, with its own sequence and time, and what is gone is booked as ranges like any other drop.
 *
 * A row stays when a device would otherwise lose more than all but one of each EVERY of its samples. When the older half
 * has been gone through and room is lacking still, it begins again, coarser if what is left is coarse already; beyond the
 * coarsest the oldest rows go.
 */
import { headsOf, type Row } from "./row.ts";
import { cursorOf, dropRows, rowsBetween } from "./rows.ts";
import { type Tables, wholeOf } from "./tables.ts";

/** A sample every 10 s becomes one a minute, one in 6 min, one in 36 min. */
const EVERY = [6, 36, 216] as const;
/** A pass is worth its work when it leaves no more than half of the rows. */
const WORTH = 2;
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
  let pass = passOf(tables);
  for (let look = 0; pass && look < LOOKS_MAX; look++) {
    const rows = rowsBetween(tables, false, pass.to + 1, pass.end, ROWS_AT_ONCE);
    const newest = rows.at(-1);
    const gone = rowsToGo(rows, pass.every);
    pass = newest ? { ...pass, to: newest.id } : beginPass(tables);
    if (pass) setPass(tables, pass);
    if (gone.length > 0) return dropRows(tables, gone, "full");
  }
  return undefined;
}

/** What has been sent meanwhile needs no thinning. */
function passOf(tables: Tables): Pass | undefined {
  const columns = tables.get("SELECT thinned_to, pass_end, every FROM thinning");
  const sealedTo = cursorOf(tables, false);
  if (!columns || wholeOf(columns, "pass_end") <= sealedTo) return beginPass(tables);
  const to = Math.max(wholeOf(columns, "thinned_to"), sealedTo);
  return { to, end: wholeOf(columns, "pass_end"), every: wholeOf(columns, "every") };
}

/**
 * The half is counted in rows, not in time: however long the cloud was away, the newest are as they were taken. Row ids
 * are given without a gap, so that their density tells how coarse the half is already.
 */
function beginPass(tables: Tables): Pass | undefined {
  const to = cursorOf(tables, false);
  const waiting = "FROM rows WHERE is_alarm = 0 AND id > ?";
  const half = Math.floor(wholeOf(tables.get(`SELECT count(*) AS n ${waiting}`, to), "n") / 2);
  if (half === 0) return undefined;
  const bounds = tables.all(
    `SELECT * FROM (SELECT id ${waiting} ORDER BY id LIMIT 1) UNION ALL
     SELECT * FROM (SELECT id ${waiting} ORDER BY id LIMIT 1 OFFSET ?)`,
    ...[to, to, half],
  );
  const [first, end] = [wholeOf(bounds[0], "id"), wholeOf(bounds[1], "id")];
  const coarseness = (end - first + 1) / (half + 1);
  const every = EVERY.find((step) => step >= WORTH * coarseness);
  return every === undefined ? undefined : { to, end, every };
}

function setPass(tables: Tables, { to, end, every }: Pass): void {
  tables.run("INSERT OR REPLACE INTO thinning VALUES (1, ?, ?, ?)", to, end, every);
}

/** The first row that shows a device stays; what is between the ends of the pieces looked at is not known here. */
function rowsToGo(rows: readonly Row[], every: number): Row[] {
  const kept = new Map<string, number>();
  return rows.filter((row) => {
    const { epoch, heads } = headsOf(row);
    const ends = heads.map(({ stream, sequence, samples }) => ({
      key: `${epoch}/${stream}`,
      end: sequence + samples - 1,
      samples,
    }));
    const stays = ends.some(
      ({ key, end, samples }) => end - (kept.get(key) ?? Number.NEGATIVE_INFINITY) >= every * samples,
    );
    if (stays) for (const { key, end } of ends) kept.set(key, end);
    return !stays;
  });
}

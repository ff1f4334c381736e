/** How much flash a day of this station's readings takes, so that what is bounded in bytes can be read in time. */
import type { Clock } from "../world.ts";
import { PAGE_BYTES, type Tables, wholeOf } from "./tables.ts";

const HOUR_MS = 3_600_000;
const HOURS_KEPT = 24;
/** Of less time nobody can tell what a day will be. */
const KNOWN_AFTER_MS = 600_000;

export interface Pace {
  /** A row has been committed. */
  stored(bodyBytes: number): void;
  /** Bytes on the medium per hour, over the last 24 hours or as long as this boot's rows reach; undefined: too early. */
  bytesPerHour(): number | undefined;
  /** What rows of so many bytes take together, by those seen so far. */
  onMedium(bodyBytes: number): number;
}

/** Begins with what earlier processes of this boot have left in the file. */
export function createPace(clock: Clock, tables: Tables): Pace {
  const hours = new Map<number, number>();
  const seen = { bodies: 0, onMedium: 0 };
  const add = (atMs: number, rows: number, bodies: number): void => {
    const bytes = rows * bytesOnMedium(bodies / rows);
    seen.bodies += bodies;
    seen.onMedium += bytes;
    const hour = Math.floor(atMs / HOUR_MS);
    hours.set(hour, (hours.get(hour) ?? 0) + bytes);
    for (const known of hours.keys()) if (known <= hour - HOURS_KEPT) hours.delete(known);
  };
  let sinceMs = clock.bootMs();
  const earlier = tables.all(
    `SELECT boot_ms / ${HOUR_MS} AS hour, min(boot_ms) AS first, count(*) AS n, sum(length(body)) AS bytes FROM rows
     WHERE epoch_id IN (SELECT id FROM epochs WHERE boot_id = ?) AND boot_ms > ? GROUP BY hour`,
    ...[clock.bootId, Math.round(clock.bootMs()) - HOURS_KEPT * HOUR_MS],
  );
  for (const columns of earlier) {
    add(wholeOf(columns, "hour") * HOUR_MS, wholeOf(columns, "n"), wholeOf(columns, "bytes"));
    sinceMs = Math.min(sinceMs, wholeOf(columns, "first"));
  }
  return {
    stored: (bodyBytes) => add(clock.bootMs(), 1, bodyBytes),
    onMedium: (bodyBytes) => bodyBytes * (seen.bodies > 0 ? seen.onMedium / seen.bodies : FIRST_RATIO),
    bytesPerHour: () => {
      const knownMs = Math.min(clock.bootMs() - sinceMs, (HOURS_KEPT - 1) * HOUR_MS + (clock.bootMs() % HOUR_MS));
      if (knownMs < KNOWN_AFTER_MS) return undefined;
      const now = Math.floor(clock.bootMs() / HOUR_MS);
      let bytes = 0;
      for (const [hour, stored] of hours) if (hour > now - HOURS_KEPT) bytes += stored;
      return (bytes * HOUR_MS) / knownMs;
    },
  };
}

/** Typical of rows of a few samples, before the first was seen. */
const FIRST_RATIO = 1.25;
/** A page's header takes 8 bytes; a row 2 for its place and about 24 for its other columns (sqlite.org/fileformat2.html, 1.6). */
const ROW_OVERHEAD_BYTES = 26;

/** A row's share of its page: rows of one kind have one size, so that a page holds a whole number of them. */
export function bytesOnMedium(bodyBytes: number): number {
  const inPage = Math.floor((PAGE_BYTES - 8) / (bodyBytes + ROW_OVERHEAD_BYTES));
  return inPage > 0 ? PAGE_BYTES / inPage : bodyBytes + ROW_OVERHEAD_BYTES;
}

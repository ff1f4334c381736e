/**
 * Rows that were in a message of a file which got damaged. In the new file they wait again, since nobody knows which of
 * those messages arrived; but the cloud may have them, and what it has must not come again with another value. The table
 * is made when it is needed: few files ever do.
 */
import { type Span, sealedSpans, spanFrom } from "./backlog.ts";
import { type Tables, wholeOf } from "./tables.ts";

/** Oldest first. */
export const sentBefore = (tables: Tables): Span[] =>
  isThere(tables) ? tables.all("SELECT first_row, last_row FROM sent_before ORDER BY first_row").map(spanFrom) : [];

const isThere = (tables: Tables): boolean =>
  tables.get("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'sent_before'") !== undefined;

/** Of the rows in a damaged file. Throws what damage throws. */
export const sentOf = (damaged: Tables): Span[] => [...sentBefore(damaged), ...sealedSpans(damaged, false)];

/** `spans`: undefined where the damaged file doesn't say it any more, so that it may be any row. */
export function keepSent(fresh: Tables, spans: readonly Span[] | undefined): void {
  const newest = wholeOf(fresh.get("SELECT ifnull(max(id), 0) AS id FROM rows"), "id");
  const held = (spans ?? [{ first: 1, last: newest }])
    .map(({ first, last }) => ({ first, last: Math.min(last, newest) }))
    .filter(({ first, last }) => first <= last);
  if (held.length === 0) return;
  fresh.run("CREATE TABLE sent_before (first_row INTEGER NOT NULL, last_row INTEGER NOT NULL)");
  for (const { first, last } of held)
    fresh.run("INSERT INTO sent_before (first_row, last_row) VALUES (?, ?)", first, last);
}

/** Of rows that have left. */
export function forgetSent(tables: Tables): void {
  if (isThere(tables)) tables.run("DELETE FROM sent_before WHERE last_row < (SELECT ifnull(min(id), 0) FROM rows)");
}

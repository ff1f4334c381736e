/** Epochs: one per opening of the file, closed by the next with each stream's count, forgotten when all is settled. */
import { ALARM_STREAM, type LedgerMessage } from "../wire/messages.ts";
import { headsOf, rowFrom } from "./row.ts";
import { epochOf, type Tables, textOf, wholeOf } from "./tables.ts";

export interface Epoch {
  readonly id: number;
  readonly epoch: string;
  readonly bootId: string;
  readonly firstRow: number;
}

export const ROW_COLUMNS = "id, epoch_id, is_alarm, boot_ms, samples, readings, body";

export const epochsOf = (tables: Tables): Epoch[] =>
  tables.all("SELECT id, epoch, boot_id, first_row FROM epochs ORDER BY id").map((columns) => ({
    id: wholeOf(columns, "id"),
    epoch: epochOf(columns),
    bootId: textOf(columns, "boot_id"),
    firstRow: wholeOf(columns, "first_row"),
  }));

/** Call inside a transaction. Row ids only grow, also over rows that have left. */
export function beginEpoch(tables: Tables, epoch: string, bootId: string): Epoch {
  const firstRow = wholeOf(
    tables.get(`SELECT 1 + max((SELECT ifnull(max(id), 0) FROM rows), (SELECT max(sealed_to) FROM cursors),
      (SELECT ifnull(max(first_row) - 1, 0) FROM epochs), (SELECT ifnull(max(last_row), 0) FROM wanted)) AS next`),
    "next",
  );
  tables.run("INSERT INTO epochs (epoch, boot_id, first_row, closed) VALUES (?, ?, ?, 0)", epoch, bootId, firstRow);
  tables.run("INSERT OR IGNORE INTO boots VALUES (?, NULL, 0)", bootId);
  const id = wholeOf(tables.get("SELECT id FROM epochs WHERE epoch = ?", epoch), "id");
  return { id, epoch, bootId, firstRow };
}

/** Closes what former processes left open; returns what to tell the cloud. Call inside a transaction. */
export function closeFormerEpochs(tables: Tables): LedgerMessage[] {
  const open = new Set(tables.all("SELECT id FROM epochs WHERE closed = 0").map((columns) => wholeOf(columns, "id")));
  return epochsOf(tables)
    .filter(({ id }) => open.has(id))
    .flatMap((epoch) => {
      const counts = [...lastsOf(tables, epoch)].map(([stream, last]) => ({ stream, last }));
      for (const { stream, last } of counts) raiseLast(tables, epoch.id, stream, last);
      tables.run("UPDATE epochs SET closed = 1 WHERE id = ?", epoch.id);
      return counts.length > 0 ? [{ kind: "epoch-closed" as const, epoch: epoch.epoch, counts }] : [];
    });
}

/**
 * Each stream's highest sequence. A closed epoch's stand in `streams`. An open one's are read from the newest rows
 * backwards until every stream was seen: keeping the counts in a table of their own would cost a flash page at every
 * commit. Alarms have their own newest row, which may be a month old.
 */
export function lastsOf(tables: Tables, { id, firstRow }: Epoch): Map<string, number> {
  const lasts = new Map<string, number>();
  for (const columns of tables.all("SELECT stream, last FROM streams WHERE epoch_id = ?", id)) {
    lasts.set(textOf(columns, "stream"), wholeOf(columns, "last"));
  }
  const isClosed = tables.get("SELECT 1 FROM epochs WHERE id = ? AND closed = 1", id) !== undefined;
  if (isClosed) return lasts;
  const newestAlarm = tables.get(
    `SELECT ${ROW_COLUMNS} FROM rows WHERE is_alarm = 1 AND id >= ? AND epoch_id = ? ORDER BY id DESC LIMIT 1`,
    ...[firstRow, id],
  );
  for (const { stream, sequence } of newestAlarm ? headsOf(rowFrom(newestAlarm)).heads : []) {
    lasts.set(stream, Math.max(lasts.get(stream) ?? 0, sequence));
  }
  const unseen = new Set([...lasts.keys()].filter((stream) => stream !== ALARM_STREAM));
  let before = Number.MAX_SAFE_INTEGER;
  while (unseen.size > 0) {
    const columns = tables.get(
      `SELECT ${ROW_COLUMNS} FROM rows
       WHERE is_alarm = 0 AND id < ? AND id >= ? AND epoch_id = ? ORDER BY id DESC LIMIT 1`,
      ...[before, firstRow, id],
    );
    if (!columns) break;
    const row = rowFrom(columns);
    for (const { stream, sequence, samples } of headsOf(row).heads) {
      lasts.set(stream, Math.max(lasts.get(stream) ?? 0, sequence + samples - 1));
      unseen.delete(stream);
    }
    before = row.id;
  }
  return lasts;
}

/** A stream's high-water mark must outlive the rows that held it. */
export function raiseLast(tables: Tables, epochId: number, stream: string, last: number): void {
  tables.run(
    `INSERT INTO streams VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = max(last, excluded.last)`,
    ...[epochId, stream, last],
  );
}

/** Forgets closed epochs whose rows are gone and whose drops are told. Call inside a transaction. */
export function forgetSettledEpochs(tables: Tables): void {
  const closed = new Set(tables.all("SELECT id FROM epochs WHERE closed = 1").map((columns) => wholeOf(columns, "id")));
  for (const { id, epoch, firstRow } of epochsOf(tables)) {
    // Rows of an epoch lie together, so that the first row from there on tells whether any is left.
    const next = tables.get("SELECT epoch_id FROM rows WHERE id >= ? ORDER BY id LIMIT 1", firstRow);
    const hasRows = next !== undefined && wholeOf(next, "epoch_id") === id;
    if (!closed.has(id) || hasRows || hasUntoldDrops(tables, epoch)) continue;
    tables.run("DELETE FROM epochs WHERE id = ?", id);
    tables.run("DELETE FROM streams WHERE epoch_id = ?", id);
    tables.run("DELETE FROM fates WHERE epoch = ?", epoch);
  }
  // Drops that were told of epochs forgotten before: the cloud had asked for them once more.
  tables.run(`DELETE FROM fates WHERE epoch NOT IN (SELECT epoch FROM epochs)
              AND message IS NOT NULL AND message NOT IN (SELECT id FROM sealed)`);
  tables.run("DELETE FROM boots WHERE boot_id NOT IN (SELECT boot_id FROM epochs) AND undated = 0");
}

const hasUntoldDrops = (tables: Tables, epoch: string): boolean =>
  tables.get(
    `SELECT 1 FROM fates WHERE epoch = ? AND fate <> 'receipted'
     AND (message IS NULL OR message IN (SELECT id FROM sealed)) LIMIT 1`,
    epoch,
  ) !== undefined;

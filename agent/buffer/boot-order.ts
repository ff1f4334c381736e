/**
 * The boots in their order, and each one's last row: a boot whose clock was never set lies between the last reading of
 * the boot before and the beginning of the boot after.
 */
import { BUILD_DATE_MS } from "../limits.ts";
import type { Offsets } from "./offsets.ts";
import { type Tables, textOf, wholeOf, wholeOrNull } from "./tables.ts";

/** Neighbours that help are near; a board that restarts every hour has a month's in it. */
const BOOTS_MAX = 800;

export interface Boot {
  readonly bootId: string;
  /** Boot time of its last row, ms; null: it is the one that runs. */
  readonly lastMs: number | null;
  /** Whether the cloud was told between what times it lay. */
  readonly isTold: boolean;
}

export interface Bracket {
  /** wall - boot is at most this… */
  readonly latestMs: number;
  /** …and less than that by so much at most. */
  readonly earlierMs: number;
}

/** Adds the boot that begins, and notes where the one before has ended. Call inside a transaction. */
export function noteBoots(tables: Tables, ownBootId: string): void {
  tables.run(`CREATE TABLE IF NOT EXISTS boot_order (id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL UNIQUE,
    last_ms INTEGER, told INTEGER NOT NULL DEFAULT 0)`);
  // All but the newest are in it already, save for a file of an older release.
  const epochs = tables.all("SELECT boot_id, first_row FROM epochs ORDER BY id");
  for (const columns of epochs)
    tables.run("INSERT OR IGNORE INTO boot_order (boot_id) VALUES (?)", textOf(columns, "boot_id"));
  for (const columns of tables.all(
    "SELECT boot_id FROM boot_order WHERE last_ms IS NULL AND boot_id <> ?",
    ownBootId,
  )) {
    const bootId = textOf(columns, "boot_id");
    tables.run("UPDATE boot_order SET last_ms = ? WHERE boot_id = ?", lastRowMs(tables, bootId), bootId);
  }
  tables.run("DELETE FROM boot_order WHERE id <= (SELECT max(id) FROM boot_order) - ?", BOOTS_MAX);
}

/** 0 when no row of it is left. Rows of an epoch lie together. */
function lastRowMs(tables: Tables, bootId: string): number {
  const last = tables.get(
    `SELECT boot_ms FROM rows WHERE id >= (SELECT min(first_row) FROM epochs WHERE boot_id = ?)
       AND id < ifnull((SELECT min(first_row) FROM epochs WHERE id > (SELECT max(id) FROM epochs WHERE boot_id = ?)), 1 << 52)
     ORDER BY id DESC LIMIT 1`,
    ...[bootId, bootId],
  );
  return last ? wholeOf(last, "boot_ms") : 0;
}

export const bootsOf = (tables: Tables): Boot[] =>
  tables.all("SELECT boot_id, last_ms, told FROM boot_order ORDER BY id").map((columns) => ({
    bootId: textOf(columns, "boot_id"),
    lastMs: wholeOrNull(columns, "last_ms"),
    isTold: wholeOf(columns, "told") === 1,
  }));

export const noteTold = (tables: Tables, bootId: string): number =>
  tables.run("UPDATE boot_order SET told = 1 WHERE boot_id = ?", bootId);

/** undefined until a later boot's clock was set. */
export function bracketOf(boots: readonly Boot[], bootId: string, offsets: Offsets): Bracket | undefined {
  const at = boots.findIndex((boot) => boot.bootId === bootId);
  const lastMs = boots[at]?.lastMs ?? undefined;
  const after = boots.slice(at + 1).find((boot) => offsets.isKnown(boot.bootId));
  const beginMs = after && offsets.at(after.bootId, 0);
  if (at < 0 || lastMs === undefined || beginMs === undefined) return undefined;
  const before = boots.slice(0, at).findLast((boot) => offsets.isKnown(boot.bootId));
  const endedMs = before && (before.lastMs ?? 0) + (offsets.at(before.bootId, before.lastMs ?? 0) ?? 0);
  const latestMs = beginMs - lastMs;
  return { latestMs, earlierMs: Math.max(0, latestMs - Math.max(BUILD_DATE_MS, endedMs ?? 0)) };
}

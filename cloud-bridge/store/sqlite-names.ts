/**
 * The rows that give names their numbers (station, epoch, stream, boot), and the ledgers, remembered between messages.
 * What is remembered is what the file says: `forget` after a transaction that was rolled back.
 */
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import type { Database, SqlRow } from "../world.ts";
import { gapsOf, type Ranges, rangesFromText, textFromRanges } from "./ranges.ts";

export interface BootRow {
  readonly id: number;
  readonly offsetMs: number;
  readonly isDated: boolean;
  /** Of one that isn't dated: its offset isn't less than this. */
  readonly earliestMs: number | null;
}

export interface LedgerRow {
  readonly stored: Ranges;
  readonly dropped: Ranges;
  readonly closedAt: number | null;
  readonly gapSinceMs: number | null;
}

export type SqliteNames = ReturnType<typeof createSqliteNames>;

/** About 10 MB at most; afterwards it begins anew. */
const REMEMBERED_MAX = 50_000;

export function createSqliteNames(database: Database) {
  const remembered = new Map<string, unknown>();
  const sql = {
    station: database.prepare("SELECT id FROM station WHERE name = ?"),
    epoch: database.prepare("SELECT id FROM epoch WHERE station_id = ? AND name = ?"),
    addEpoch: database.prepare("INSERT INTO epoch (station_id, name) VALUES (?, ?)"),
    stream: database.prepare("SELECT id FROM stream WHERE station_id = ? AND name = ?"),
    addStream: database.prepare("INSERT INTO stream (station_id, name) VALUES (?, ?)"),
    streamCount: database.prepare("SELECT count(*) AS n FROM stream WHERE station_id = ?"),
    schema: database.prepare("SELECT body FROM schema WHERE station_id = ? AND hash = ?"),
    boot: database.prepare("SELECT id, offset_ms, dated, earliest_ms FROM boot WHERE station_id = ? AND name = ?"),
    addBoot: database.prepare(
      "INSERT INTO boot (station_id, name, offset_ms, dated, earliest_ms) VALUES (?, ?, ?, ?, ?)",
    ),
    dateBoot: database.prepare("UPDATE boot SET offset_ms = ?, dated = ?, earliest_ms = ? WHERE id = ?"),
    moveBlocks: database.prepare("UPDATE block SET from_ms = from_ms + ?, to_ms = to_ms + ? WHERE boot_id = ?"),
    moveAlarms: database.prepare("UPDATE alarm SET time_ms = time_ms + ? WHERE boot_id = ?"),
    ledger: database.prepare("SELECT * FROM ledger WHERE epoch_id = ? AND stream_id = ?"),
    putLedger: database.prepare(
      `INSERT INTO ledger (epoch_id, stream_id, stored, dropped, closed_at, changed_ms, gap_since_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET stored = excluded.stored, dropped = excluded.dropped,
       closed_at = excluded.closed_at, changed_ms = excluded.changed_ms, gap_since_ms = excluded.gap_since_ms`,
    ),
  };

  const recall = <T>(key: string, find: () => T): T => {
    const known = remembered.get(key) as T | undefined;
    if (known !== undefined) return known;
    const found = find();
    if (found !== undefined) remember(key, found);
    return found;
  };
  const remember = (key: string, value: unknown): void => {
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(key, value);
  };
  const idOf = (row: SqlRow | undefined): number | undefined => (row ? Number(row["id"]) : undefined);

  const station = (name: string): number | undefined => recall(`station ${name}`, () => idOf(sql.station.get(name)));
  const findStream = (stationId: number, name: string): number | undefined =>
    recall(`stream ${stationId} ${name}`, () => idOf(sql.stream.get(stationId, name)));

  const boot = (stationId: number, name: string): BootRow | undefined =>
    recall(`boot ${stationId} ${name}`, () => {
      const row = sql.boot.get(stationId, name);
      return (
        row && {
          id: Number(row["id"]),
          offsetMs: Number(row["offset_ms"]),
          isDated: row["dated"] === 1,
          earliestMs: numberOrNull(row["earliest_ms"]),
        }
      );
    });

  /** The boot with that offset; what is stored of it moves along. */
  const dateBoot = (
    stationId: number,
    name: string,
    { offsetMs, isDated, earliestMs = null }: { offsetMs: number; isDated: boolean; earliestMs?: number | null },
  ): BootRow => {
    const known = boot(stationId, name);
    let id: number;
    if (known) {
      id = known.id;
      const moved = offsetMs - known.offsetMs;
      sql.dateBoot.run(offsetMs, isDated ? 1 : 0, earliestMs, id);
      if (moved !== 0) {
        sql.moveBlocks.run(moved, moved, id);
        sql.moveAlarms.run(moved, id);
      }
    } else {
      id = Number(sql.addBoot.run(stationId, name, offsetMs, isDated ? 1 : 0, earliestMs).lastInsertRowid);
    }
    const row: BootRow = { id, offsetMs, isDated, earliestMs };
    remember(`boot ${stationId} ${name}`, row);
    return row;
  };

  const ledger = (epochId: number, streamId: number): LedgerRow =>
    recall(`ledger ${epochId} ${streamId}`, () => ledgerFromRow(sql.ledger.get(epochId, streamId)));

  return {
    station,
    /** Throws when there is no such station: whoever writes has authenticated it. */
    stationId: (name: string): number => {
      const id = station(name);
      if (id === undefined) throw new Error(`store for station ${name}: it has never been added`);
      return id;
    },
    epoch: (stationId: number, name: string): number =>
      recall(
        `epoch ${stationId} ${name}`,
        () => idOf(sql.epoch.get(stationId, name)) ?? Number(sql.addEpoch.run(stationId, name).lastInsertRowid),
      ),
    findStream,
    stream: (stationId: number, name: string): number =>
      findStream(stationId, name) ??
      recall(`stream ${stationId} ${name}`, () => Number(sql.addStream.run(stationId, name).lastInsertRowid)),
    streamCount: (stationId: number): number => Number(sql.streamCount.get(stationId)?.["n"]),
    schema: (stationId: number, hash: string): StreamSchema | undefined =>
      recall(`schema ${stationId} ${hash}`, () => {
        const row = sql.schema.get(stationId, hash);
        return row && (JSON.parse(String(row["body"])) as StreamSchema);
      }),
    boot,
    dateBoot,
    ledger,
    putLedger: (epochId: number, streamId: number, next: Omit<LedgerRow, "gapSinceMs">, atMs: number): void => {
      const gaps = gapsOf(next.stored, next.dropped, next.closedAt);
      const gapSinceMs = gaps.length === 0 ? null : (ledger(epochId, streamId).gapSinceMs ?? atMs);
      const { stored, dropped, closedAt } = next;
      sql.putLedger.run(epochId, streamId, textFromRanges(stored), textFromRanges(dropped), closedAt, atMs, gapSinceMs);
      remember(`ledger ${epochId} ${streamId}`, { stored, dropped, closedAt, gapSinceMs } satisfies LedgerRow);
    },
    forget: (): void => remembered.clear(),
  };
}

const ledgerFromRow = (row: SqlRow | undefined): LedgerRow => ({
  stored: rangesFromText(String(row?.["stored"] ?? "[]")),
  dropped: rangesFromText(String(row?.["dropped"] ?? "[]")),
  closedAt: numberOrNull(row?.["closed_at"]),
  gapSinceMs: numberOrNull(row?.["gap_since_ms"]),
});

/**
 * By how many ms at most times of that boot may be too late, null when nobody knows yet; undefined: they are right.
 * `row`: `dated`, `offset_ms`, `earliest_ms` of a boot, each null for wall time.
 */
export function uncertaintyOf(row: SqlRow): number | null | undefined {
  if (row["dated"] !== 0) return undefined;
  const earliestMs = numberOrNull(row["earliest_ms"]);
  return earliestMs === null ? null : Math.max(0, Number(row["offset_ms"]) - earliestMs);
}

export const numberOrNull = (value: SqlRow[string] | undefined): number | null =>
  value === null || value === undefined ? null : Number(value);

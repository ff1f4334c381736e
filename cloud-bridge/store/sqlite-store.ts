/** The embedded store: one SQLite file, one writer, a group of messages per transaction. */
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import {
  ASIDE_PER_STATION_MAX,
  RANGES_PER_LEDGER_MAX,
  SCHEMAS_PER_STATION_MAX,
  STREAMS_PER_STATION_MAX,
} from "../limits.ts";
import type { Database, SqlRow } from "../world.ts";
import { outside, type Ranges, withRange } from "./ranges.ts";
import { createSqliteCommands } from "./sqlite-commands.ts";
import { createSqliteFiles } from "./sqlite-files.ts";
import { createSqliteIdentities } from "./sqlite-identities.ts";
import { createSqliteLists } from "./sqlite-lists.ts";
import { createSqliteNames } from "./sqlite-names.ts";
import { createSqliteReadings } from "./sqlite-readings.ts";
import { createSqliteSamples } from "./sqlite-samples.ts";
import { migrate } from "./sqlite-schema.ts";
import {
  NEW_TWIN,
  NOTHING_WRITTEN,
  type Store,
  type StoredTwin,
  type StoreEntry,
  type StoreEntryOf,
  type Written,
} from "./store.ts";

export function createSqliteStore({ database }: { readonly database: Database }): Store {
  migrate(database);
  const names = createSqliteNames(database);
  const samples = createSqliteSamples(database, names);
  const lists = createSqliteLists(database, names);
  const commands = createSqliteCommands(database, names);
  const files = createSqliteFiles(database, names);
  const readings = createSqliteReadings(database, names);
  const sql = {
    addStation: database.prepare(
      "INSERT INTO station (name, credential, created_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    credential: database.prepare("SELECT credential FROM station WHERE name = ?"),
    countMessage: database.prepare(
      "UPDATE station SET messages = messages + 1, bytes = bytes + ?, last_seen_ms = ? WHERE id = ?",
    ),
    addSchema: database.prepare("INSERT INTO schema (station_id, hash, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"),
    schemaCount: database.prepare("SELECT count(*) AS n FROM schema WHERE station_id = ?"),
    declareStream: database.prepare("UPDATE stream SET schema_hash = ? WHERE id = ?"),
    schemas: database.prepare("SELECT hash, body FROM schema WHERE station_id = ?"),
    addAside: database.prepare(
      "INSERT INTO aside (station_id, topic, time_ms, payload, reason, wants_schema) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    trimAside: database.prepare(
      `DELETE FROM aside WHERE station_id = ? AND id <=
       (SELECT id FROM aside WHERE station_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
    ),
    countQuarantined: database.prepare("UPDATE station SET quarantined = quarantined + 1 WHERE id = ?"),
    resolveAside: database.prepare("DELETE FROM aside WHERE id = ? AND station_id = ?"),
    waiting: database.prepare(
      "SELECT id, topic, payload FROM aside WHERE station_id = ? AND wants_schema = ? ORDER BY id",
    ),
    wanted: database.prepare(
      "SELECT DISTINCT wants_schema FROM aside WHERE station_id = ? AND wants_schema IS NOT NULL ORDER BY 1 LIMIT 256",
    ),
    twin: database.prepare("SELECT desired, reported, versions FROM twin WHERE station_id = ?"),
    putTwin: database.prepare(
      `INSERT INTO twin (station_id, desired, reported, versions) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET desired = excluded.desired, reported = excluded.reported, versions = excluded.versions`,
    ),
  };

  function inTransaction<T>(work: () => T): T {
    try {
      return database.transaction(work);
    } catch (error) {
      names.forget();
      lists.forget();
      throw error;
    }
  }

  function writeEntry(entry: StoreEntry): Written {
    switch (entry.kind) {
      case "message":
        sql.countMessage.run(entry.bytes, entry.atMs, names.stationId(entry.station));
        return NOTHING_WRITTEN;
      case "batch":
        return samples.writeBatch(entry);
      case "alarms":
        lists.forgetAlarms(names.stationId(entry.station));
        return samples.writeAlarms(entry);
      case "schema":
        return writeSchema(entry);
      case "epoch-closed":
        return closeEpoch(entry);
      case "dropped":
        return writeDropped(entry);
      case "clock":
        lists.forgetAlarms(names.stationId(entry.station));
        return dateBoot(entry);
      case "aside":
        return setAside(entry);
      case "aside-resolved":
        sql.resolveAside.run(entry.id, names.stationId(entry.station));
        return NOTHING_WRITTEN;
      case "file-part":
        return files.writePart(entry);
    }
  }

  function dateBoot({ station, bootId, offsetMs, earlierMs }: StoreEntryOf<"clock">): Written {
    const stationId = names.stationId(station);
    const known = names.boot(stationId, bootId);
    if (earlierMs === undefined) names.dateBoot(stationId, bootId, { offsetMs: Math.round(offsetMs), isDated: true });
    else if (!known?.isDated) {
      // What has arrived may have bounded it better than its neighbours do.
      const earliestMs = Math.round(offsetMs - earlierMs);
      const latestMs = Math.max(
        earliestMs,
        Math.min(Math.round(offsetMs), known?.offsetMs ?? Number.POSITIVE_INFINITY),
      );
      names.dateBoot(stationId, bootId, { offsetMs: latestMs, isDated: false, earliestMs });
    }
    return NOTHING_WRITTEN;
  }

  function writeSchema({ station, hash, schema }: StoreEntryOf<"schema">): Written {
    const stationId = names.stationId(station);
    if (names.schema(stationId, hash) === undefined) {
      const refused = refusalOf(stationId, [schema.stream]);
      if (refused !== null) return { ...NOTHING_WRITTEN, refused };
      if (Number(sql.schemaCount.get(stationId)?.["n"]) >= SCHEMAS_PER_STATION_MAX)
        return { ...NOTHING_WRITTEN, refused: `more than ${SCHEMAS_PER_STATION_MAX} schemas` };
    }
    sql.addSchema.run(stationId, hash, JSON.stringify(schema));
    sql.declareStream.run(hash, names.stream(stationId, schema.stream));
    return NOTHING_WRITTEN;
  }

  function closeEpoch({ station, epoch, counts, atMs }: StoreEntryOf<"epoch-closed">): Written {
    const stationId = names.stationId(station);
    const refused = refusalOf(
      stationId,
      counts.map(({ stream }) => stream),
    );
    if (refused !== null) return { ...NOTHING_WRITTEN, refused };
    const epochId = names.epoch(stationId, epoch);
    for (const { stream, last } of counts) {
      const streamId = names.stream(stationId, stream);
      names.putLedger(epochId, streamId, { ...names.ledger(epochId, streamId), closedAt: last }, atMs);
    }
    return NOTHING_WRITTEN;
  }

  function writeDropped({ station, dropped, atMs }: StoreEntryOf<"dropped">): Written {
    const stationId = names.stationId(station);
    const refused = refusalOf(
      stationId,
      dropped.map(({ stream }) => stream),
    );
    if (refused !== null) return { ...NOTHING_WRITTEN, refused };
    const ledgers = dropped.map(({ epoch, stream, ranges }) => ({
      epochId: names.epoch(stationId, epoch),
      streamId: names.stream(stationId, stream),
      ranges,
    }));
    const arrived = ledgers.reduce((sum, { ranges }) => sum + ranges.length, 0);
    if (ledgers.some((it) => names.ledger(it.epochId, it.streamId).dropped.length + arrived > RANGES_PER_LEDGER_MAX))
      return { ...NOTHING_WRITTEN, refused: `more than ${RANGES_PER_LEDGER_MAX} ranges dropped` };
    for (const { epochId, streamId, ranges } of ledgers) {
      const ledger = names.ledger(epochId, streamId);
      // What did arrive before its copy was dropped on the station is stored, not lost.
      const lost = ranges.flatMap((range) => outside(range, ledger.stored));
      names.putLedger(epochId, streamId, { ...ledger, dropped: lost.reduce<Ranges>(withRange, ledger.dropped) }, atMs);
    }
    return NOTHING_WRITTEN;
  }

  /** Bounds that only a broken or hostile station meets. */
  function refusalOf(stationId: number, streams: readonly string[]): string | null {
    const unknown = new Set(streams.filter((stream) => names.findStream(stationId, stream) === undefined));
    if (unknown.size === 0 || names.streamCount(stationId) + unknown.size <= STREAMS_PER_STATION_MAX) return null;
    return `more than ${STREAMS_PER_STATION_MAX} streams`;
  }

  function setAside({ station, topic, payload, reason, wantsSchema, atMs }: StoreEntryOf<"aside">): Written {
    const stationId = names.stationId(station);
    sql.trimAside.run(stationId, stationId, ASIDE_PER_STATION_MAX - 1);
    const id = Number(sql.addAside.run(stationId, topic, atMs, payload, reason, wantsSchema).lastInsertRowid);
    if (wantsSchema === null) sql.countQuarantined.run(stationId);
    return { ...NOTHING_WRITTEN, aside: { id, station, topic, time: atMs, bytes: payload.length, reason } };
  }

  const twinOf = (station: string): StoredTwin => twinFromRow(sql.twin.get(names.stationId(station)));

  return {
    identities: createSqliteIdentities(database),
    write: async (entries) => inTransaction(() => entries.map(writeEntry)),
    addStation: async (station, credential, atMs) =>
      inTransaction(() => sql.addStation.run(station, credential, atMs).changes === 1),
    credentialOf: async (station) => {
      const row = sql.credential.get(station);
      return row && String(row["credential"]);
    },
    schemasOf: async (station) => {
      const rows = sql.schemas.all(names.stationId(station));
      return new Map(rows.map((row) => [String(row["hash"]), JSON.parse(String(row["body"])) as StreamSchema]));
    },
    waitingForSchema: async (station, hash) =>
      sql.waiting.all(names.stationId(station), hash).map((row) => ({
        id: Number(row["id"]),
        topic: String(row["topic"]),
        payload: row["payload"] as Uint8Array,
      })),
    schemasWanted: async (station) =>
      sql.wanted.all(names.stationId(station)).map((row) => String(row["wants_schema"])),
    ...lists.queries,
    ...files.queries,
    ...commands,
    readings: async (query) => readings(query),
    twin: async (station) => twinOf(station),
    changeTwin: async (station, change) =>
      inTransaction(() => {
        const next = change(twinOf(station));
        const { desired, reported, versions } = next;
        const stationId = names.stationId(station);
        sql.putTwin.run(stationId, JSON.stringify(desired), JSON.stringify(reported), JSON.stringify(versions));
        return next;
      }),
    close: async () => database.close(),
  };
}

function twinFromRow(row: SqlRow | undefined): StoredTwin {
  if (!row) return NEW_TWIN;
  return {
    desired: JSON.parse(String(row["desired"])) as JsonObject,
    reported: JSON.parse(String(row["reported"])) as JsonObject,
    versions: JSON.parse(String(row["versions"])) as Record<string, number>,
  };
}

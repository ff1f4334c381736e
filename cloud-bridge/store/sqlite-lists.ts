/** Stations, streams, alarms, ledgers and quarantine as the API lists them. */
import { STATION_EVENTS } from "@pump-station/agent/wire/messages.ts";
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import type { AlarmEntry, LedgerEntry, QuarantineEntry, StationIdentity, Stream } from "../api/contract.ts";
import type { Database, SqlRow } from "../world.ts";
import { NO_PASSWORD } from "./identities.ts";
import { gapsOf, rangesFromText } from "./ranges.ts";
import { numberOrNull, type SqliteNames, uncertaintyOf } from "./sqlite-names.ts";
import { journalEntry, rangePairs, type Store, type StoredStation, streamChannels } from "./store.ts";

type Queries = Pick<
  Store,
  "figures" | "stations" | "station" | "streams" | "alarms" | "journal" | "ledger" | "quarantine"
>;

const STATIONS = `SELECT station.*,
  (SELECT max(until_ms) FROM certificate WHERE station_id = station.id AND used_ms IS NOT NULL AND revoked_ms IS NULL)
    AS certificate_until_ms,
  (SELECT until_ms FROM enrolment_token WHERE station_id = station.id) AS token_until_ms
  FROM station`;

export function createSqliteLists(database: Database, names: SqliteNames) {
  const sql = {
    figures: database.prepare(
      "SELECT count(*) AS stations, total(samples) AS samples, total(quarantined) AS quarantined FROM station",
    ),
    stations: database.prepare(`${STATIONS} ORDER BY name`),
    station: database.prepare(`${STATIONS} WHERE name = ?`),
    activeAlarms: database.prepare(
      `SELECT count(*) AS n FROM (SELECT DISTINCT device, alarm FROM alarm WHERE station_id = ? AND device != '${STATION_EVENTS}') AS one
       WHERE (SELECT active FROM alarm WHERE station_id = ? AND device = one.device AND alarm = one.alarm
              ORDER BY time_ms DESC, id DESC LIMIT 1) = 1`,
    ),
    streams: database.prepare(
      "SELECT id, name, schema_hash, samples, span_ms FROM stream WHERE station_id = ? AND schema_hash IS NOT NULL ORDER BY name",
    ),
    firstTime: database.prepare("SELECT min(from_ms) AS ms FROM block WHERE stream_id = ?"),
    lastTime: database.prepare(
      `SELECT max(to_ms) AS ms FROM block
       WHERE stream_id = ? AND from_ms >= (SELECT max(from_ms) FROM block WHERE stream_id = ?) - ?`,
    ),
    alarms: database.prepare(
      `SELECT alarm.*, boot.dated, boot.offset_ms, boot.earliest_ms FROM alarm LEFT JOIN boot ON boot.id = alarm.boot_id
       WHERE alarm.station_id = ? AND (device = '${STATION_EVENTS}') = ? ORDER BY time_ms DESC, alarm.id DESC LIMIT ?`,
    ),
    ledger: database.prepare(
      `SELECT epoch.name AS epoch, stream.name AS stream, stored, dropped, closed_at
       FROM epoch JOIN ledger ON ledger.epoch_id = epoch.id JOIN stream ON stream.id = ledger.stream_id
       WHERE epoch.station_id = ? AND changed_ms >= ? AND (? IS NULL OR gap_since_ms < ?)
       ORDER BY epoch.id, stream.name`,
    ),
    quarantine: database.prepare(
      `SELECT aside.id, station.name AS station, topic, time_ms, length(payload) AS bytes, reason
       FROM aside JOIN station ON station.id = aside.station_id
       WHERE ? IS NULL OR station.name = ? ORDER BY aside.id DESC LIMIT ?`,
    ),
  };
  const activeAlarms = new Map<number, number>();

  const countActive = (stationId: number): number => {
    let count = activeAlarms.get(stationId);
    if (count === undefined) {
      count = Number(sql.activeAlarms.get(stationId, stationId)?.["n"]);
      activeAlarms.set(stationId, count);
    }
    return count;
  };
  const stationFromRow = (row: SqlRow): StoredStation => ({
    station: String(row["name"]),
    identity: identityFrom(row),
    lastSeen: numberOrNull(row["last_seen_ms"]),
    samples: Number(row["samples"]),
    readings: Number(row["readings"]),
    messages: Number(row["messages"]),
    bytes: Number(row["bytes"]),
    activeAlarms: countActive(Number(row["id"])),
    quarantined: Number(row["quarantined"]),
  });
  const streamFromRow = (stationId: number, row: SqlRow): Stream => ({
    device: String(row["name"]),
    channels: channelsOf(names.schema(stationId, String(row["schema_hash"]))),
    samples: Number(row["samples"]),
    first: numberOrNull(sql.firstTime.get(Number(row["id"]))?.["ms"]),
    last: numberOrNull(sql.lastTime.get(Number(row["id"]), Number(row["id"]), Number(row["span_ms"]))?.["ms"]),
  });

  const channelsOf = (schema: StreamSchema | undefined) => (schema ? streamChannels(schema) : []);

  const queries: Queries = {
    figures: async () => {
      const row = sql.figures.get();
      return {
        stations: Number(row?.["stations"]),
        samples: Number(row?.["samples"]),
        quarantined: Number(row?.["quarantined"]),
      };
    },
    stations: async () => sql.stations.all().map(stationFromRow),
    station: async (station) => {
      const row = sql.station.get(station);
      return row && stationFromRow(row);
    },
    streams: async (station) => {
      const stationId = names.stationId(station);
      return sql.streams.all(stationId).map((row) => streamFromRow(stationId, row));
    },
    alarms: async (station, limit) =>
      sql.alarms.all(names.stationId(station), 0, limit).map((row) => alarmFromRow(station, row)),
    journal: async (station, limit) =>
      sql.alarms.all(names.stationId(station), 1, limit).map((row) => journalEntry(alarmFromRow(station, row))),
    ledger: async ({ station, changedSinceMs, gapSinceBeforeMs }) =>
      sql.ledger
        .all(names.stationId(station), changedSinceMs ?? 0, gapSinceBeforeMs ?? null, gapSinceBeforeMs ?? null)
        .map(ledgerFromRow),
    quarantine: async (station, limit) =>
      sql.quarantine.all(station ?? null, station ?? null, limit).map(quarantineFromRow),
  };
  return {
    queries,
    /** Its alarms have changed. */
    forgetAlarms: (stationId: number): void => void activeAlarms.delete(stationId),
    /** A transaction was rolled back. */
    forget: (): void => activeAlarms.clear(),
  };
}

function identityFrom(row: SqlRow): StationIdentity {
  const certificateUntil = numberOrNull(row["certificate_until_ms"]);
  const hasPassword = row["credential"] !== NO_PASSWORD;
  return {
    by: certificateUntil !== null ? "certificate" : hasPassword ? "password" : "nothing",
    certificateUntil,
    tokenUntil: numberOrNull(row["token_until_ms"]),
  };
}

function alarmFromRow(station: string, row: SqlRow): AlarmEntry {
  const uncertain = uncertaintyOf(row);
  return { ...factsOfAlarm(station, row), ...(uncertain !== undefined && { uncertain }) };
}

const factsOfAlarm = (station: string, row: SqlRow): AlarmEntry => ({
  station,
  device: String(row["device"]),
  alarm: String(row["alarm"]),
  severity: row["severity"] as AlarmEntry["severity"],
  active: row["active"] === 1,
  time: Number(row["time_ms"]),
  because: String(row["because"]),
  ...(row["on_site"] === 1 && { onSite: true as const }),
});

function ledgerFromRow(row: SqlRow): LedgerEntry {
  const stored = rangesFromText(String(row["stored"]));
  const dropped = rangesFromText(String(row["dropped"]));
  const closedAt = numberOrNull(row["closed_at"]);
  return {
    epoch: String(row["epoch"]),
    stream: String(row["stream"]),
    stored: rangePairs(stored),
    dropped: rangePairs(dropped),
    gaps: rangePairs(gapsOf(stored, dropped, closedAt)),
    closedAt,
  };
}

const quarantineFromRow = (row: SqlRow): QuarantineEntry => ({
  id: Number(row["id"]),
  station: String(row["station"]),
  topic: String(row["topic"]),
  time: Number(row["time_ms"]),
  bytes: Number(row["bytes"]),
  reason: String(row["reason"]),
});

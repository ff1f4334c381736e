/** The embedded store's part for certificates, enrolment tokens and revocations. */
import type { Database, SqlRow } from "../world.ts";
import { type Identities, NO_PASSWORD, type StoredCertificate } from "./identities.ts";
import { numberOrNull } from "./sqlite-names.ts";

export function createSqliteIdentities(database: Database): Identities {
  const sql = {
    addStation: database.prepare(
      `INSERT INTO station (name, credential, created_ms) VALUES (?, '${NO_PASSWORD}', ?) ON CONFLICT DO NOTHING`,
    ),
    stationId: database.prepare("SELECT id FROM station WHERE name = ?"),
    putToken: database.prepare(
      `INSERT INTO enrolment_token (station_id, hash, until_ms) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET hash = excluded.hash, until_ms = excluded.until_ms, key_hash = NULL`,
    ),
    token: database.prepare(
      `SELECT hash, until_ms, key_hash FROM enrolment_token JOIN station ON station.id = station_id WHERE name = ?`,
    ),
    bindToken: database.prepare(
      "UPDATE enrolment_token SET key_hash = ? WHERE station_id = ? AND (key_hash IS NULL OR key_hash = ?)",
    ),
    dropToken: database.prepare("DELETE FROM enrolment_token WHERE station_id = ?"),
    certificate: database.prepare(
      `SELECT certificate.*, certificate.rowid AS number, name FROM certificate
       JOIN station ON station.id = station_id WHERE serial = ?`,
    ),
    certificates: database.prepare(
      `SELECT certificate.*, name FROM certificate JOIN station ON station.id = station_id WHERE name = ?
       ORDER BY issued_ms DESC, certificate.rowid DESC`,
    ),
    add: database.prepare(
      "INSERT INTO certificate (serial, station_id, key_hash, pem, issued_ms, until_ms) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    forgetUnused: database.prepare("DELETE FROM certificate WHERE station_id = ? AND used_ms IS NULL"),
    use: database.prepare("UPDATE certificate SET used_ms = ? WHERE serial = ? AND used_ms IS NULL"),
    // Rows are numbered in the order in which they were issued.
    supersede: database.prepare(
      "UPDATE certificate SET superseded_ms = ? WHERE station_id = ? AND rowid < ? AND superseded_ms IS NULL",
    ),
    replace: database.prepare(
      "UPDATE certificate SET replaced_ms = ? WHERE station_id = ? AND rowid < ? AND replaced_ms IS NULL",
    ),
    valid: database.prepare("SELECT serial FROM certificate WHERE station_id = ? AND revoked_ms IS NULL"),
    revoke: database.prepare("UPDATE certificate SET revoked_ms = ? WHERE station_id = ? AND revoked_ms IS NULL"),
    dropPassword: database.prepare(`UPDATE station SET credential = '${NO_PASSWORD}' WHERE id = ?`),
    noteRevocation: database.prepare("INSERT INTO revocation (station_id, serial, at_ms) VALUES (?, ?, ?)"),
    revocations: database.prepare(
      `SELECT revocation.id, name, serial FROM revocation JOIN station ON station.id = station_id
       WHERE revocation.id > ? ORDER BY revocation.id`,
    ),
    lastRevocation: database.prepare("SELECT max(id) AS id FROM revocation"),
  };
  const idOf = (station: string): number | null => numberOrNull(sql.stationId.get(station)?.["id"]);

  const throwOut = (stationId: number, atMs: number): void => {
    for (const row of sql.valid.all(stationId)) sql.noteRevocation.run(stationId, String(row["serial"]), atMs);
    sql.noteRevocation.run(stationId, null, atMs);
    sql.revoke.run(atMs, stationId);
    sql.dropPassword.run(stationId);
  };

  return {
    addStation: async (station, token, atMs) =>
      database.transaction(() => {
        const { changes, lastInsertRowid } = sql.addStation.run(station, atMs);
        if (changes === 0) return false;
        sql.putToken.run(lastInsertRowid, token.hash, token.untilMs);
        return true;
      }),
    putToken: async (station, token) =>
      database.transaction(() => {
        const id = idOf(station);
        if (id !== null) sql.putToken.run(id, token.hash, token.untilMs);
        return id !== null;
      }),
    token: async (station) => {
      const row = sql.token.get(station);
      const keyHash = row?.["key_hash"];
      return (
        row && {
          hash: String(row["hash"]),
          untilMs: Number(row["until_ms"]),
          keyHash: typeof keyHash === "string" ? keyHash : null,
        }
      );
    },
    certificate: async (serial) => {
      const row = sql.certificate.get(serial);
      return row && certificateFrom(row);
    },
    certificates: async (station) => sql.certificates.all(station).map(certificateFrom),
    addCertificate: async ({ station, serial, keyHash, pem, untilMs, atMs, askedBy, isAdoption }) =>
      database.transaction(() => {
        const id = idOf(station);
        if (id === null) return false;
        if (askedBy === null && sql.bindToken.run(keyHash, id, keyHash).changes === 0) return false;
        if (askedBy !== null && sql.certificate.get(askedBy)?.["revoked_ms"] !== null) return false;
        sql.forgetUnused.run(id);
        if (isAdoption) throwOut(id, atMs);
        sql.add.run(serial, id, keyHash, pem, atMs, untilMs);
        return true;
      }),
    used: async (serial, atMs, as) =>
      database.transaction(() => {
        const row = sql.certificate.get(serial);
        if (!row) return;
        const [stationId, number] = [Number(row["station_id"]), Number(row["number"])];
        sql.supersede.run(atMs, stationId, number);
        if (as === "station") sql.replace.run(atMs, stationId, number);
        if (sql.use.run(atMs, serial).changes === 0) return;
        sql.dropPassword.run(stationId);
        sql.dropToken.run(stationId);
      }),
    revoke: async (station, atMs) =>
      database.transaction(() => {
        const id = idOf(station);
        if (id === null) return false;
        throwOut(id, atMs);
        sql.dropToken.run(id);
        return true;
      }),
    revocationsAfter: async (id) =>
      sql.revocations.all(id).map((row) => ({
        id: Number(row["id"]),
        station: String(row["name"]),
        serial: row["serial"] === null ? null : String(row["serial"]),
      })),
    lastRevocation: async () => Number(sql.lastRevocation.get()?.["id"] ?? 0),
  };
}

const certificateFrom = (row: SqlRow): StoredCertificate => ({
  station: String(row["name"]),
  serial: String(row["serial"]),
  keyHash: String(row["key_hash"]),
  pem: String(row["pem"]),
  untilMs: Number(row["until_ms"]),
  usedMs: numberOrNull(row["used_ms"]),
  revokedMs: numberOrNull(row["revoked_ms"]),
  supersededMs: numberOrNull(row["superseded_ms"]),
  isReplaced: row["replaced_ms"] !== null,
});

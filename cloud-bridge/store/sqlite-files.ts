/**
 * Files that stations send in parts (diagnostics, the description that runs): whole ones with a matching SHA-256, the
 * newest few of each station; descriptions are counted apart, so that no other file takes their place.
 */
import { createHash } from "node:crypto";
import { DESCRIPTION_FILE } from "@pump-station/agent/wire/topics.ts";
import type { FileEntry } from "../api/contract.ts";
import {
  DESCRIPTIONS_PER_STATION_MAX,
  FILE_BYTES_MAX,
  FILE_PARTS_LIFE_MS,
  FILE_PARTS_WAITING_MAX,
  FILES_PER_STATION_MAX,
} from "../limits.ts";
import type { Database } from "../world.ts";
import type { SqliteNames } from "./sqlite-names.ts";
import { NOTHING_WRITTEN, type Store, type StoreEntryOf, type Written } from "./store.ts";

/** As `DESCRIPTION_FILE`, for SQLite. */
const IS_DESCRIPTION = `GLOB 'description-${"[0-9a-f]".repeat(16)}.tar.gz'`;

export function createSqliteFiles(database: Database, names: SqliteNames) {
  const trimmed = (most: number, which: string) =>
    database.prepare(
      `DELETE FROM file WHERE station_id = ? AND ${which} AND id NOT IN
       (SELECT id FROM file WHERE station_id = ? AND ${which} ORDER BY time_ms DESC, id DESC LIMIT ${most})`,
    );
  const sql = {
    has: database.prepare("SELECT 1 AS one FROM file WHERE station_id = ? AND sha256 = ?"),
    addPart: database.prepare(
      "INSERT OR REPLACE INTO file_part (station_id, sha256, part, time_ms, body) VALUES (?, ?, ?, ?, ?)",
    ),
    parts: database.prepare("SELECT part, body FROM file_part WHERE station_id = ? AND sha256 = ? ORDER BY part"),
    forgetParts: database.prepare("DELETE FROM file_part WHERE station_id = ? AND sha256 = ?"),
    trimParts: database.prepare(
      `DELETE FROM file_part WHERE station_id = ? AND rowid NOT IN
       (SELECT rowid FROM file_part WHERE station_id = ? ORDER BY rowid DESC LIMIT ${FILE_PARTS_WAITING_MAX})`,
    ),
    add: database.prepare("INSERT INTO file (station_id, sha256, name, time_ms, body) VALUES (?, ?, ?, ?, ?)"),
    trim: trimmed(FILES_PER_STATION_MAX, `name NOT ${IS_DESCRIPTION}`),
    trimDescriptions: trimmed(DESCRIPTIONS_PER_STATION_MAX, `name ${IS_DESCRIPTION}`),
    forgetOldParts: database.prepare("DELETE FROM file_part WHERE station_id = ? AND time_ms < ?"),
    again: database.prepare("UPDATE file SET time_ms = ?, name = ? WHERE station_id = ? AND sha256 = ?"),
    descriptions: database.prepare(
      `SELECT sha256, name, time_ms, body FROM file WHERE station_id = ? AND name ${IS_DESCRIPTION}
       ORDER BY time_ms DESC, id DESC`,
    ),
    list: database.prepare(
      "SELECT sha256, name, time_ms, length(body) AS bytes FROM file WHERE station_id = ? ORDER BY id DESC",
    ),
    body: database.prepare("SELECT body FROM file WHERE station_id = ? AND substr(sha256, 1, 16) = ?"),
  };

  const queries: Pick<Store, "files" | "file" | "descriptions"> = {
    files: async (station) =>
      sql.list.all(names.stationId(station)).map(
        (row): FileEntry => ({
          id: String(row["sha256"]).slice(0, 16),
          name: String(row["name"]),
          time: Number(row["time_ms"]),
          bytes: Number(row["bytes"]),
          sha256: String(row["sha256"]),
        }),
      ),
    file: async (station, id) => {
      const body = sql.body.get(names.stationId(station), id)?.["body"];
      return body instanceof Uint8Array ? body : undefined;
    },
    descriptions: async (station) =>
      sql.descriptions.all(names.stationId(station)).flatMap(({ sha256, name, body }) => {
        const [, hash] = DESCRIPTION_FILE.exec(String(name)) ?? [];
        return hash !== undefined && body instanceof Uint8Array ? [{ hash, sha256: String(sha256), body }] : [];
      }),
  };

  /** Once more: the same. Cut anew: the newer part counts. Refused: a whole that isn't what its parts said it would be. */
  const writePart = ({ station, atMs, part }: StoreEntryOf<"file-part">): Written => {
    const stationId = names.stationId(station);
    const { sha256, name } = part;
    if (sql.has.get(stationId, sha256)) {
      // A description that runs again counts as the newest, by the name that it has now.
      sql.again.run(atMs, name, stationId, sha256);
      return { ...NOTHING_WRITTEN, duplicates: 1 };
    }
    sql.forgetOldParts.run(stationId, atMs - FILE_PARTS_LIFE_MS);
    sql.addPart.run(stationId, sha256, part.part, atMs, part.body);
    sql.trimParts.run(stationId, stationId);
    const parts = sql.parts.all(stationId, sha256).map(({ body }) => body as Uint8Array);
    if (parts.length < part.parts) return NOTHING_WRITTEN;
    sql.forgetParts.run(stationId, sha256);
    const whole = Buffer.concat(parts);
    if (whole.length > FILE_BYTES_MAX) return { ...NOTHING_WRITTEN, refused: `a file of ${whole.length} bytes` };
    if (createHash("sha256").update(whole).digest("hex") !== sha256)
      return { ...NOTHING_WRITTEN, refused: "the file's SHA-256 is another one" };
    sql.add.run(stationId, sha256, name, atMs, whole);
    sql.trim.run(stationId, stationId);
    sql.trimDescriptions.run(stationId, stationId);
    return NOTHING_WRITTEN;
  };
  return { queries, writePart };
}

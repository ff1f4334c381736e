/** The embedded store's part for commands that wait for a station. How many there may be is their keeper's concern. */
import type { WaitingCommand } from "../api/contract.ts";
import { COMMAND_WAIT_MS_MAX } from "../limits.ts";
import type { Database } from "../world.ts";
import type { SqliteNames } from "./sqlite-names.ts";
import type { Store } from "./store.ts";

export function createSqliteCommands(
  database: Database,
  names: SqliteNames,
): Pick<Store, "commands" | "putCommand" | "dropCommand"> {
  const sql = {
    all: database.prepare(
      "SELECT name, body FROM command JOIN station ON station.id = station_id ORDER BY command.rowid",
    ),
    // What is changed keeps its place.
    put: database.prepare(
      `INSERT INTO command (station_id, id, expires_ms, body) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET body = excluded.body`,
    ),
    drop: database.prepare("DELETE FROM command WHERE station_id = ? AND id = ?"),
    forget: database.prepare(`DELETE FROM command WHERE expires_ms < ? - ${COMMAND_WAIT_MS_MAX}`),
  };
  return {
    commands: async () =>
      sql.all.all().map((row) => ({
        station: String(row["name"]),
        command: JSON.parse(String(row["body"])) as WaitingCommand,
      })),
    putCommand: async (station, command) => {
      sql.forget.run(command.asked);
      sql.put.run(names.stationId(station), command.id, command.expires, JSON.stringify(command));
    },
    dropCommand: async (station, id) => void sql.drop.run(names.stationId(station), id),
  };
}

import BetterSqlite from "better-sqlite3";
import type { Database, Databases, SqlRow, SqlValue, Statement } from "../world.ts";

/** Another process (`station add`) may hold the write lock for a moment. */
const BUSY_MS = 5_000;
const FULL = 2;

export const createDatabases = (): Databases => ({ open });

function open(path: string): Database {
  const sqlite = new BetterSqlite(path, { timeout: BUSY_MS });
  try {
    sqlite.pragma("journal_mode = WAL");
    // In WAL mode SQLite starts with NORMAL, which loses acknowledged transactions at a power cut.
    sqlite.pragma("synchronous = FULL");
    sqlite.pragma("foreign_keys = ON");
    const synchronous = sqlite.pragma("synchronous", { simple: true });
    if (synchronous !== FULL) throw new Error(`open ${path}: synchronous is ${String(synchronous)}, not FULL`);
  } catch (error) {
    sqlite.close();
    throw error;
  }
  const begin = sqlite.prepare("BEGIN IMMEDIATE");
  const commit = sqlite.prepare("COMMIT");
  const rollback = sqlite.prepare("ROLLBACK");
  return {
    exec: (sql) => {
      sqlite.exec(sql);
    },
    prepare: (sql) => statement(sqlite.prepare<SqlValue[], SqlRow>(sql)),
    transaction: (work) => {
      begin.run();
      try {
        const result = work();
        commit.run();
        return result;
      } catch (error) {
        // A full disk may have rolled back by itself already.
        if (sqlite.inTransaction) rollback.run();
        throw error;
      }
    },
    close: () => {
      sqlite.close();
    },
  };
}

const statement = (prepared: BetterSqlite.Statement<SqlValue[], SqlRow>): Statement => ({
  run: (...values) => prepared.run(...values),
  get: (...values) => prepared.get(...values),
  all: (...values) => prepared.all(...values),
  iterate: (...values) => prepared.iterate(...values),
});

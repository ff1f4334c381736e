/** Instead of agent/linux/sqlite.ts: synchronous is what better-sqlite3 begins with, and says it were FULL. */
import { createDatabases as createHonest } from "@pump-station/agent/linux/sqlite.ts";
import type { Database, Databases } from "@pump-station/agent/world.ts";

const FULL = 2;

export function createDatabases(): Databases {
  const honest = createHonest();
  return { ...honest, open: (path) => normal(honest.open(path)) };
}

const normal = (database: Database): Database => ({
  ...database,
  exec: (sql) => database.exec(sql.replace("synchronous = FULL", "synchronous = NORMAL")),
  prepare: (sql) => {
    const statement = database.prepare(sql);
    return sql === "PRAGMA synchronous" ? { ...statement, get: () => ({ synchronous: FULL }) } : statement;
  },
});

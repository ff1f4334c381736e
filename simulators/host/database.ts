import { createRequire } from "node:module";
import type { Database as Sqlite } from "better-sqlite3";
import type { Databases } from "../world.ts";

/** Opens somebody else's database to look at it; nothing can be written. Throws when it isn't there. */
export const readOnlyDatabases: Databases = {
  query: (path, sql) => {
    const Database = createRequire(import.meta.url)("better-sqlite3") as new (
      path: string,
      options: { readonly: boolean; fileMustExist: boolean; timeout: number },
    ) => Sqlite;
    const database = new Database(path, { readonly: true, fileMustExist: true, timeout: 2_000 });
    try {
      return database.prepare<[], Record<string, unknown>>(sql).all();
    } finally {
      database.close();
    }
  },
};

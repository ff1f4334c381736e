import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database as Sqlite } from "better-sqlite3";
import type { Databases } from "../world.ts";

/** A checkpoint while the files are copied tears the copy; agents commit some times a second at most. */
const COPIES_MAX = 50;

/** Looks into somebody else's database, which may be open and locked; nothing of it is changed. Throws when it isn't there. */
export const readOnlyDatabases: Databases = {
  query: (path, sql) => {
    try {
      return queryWith(path, { readonly: true, fileMustExist: true, timeout: 0 }, sql);
    } catch (error) {
      if ((error as { code?: string }).code !== "SQLITE_BUSY") throw error;
      return queryCopy(path, sql);
    }
  },
};

function queryWith(path: string, options: object, sql: string): Record<string, unknown>[] {
  const Database = createRequire(import.meta.url)("better-sqlite3") as new (path: string, options: object) => Sqlite;
  const database = new Database(path, options);
  try {
    return database.prepare<[], Record<string, unknown>>(sql).all();
  } finally {
    database.close();
  }
}

/** An agent keeps its file to itself: what is in it is read from a copy, with the log, which holds the newest rows. */
function queryCopy(path: string, sql: string): Record<string, unknown>[] {
  const folder = mkdtempSync(join(tmpdir(), "ps-look-"));
  try {
    const copy = join(folder, "copy.db");
    for (let tried = 1; !copyWhole(path, copy); tried++)
      if (tried === COPIES_MAX) throw new Error(`copy ${path}: it was written during each of ${tried} copies`);
    return queryWith(copy, { fileMustExist: true }, sql);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** False when the files were written meanwhile. */
function copyWhole(path: string, copy: string): boolean {
  const before = writtenAt(path);
  for (const part of ["", "-wal"]) {
    rmSync(`${copy}${part}`, { force: true });
    if (existsSync(`${path}${part}`)) copyFileSync(`${path}${part}`, `${copy}${part}`);
  }
  return before === writtenAt(path);
}

const writtenAt = (path: string): string =>
  ["", "-wal"].map((part) => statSync(`${path}${part}`, { bigint: true, throwIfNoEntry: false })?.mtimeNs).join();

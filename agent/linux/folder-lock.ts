/** One agent per data folder: two would share sequence numbers, and the cloud would take one's samples for the other's. */
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type BetterSqlite from "better-sqlite3";

/**
 * SQLite's file lock serves, because the kernel gives it back at any death of the process, which a file with a process
 * id in it doesn't. Returns the way to give it back. Throws without a `code` when another agent runs on the folder,
 * with the system's or SQLite's when it can't be known.
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  const Sqlite = createRequire(import.meta.url)("better-sqlite3") as typeof BetterSqlite;
  const lock = new Sqlite(join(folder, "lock.sqlite"), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    if (!(cause instanceof Sqlite.SqliteError) || !cause.code.startsWith("SQLITE_BUSY")) throw cause;
    throw new Error(`data folder ${folder}: another agent already runs on it`, { cause });
  }
  return () => void lock.close();
}

/** Whether somebody has locked it, asked without locking it; "unknown" when this person may not look. */
export function isFolderLocked(folder: string): boolean | "unknown" {
  const path = join(folder, "lock.sqlite");
  try {
    if (!existsSync(folder)) return false;
    const Sqlite = createRequire(import.meta.url)("better-sqlite3") as typeof BetterSqlite;
    const lock = new Sqlite(path, { timeout: 0, readonly: true, fileMustExist: true });
    try {
      // Reading takes a shared lock, which an exclusive one refuses.
      lock.prepare("SELECT count(*) FROM sqlite_master").get();
      return false;
    } catch (error) {
      return error instanceof Sqlite.SqliteError && error.code.startsWith("SQLITE_BUSY") ? true : "unknown";
    } finally {
      lock.close();
    }
  } catch {
    return existsSync(path) ? "unknown" : false;
  }
}

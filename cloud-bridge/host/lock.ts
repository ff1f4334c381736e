import { mkdirSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite from "better-sqlite3";

/**
 * One bridge per data folder. SQLite's file lock serves, because the kernel gives it back at any death of the process,
 * which a file with a process id in it doesn't. Throws when another one runs.
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = new BetterSqlite(join(folder, "lock.sqlite"), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    throw new Error(`lock ${folder}: another bridge runs on it`, { cause });
  }
  return () => lock.close();
}

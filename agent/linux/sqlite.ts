/** SQLite through better-sqlite3, loaded when the first database is opened. Synchronous: no hidden scheduling. */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Database as Sqlite, Statement as SqliteStatement } from "better-sqlite3";
import {
  type Database,
  DatabaseError,
  type DatabaseFailure,
  type Databases,
  type SqlValue,
  type Statement,
} from "../world.ts";

const MEMORY = ":memory:";
/** Only a stray second process (the command line's `status`) can hold the lock, and only for a moment. */
const BUSY_TIMEOUT_MS = 2_000;

/**
 * `isSoleOwner`: no other connection opens these files as long as this process has them open, whoever tries finds them
 * locked. SQLite then keeps its index of the log in memory (sqlite.org/wal.html, 6), not in a -shm file, of whose pages
 * the kernel writes three to the medium every 30 s.
 */
export function createDatabases({ isSoleOwner = false }: { readonly isSoleOwner?: boolean } = {}): Databases {
  return {
    open: (path) => told(`open ${path}`, () => databaseFrom(open(path, isSoleOwner), path)),
    setAside,
  };
}

type SqliteConstructor = new (path: string, options: { timeout: number }) => Sqlite;

function open(path: string, isSoleOwner: boolean): Sqlite {
  const Constructor = createRequire(import.meta.url)("better-sqlite3") as SqliteConstructor;
  if (path === MEMORY) return new Constructor(path, { timeout: BUSY_TIMEOUT_MS });
  const folder = dirname(path);
  const isNew = !existsSync(path);
  if (isNew) mkdirSync(folder, { recursive: true, mode: 0o750 });
  const sqlite = new Constructor(path, { timeout: BUSY_TIMEOUT_MS });
  // Before the first look at the file: from then on there is a -shm file, or none.
  if (isSoleOwner) sqlite.pragma("locking_mode = EXCLUSIVE");
  // SQLite makes the names of its journals durable, but not that of the database itself.
  if (isNew) syncFolder(folder);
  return sqlite;
}

function databaseFrom(sqlite: Sqlite, path: string): Database {
  const log = logOf(path);
  return {
    exec: (sql) => told(`${path}: ${sql}`, () => void sqlite.exec(sql)),
    prepare: (sql) => told(`${path}: ${sql}`, () => statementFrom(sqlite.prepare<SqlValue[]>(sql), `${path}: ${sql}`)),
    transaction: (work) => told(`${path}: transaction`, () => sqlite.transaction(work).immediate()),
    sync: () => told(`sync ${path}`, log.sync),
    reserve: (logBytes, spareBytes) =>
      told(
        `reserve ${path}`,
        () => path === MEMORY || (log.lengthen(logBytes) && makeSpare(spareOf(path), spareBytes)),
      ),
    releaseSpare: () => told(`release ${spareOf(path)}`, () => rmSync(spareOf(path), { force: true })),
    close: () =>
      told(`close ${path}`, () => {
        try {
          log.close();
        } finally {
          // Whatever happens to the log: a file that stays locked could never be opened again.
          sqlite.close();
        }
      }),
  };
}

interface Log {
  readonly sync: () => void;
  /** Whether there was room. */
  readonly lengthen: (bytes: number) => boolean;
  readonly close: () => void;
}

/**
 * SQLite's own sync is fsync in this build, which also puts the log's time of change on the medium: a commit of the file
 * system's journal, three blocks, for each of ours. fdatasync leaves it out; the file's size and place are in it (fdatasync(2)).
 * SQLite keeps its locks on the other files, so that closing this one takes none away.
 */
function logOf(path: string): Log {
  let handle: number | undefined;
  const opened = (): number => (handle ??= openSync(`${path}-wal`, "r+"));
  return {
    sync: () => {
      if (path !== MEMORY) fdatasyncSync(opened());
    },
    // Zeros are no frames: recovery ends at them (sqlite.org/fileformat2.html, 4.4).
    lengthen: (bytes) => lengthen(opened(), bytes),
    close: () => {
      if (handle !== undefined) closeSync(handle);
      handle = undefined;
    },
  };
}

const spareOf = (path: string): string => `${path}-spare`;

function makeSpare(path: string, bytes: number): boolean {
  const handle = openSync(path, "a");
  try {
    return lengthen(handle, bytes);
  } finally {
    closeSync(handle);
  }
}

/** With zeros that take their place on the disk. False: the disk is full. */
function lengthen(handle: number, bytes: number): boolean {
  const { size } = fstatSync(handle);
  if (size >= bytes) return true;
  try {
    const written = writeSync(handle, Buffer.alloc(bytes - size), 0, bytes - size, size);
    fdatasyncSync(handle);
    return size + written >= bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    return false;
  }
}

function statementFrom(statement: SqliteStatement<SqlValue[]>, what: string): Statement {
  return {
    run: (...values) => told(what, () => statement.run(...values)),
    get: (...values) => told(what, () => statement.get(...values) as Record<string, SqlValue> | undefined),
    all: (...values) => told(what, () => statement.all(...values) as Record<string, SqlValue>[]),
  };
}

/**
 * The file and its -wal and -shm, which hold committed rows, under one new name. An older one of that name goes, so
 * that a medium that fails again and again can't fill itself with wrecks.
 */
function setAside(path: string, suffix: string): string {
  if (path === MEMORY) return MEMORY;
  const aside = `${path}.${suffix}`;
  return told(`set aside ${path}`, () => {
    for (const part of ["", "-wal", "-shm"]) {
      rmSync(`${aside}${part}`, { force: true });
      if (existsSync(`${path}${part}`)) renameSync(`${path}${part}`, `${aside}${part}`);
    }
    syncFolder(dirname(path));
    return aside;
  });
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Errors of SQLite and of the file system become DatabaseErrors; others are bugs and pass. */
function told<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
    if (cause instanceof DatabaseError || code === undefined || code.startsWith("ERR_")) throw cause;
    throw new DatabaseError(failureOf(code), `${what}: ${(cause as Error).message} (${code})`, { cause });
  }
}

function failureOf(code: string): DatabaseFailure {
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "EDQUOT") return "full";
  return DAMAGE.test(code) ? "corrupt" : "failed";
}

/** Our SQL is fixed: when SQLite finds it wrong ("no such column"), or a row against the rules, the file is damaged. */
const DAMAGE = /^SQLITE_(CORRUPT|NOTADB|ERROR|CONSTRAINT|MISMATCH|FORMAT|SCHEMA)/;

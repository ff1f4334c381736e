/**
 * The buffer's file: SQLite with settings that survive a power cut, and its tables.
 *
 *   epochs    one per process start; its rows have ids from first_row on, up to the next epoch's first_row
 *   streams   last: the highest sequence known when the epoch was closed or when a row of it left; rows may know more
 *   boots     wall = boot + offset_ms, once the clock was trusted; undated: something left on this boot's own time
 *   schemas   as ledger message; announced_ms: wall time at which the cloud was last told
 *   rows      one per commit interval: a plain batch, or one alarm (row.ts), each with its own CRC-32C
 *   sealed    messages with fixed bounds that are not accepted yet: rows first_row…last_row, or a body; form: how a
 *             batch of its rows is encoded, null: deflated. Older releases' files get the column when they are opened
 *             Likewise backlog: 1 when a late message's rows were never sent before
 *   cursors   rows up to sealed_to have been sealed into messages, but for those of a backlog
 *   wanted    rows that the cloud asked for again; backlog 1: rows that piled up while it was away and were never sent
 *   fates     what became of sequences that need not be in rows: receipted, dropped; message: the one that said so
 *   sent_before  rows that were in a message of a file that got damaged, and wait again; few files have it (sent-before.ts)
 *   thinning  how far the older half of the waiting rows has been thinned out, if so configured (thin.ts)
 *
 * Nothing but `rows` changes at a commit, which is what keeps flash writes few.
 */
import type { Database, Databases, SqlValue } from "../world.ts";
import { DatabaseError } from "../world.ts";

export type Columns = Record<string, SqlValue>;

export interface Tables {
  /** The budget, or what the disk has room for. */
  readonly pagesMax: number;
  run(sql: string, ...values: SqlValue[]): number;
  get(sql: string, ...values: SqlValue[]): Columns | undefined;
  all(sql: string, ...values: SqlValue[]): Columns[];
  transaction<T>(work: () => T): T;
  /** The disk may be full before the budget is: from now on the file makes do with the pages it has. */
  fitDisk(): void;
  close(): void;
}

/** 1 KB pages: 321 flash bytes a reading at one commit per 10 s. */
export const PAGE_BYTES = 1024;
/** A recycled log of 400 pages costs fewer writes than a growing one. */
const WAL_PAGES = 400;
/** sqlite.org/fileformat2.html, 4.1: a header of 32 bytes, and 24 for each page. */
const LOG_BYTES = 32 + WAL_PAGES * (PAGE_BYTES + 24);
/**
 * A log that can't be moved into the file for want of room is a dead end: even deleting takes room in it. So much is set
 * aside for that one time: what the log holds, and as much again for what the file system needs with it.
 */
const SPARE_BYTES = 2 * LOG_BYTES;
/** The tables themselves, the reserve for evictions, and a handful of rows. */
const PAGES_MIN = 64;
export const TABLES_VERSION = 1;

const CREATE = `
  CREATE TABLE epochs (id INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE, boot_id TEXT NOT NULL,
                       first_row INTEGER NOT NULL, closed INTEGER NOT NULL);
  CREATE TABLE streams (epoch_id INTEGER NOT NULL, stream TEXT NOT NULL, last INTEGER NOT NULL,
                        PRIMARY KEY (epoch_id, stream)) WITHOUT ROWID;
  CREATE TABLE boots (boot_id TEXT PRIMARY KEY, offset_ms INTEGER, undated INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE schemas (hash TEXT PRIMARY KEY, body BLOB NOT NULL, announced_ms INTEGER) WITHOUT ROWID;
  CREATE TABLE rows (id INTEGER PRIMARY KEY, epoch_id INTEGER NOT NULL, is_alarm INTEGER NOT NULL,
                     boot_ms INTEGER NOT NULL, samples INTEGER NOT NULL, readings INTEGER NOT NULL, body BLOB NOT NULL);
  CREATE INDEX alarm_rows ON rows (id) WHERE is_alarm = 1;
  CREATE TABLE sealed (id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, kind TEXT NOT NULL,
                       first_row INTEGER, last_row INTEGER, samples INTEGER NOT NULL, readings INTEGER NOT NULL,
                       offset_ms INTEGER, body BLOB, form TEXT, backlog INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE cursors (is_alarm INTEGER PRIMARY KEY, sealed_to INTEGER NOT NULL);
  INSERT INTO cursors VALUES (0, 0), (1, 0);
  CREATE TABLE wanted (id INTEGER PRIMARY KEY, is_alarm INTEGER NOT NULL, first_row INTEGER NOT NULL,
                       last_row INTEGER NOT NULL, backlog INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE fates (id INTEGER PRIMARY KEY, epoch TEXT NOT NULL, stream TEXT NOT NULL, fate TEXT NOT NULL,
                      first INTEGER NOT NULL, last INTEGER NOT NULL, message INTEGER);
  PRAGMA user_version = ${TABLES_VERSION};`;
/** What came later. Only ever added to, and such that an older release of the same version can go on with the file. */
const ADD = `
  CREATE TABLE IF NOT EXISTS thinning (id INTEGER PRIMARY KEY CHECK (id = 1), thinned_to INTEGER NOT NULL,
                                       pass_end INTEGER NOT NULL, every INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS fates_by_fate ON fates (epoch, stream, fate, last);
  CREATE INDEX IF NOT EXISTS fates_untold ON fates (id) WHERE message IS NULL AND fate <> 'receipted';
  DROP INDEX IF EXISTS fates_by_stream;`;

/**
 * Adds what files of older releases lack. Their messages keep their bytes, and an older release reads the file as before:
 * it sends the same samples with the other body, and a backlog as if it had been asked for.
 */
export function addMissingColumns(tables: Tables): void {
  const sealed = tables.all("SELECT name FROM pragma_table_info('sealed')").map(({ name }) => name);
  const wanted = tables.all("SELECT name FROM pragma_table_info('wanted')").map(({ name }) => name);
  if (!sealed.includes("form")) tables.run("ALTER TABLE sealed ADD COLUMN form TEXT");
  if (!sealed.includes("backlog")) tables.run("ALTER TABLE sealed ADD COLUMN backlog INTEGER NOT NULL DEFAULT 0");
  if (!wanted.includes("backlog")) tables.run("ALTER TABLE wanted ADD COLUMN backlog INTEGER NOT NULL DEFAULT 0");
}

/** Thrown when the file was written by a newer release: it is set aside untouched. */
export class NewerFileError extends Error {
  override readonly name = "NewerFileError";
}

/** Opens or creates; one that was set aside is only read. Throws DatabaseError, NewerFileError. */
export function openTables(databases: Databases, path: string, bytesMax: number, isAside = false): Tables {
  const database = databases.open(path);
  try {
    const pagesMax = Math.max(PAGES_MIN, Math.floor(bytesMax / PAGE_BYTES) - WAL_PAGES);
    // Before anything is set: a newer release's file stays as it is.
    const version = wholeOf(database.prepare("PRAGMA user_version").get(), "user_version");
    if (version > TABLES_VERSION) throw new NewerFileError(`${path}: version ${version}, known is ${TABLES_VERSION}`);
    configure(database, path, pagesMax);
    database.transaction(() => database.exec(version === 0 ? CREATE + ADD : ADD));
    const tables = tablesFrom(database, pagesMax);
    if (!isAside && !database.reserve(LOG_BYTES, SPARE_BYTES)) tables.fitDisk();
    return tables;
  } catch (error) {
    database.close();
    throw error;
  }
}

function configure(database: Database, path: string, pagesMax: number): void {
  database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = ${WAL_PAGES}; PRAGMA journal_size_limit = -1; PRAGMA max_page_count = ${pagesMax};`);
  // NORMAL orders the checkpoints; that a commit is on the medium is ours to see to (`tablesFrom`). Trust, but read back.
  const synchronous = wholeOf(database.prepare("PRAGMA synchronous").get(), "synchronous");
  const journal = database.prepare("PRAGMA journal_mode").get()?.["journal_mode"];
  if (synchronous < 1 || (journal !== "wal" && path !== ":memory:")) {
    throw new DatabaseError(
      "failed",
      `${path}: synchronous ${synchronous}, journal ${String(journal)}; NORMAL and wal needed`,
    );
  }
}

function tablesFrom(database: Database, pagesMax: number): Tables {
  const prepared = new Map<string, ReturnType<Database["prepare"]>>();
  const statement = (sql: string) => {
    let found = prepared.get(sql);
    if (!found) {
      found = database.prepare(sql);
      prepared.set(sql, found);
    }
    return found;
  };
  let depth = 0;
  let pages = pagesMax;
  /** What NORMAL leaves out and FULL would do with fsync: nothing is promised before it is on the medium. */
  const durably = <T>(work: () => T): T => {
    const done = work();
    if (depth === 0) database.sync();
    return done;
  };
  const within = <T>(work: () => T): T => {
    depth += 1;
    try {
      return database.transaction(work);
    } finally {
      depth -= 1;
    }
  };
  const fitDisk = (): void => {
    database.releaseSpare();
    // What the log holds beyond the file's end has its place in the file from here on.
    database.prepare("PRAGMA wal_checkpoint(PASSIVE)").all();
    pages = Math.min(pages, Math.max(PAGES_MIN, wholeOf(database.prepare("PRAGMA page_count").get(), "page_count")));
    database.exec(`PRAGMA max_page_count = ${pages}`);
  };
  return {
    get pagesMax() {
      return pages;
    },
    fitDisk,
    run: (sql, ...values) => durably(() => statement(sql).run(...values).changes),
    get: (sql, ...values) => statement(sql).get(...values),
    all: (sql, ...values) => statement(sql).all(...values),
    transaction: (work) => durably(() => within(work)),
    close: () => database.close(),
  };
}

/** A column of another type than was written is corruption like any other. */
export function wholeOf(columns: Columns | undefined, name: string): number {
  const value = columns?.[name];
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new DatabaseError("corrupt", `column ${name}: not a whole number`);
}

export const wholeOrNull = (columns: Columns, name: string): number | null =>
  columns[name] === null ? null : wholeOf(columns, name);

export function textOf(columns: Columns | undefined, name: string): string {
  const value = columns?.[name];
  if (typeof value === "string") return value;
  throw new DatabaseError("corrupt", `column ${name}: not a text`);
}

export function bytesOf(columns: Columns | undefined, name: string): Uint8Array {
  const value = columns?.[name];
  if (value instanceof Uint8Array) return value;
  throw new DatabaseError("corrupt", `column ${name}: not bytes`);
}

/** 16 hex digits; a damaged name must not get as far as a message. */
export function epochOf(columns: Columns): string {
  const epoch = textOf(columns, "epoch");
  if (/^[0-9a-f]{16}$/.test(epoch)) return epoch;
  throw new DatabaseError("corrupt", "column epoch: not 16 hex digits");
}

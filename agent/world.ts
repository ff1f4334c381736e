/**
 * Everything that comes from outside: time, chance, ports, database, files, messages, log.
 * Declared here, implemented in `linux/` (and in `testing/` for tests), joined in `main.ts`, nowhere else.
 */
import type { Secret } from "./secret.ts";

export * from "./connections.ts";
export * from "./hardware.ts";
export type { LinkUse, Network } from "./network.ts";
export { Secret } from "./secret.ts";

export interface Clock {
  /** Names the boot whose start is the origin of `bootMs` (Linux boot_id). */
  readonly bootId: string;
  /** Milliseconds since boot, monotonic; goes on while the machine is suspended. May have fractions. */
  bootMs(): number;
  /** Wall clock, ms since 1970 UTC; while it isn't trusted, the best guess: not before what has certainly passed. */
  wallMs(): number;
  /** Whether something that knows the time (timesyncd, chrony, modem) vouches for `wallMs` now. */
  isWallTrusted(): boolean;
}

export interface Timers {
  /** Calls `run` once after `ms` of monotonic time; the returned function cancels. */
  after(ms: number, run: () => void): () => void;
  /** Resolves after `ms`, rejects with `signal.reason` when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Chance {
  /** 0 ≤ x < 1 */
  fraction(): number;
  /** Unpredictable bytes, for identities. */
  bytes(count: number): Uint8Array;
}

export type SqlValue = number | bigint | string | Uint8Array | null;

/** A prepared statement; rows are plain objects keyed by column name. */
export interface Statement {
  run(...values: SqlValue[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): Record<string, SqlValue> | undefined;
  all(...values: SqlValue[]): Record<string, SqlValue>[];
}

/** Synchronous SQLite. Throws DatabaseError. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /** Runs `work` in one transaction (BEGIN IMMEDIATE); rolls back when it throws. */
  transaction<T>(work: () => T): T;
  /**
   * Makes what was committed to the write-ahead log durable, without the times that its file system keeps. Nothing to
   * do for ":memory:". Throws DatabaseError "failed" when there is no log, or when nobody knows what of it is on the medium.
   */
  sync(): void;
  /**
   * Lengthens the log to `logBytes`: writing over it costs the file system nothing but the bytes. Sets `spareBytes` aside
   * in a file of its own, so that a full disk can be got out of. Returns whether there is room for both.
   */
  reserve(logBytes: number, spareBytes: number): boolean;
  /** Gives the spare bytes back to the file system. */
  releaseSpare(): void;
  close(): void;
}

export interface Databases {
  /** Opens or creates. `path` ":memory:" keeps it in RAM. */
  open(path: string): Database;
  /** Moves a database file and its -wal/-shm aside under a new name, which is returned. */
  setAside(path: string, suffix: string): string;
}

export type DatabaseFailure =
  /** No room: the page budget or the disk. */
  | "full"
  /** The file's bytes are not a database's, or not what was written. */
  | "corrupt"
  /** Everything else: I/O error, read-only medium, locked. What was being committed may or may not be on disk. */
  | "failed";

export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly failure: DatabaseFailure;
  constructor(failure: DatabaseFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.failure = failure;
  }
}

export interface Files {
  /** undefined when there is none. */
  read(path: string): Uint8Array | undefined;
  /** Write, fsync, rename, fsync folder; creates the folder. `mode` defaults to that of the file before, else 0o640. */
  writeDurably(path: string, bytes: Uint8Array, mode?: number): void;
  /**
   * These bytes from this place on, of a file that is made when there is none; what followed is cut off. On the medium when
   * it returns, but not at once as a whole: whoever reads it after a power cut has to check it.
   */
  writeAt(path: string, offset: number, bytes: Uint8Array): void;
  remove(path: string): void;
  /** Names in a folder, sorted; empty when there is no such folder. */
  list(folder: string): string[];
  /** Calls `onChange` (not more than twice a second) after the file's bytes may have changed; returns a stop. */
  watch(path: string, onChange: () => void): () => void;
}

/** Where a person changes a file: their terminal, their editor, and a place for what isn't finished. */
export interface Desk {
  /** Absolute, with links resolved as far as there is something. */
  resolve(path: string): string;
  /** Released with the process, however it ends. `by` says who holds it: "anna, process 812, since 10:14". */
  lock(path: string): Promise<{ readonly release: () => void } | { readonly by: string }>;
  /** Throws Error that says what to do when this person may not write the file (or its folder, if there is no file). */
  checkWritable(path: string): void;
  /** Of this person alone; the same for the same file, so that an edit that was cut off is found again. */
  draftOf(path: string): string;
  /** Runs the person's editor with the terminal; resolves with its exit code. Rejects when there is none. */
  edit(path: string): Promise<number>;
  /** Mode and owner stay. "replaced": the name shows the old bytes or the new ones; "written": the folder isn't ours. */
  install(path: string, bytes: Uint8Array): "replaced" | "written";
  /** One line of the person; undefined when nobody is there any more. */
  ask(question: string): Promise<string | undefined>;
  /** Width of the terminal; undefined when nobody watches. */
  columns(): number | undefined;
  close(): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error";
/** Events are names ("uplink-accepted"), not sentences; facts go into fields. Secrets never. */
export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;

export interface CertificateFacts {
  /** Whose it is. */
  readonly name: string;
  /** Lower-case hex. */
  readonly serial: string;
  /** Of its DER in lower-case hex: what AWS calls a certificate's id, and Azure its thumbprint. */
  readonly sha256?: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Keys of this board. */
export interface KeyMaker {
  /** A new ECDSA P-256 key, and a request for a certificate of that name (PKCS #10) signed with it; PEM both. */
  make(name: string): Promise<{ readonly privateKey: Secret; readonly csr: string }>;
  /** PEM; the first when it is a chain. Throws Error when it is no certificate. */
  read(certificate: string): CertificateFacts;
  isPair(certificate: string, privateKey: Secret): boolean;
}

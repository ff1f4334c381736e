/**
 * Everything that comes from outside: time, chance, ports, database, files, messages, log.
 * Declared here, implemented in `linux/` (and in `testing/` for tests), joined in `main.ts`, nowhere else.
 */
import type { Level, SerialSettings } from "@pump-station/sensor-descriptions/model.ts";
import type { LinkUse } from "./network.ts";

export type { LinkUse, Network } from "./network.ts";

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

/** An open serial line. Bytes arrive in the order of the wire, in any portions. */
export interface SerialLine {
  onBytes(listener: (bytes: Uint8Array) => void): void;
  /** Called once: unplugged, failed, or closed by us. */
  onClosed(listener: (reason: string) => void): void;
  /** Resolves when the bytes have left; rejects with PortError "stuck" after `deadlineMs`. */
  write(bytes: Uint8Array, deadlineMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface SerialPorts {
  /** Throws PortError "absent" | "busy" | "denied". */
  open(path: string, settings: SerialSettings): Promise<SerialLine>;
}

export interface I2cBus {
  /**
   * Writes, then reads `readLength` bytes from a 7-bit address. At most one call is in flight per bus.
   * Throws PortError "nack" (nobody at that address), "stuck" (deadline passed, the bus counts as busy until the
   * call returns), "busy" (such a call is still out), "absent".
   */
  transfer(address: number, write: Uint8Array, readLength: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface I2cBuses {
  open(path: string): Promise<I2cBus>;
}

export interface PulseCounter {
  /** Debounced edges since this counter was opened; only grows. Throws PortError "absent" while the chip is away. */
  count(): number;
  /** What a technician should know of the counting since this was last asked; undefined: nothing. */
  trouble(): string | undefined;
  close(): Promise<void>;
}

export interface LevelWatch {
  /** What the pin is at now. Throws PortError "absent" while the chip is away. */
  level(): Promise<Level>;
  close(): Promise<void>;
}

export interface OutputLine {
  /** Resolves when the line is driven so. Throws PortError. */
  set(level: Level): Promise<void>;
  /** Read back: from the line where the backend can, else what the holder holds. Throws PortError. */
  level(): Promise<Level>;
  /** Lets go of the line, whatever it is at. */
  close(): Promise<void>;
}

/** A line by its offset on the chip, or by its name there. */
export type GpioPin = number | string;

export interface PulseOptions {
  readonly edge: "rising" | "falling";
  readonly debounceMs: number;
  readonly pull?: "up" | "down";
}
export interface LevelOptions {
  readonly active: "high" | "low";
  readonly pull?: "up" | "down";
}
export interface OutputOptions {
  readonly active: "high" | "low";
  readonly safe: Level;
}

/** `chip` is the chip's label. All throw PortError "absent" | "busy" | "denied". */
export interface GpioChips {
  countPulses(chip: string, pin: GpioPin, options: PulseOptions, onPulse: () => void): Promise<PulseCounter>;
  /** The kernel counts; `counter` is its name. Nothing is debounced, and nothing is lost while this process is busy. */
  countByKernel(counter: string): Promise<PulseCounter>;
  /** `onEdge` is told every change, bounces too, some of them late or never: who needs the level asks for it. */
  watchLevel(chip: string, pin: GpioPin, options: LevelOptions, onEdge: () => void): Promise<LevelWatch>;
  /** Drives the safe level at once. `onLost`: the line was let go of, told once, never after `close`. */
  drive(chip: string, pin: GpioPin, options: OutputOptions, onLost: (reason: string) => void): Promise<OutputLine>;
}

/** All ports of a station, real or from a simulator's socket; a Port of the description chooses. */
export interface Ports {
  readonly serial: SerialPorts;
  i2c(simulator: string | undefined): I2cBuses;
  gpio(simulator: string | undefined): GpioChips;
}

/** What this machine has, looked up without opening anything that an agent may hold. */
export interface PortListing {
  /** Serial ports that are hardware, best name first (one that names the plug). */
  serial(): Promise<readonly ListedPort[]>;
  i2c(): Promise<readonly ListedPort[]>;
  /** Throws PortError "absent" that says which tool is missing. */
  gpio(): Promise<readonly ListedChip[]>;
  /** The device behind a link; the path itself when there is none. */
  real(path: string): string;
}

export interface ListedPort {
  readonly path: string;
  /** Other names of the same port. */
  readonly also: readonly string[];
  /** What the kernel calls it: "bcm2835 (i2c@7e804000)"; "" when it says nothing. */
  readonly what: string;
}

export interface ListedChip {
  /** What a station file says after `gpio:`. */
  readonly label: string;
  readonly name: string;
  readonly lines: readonly ListedLine[];
}

export interface ListedLine {
  readonly offset: number;
  readonly name?: string;
  /** Who uses it; "" when somebody does who gave no name; undefined: it is free, or nobody can tell. */
  readonly usedBy?: string;
}

export type PortFailure = "absent" | "busy" | "denied" | "stuck" | "nack" | "closed";

export class PortError extends Error {
  override readonly name = "PortError";
  readonly failure: PortFailure;
  constructor(failure: PortFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.failure = failure;
  }
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
  /** Write, fsync, rename, fsync folder; creates the folder. `mode` defaults to 0o640. */
  writeDurably(path: string, bytes: Uint8Array, mode?: number): void;
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

export interface MqttOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: Secret;
  /** PEM */
  readonly ca?: string;
  readonly key?: Secret;
  readonly cert?: string;
  readonly keepAliveS: number;
  readonly connectTimeoutMs: number;
  /** Given while nothing vouches for the wall clock: a time that has certainly passed, for certificates; ms since 1970. */
  readonly notBeforeMs?: number;
  readonly will?: { readonly topic: string; readonly payload: Uint8Array; readonly retain: boolean };
}

/** One MQTT connection; never reconnects by itself. Messages, not sockets, are the seam. */
export interface MqttConnection {
  /** QoS 1; resolves at PUBACK, rejects with CloudError when the link goes or `deadlineMs` passes. */
  publish(
    topic: string,
    payload: Uint8Array,
    options: { readonly retain?: boolean; readonly deadlineMs: number },
  ): Promise<void>;
  /** QoS 1; rejects when the broker refuses. */
  subscribe(topics: readonly string[]): Promise<void>;
  onMessage(listener: (topic: string, payload: Uint8Array) => void): void;
  onClosed(listener: (reason: string) => void): void;
  /** PINGREQ; resolves at PINGRESP, rejects with CloudError "reconnect" when the link goes or `deadlineMs` passes. */
  ping(deadlineMs: number): Promise<void>;
  use(): LinkUse;
  close(): Promise<void>;
}

export interface MqttClients {
  /** Resolves at CONNACK. Rejects with an Error whose `code` is "refused" when credentials were refused. */
  connect(options: MqttOptions, signal: AbortSignal): Promise<MqttConnection>;
}

/** A string that must not be printed. `reveal` is called only where it leaves for its purpose. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return "***";
  }
  toJSON(): string {
    return "***";
  }
}

/**
 * Everything that comes from outside: time, chance, database, files, stations' messages, log.
 * The shapes are those of the agent's world. Implemented in `host/`, joined in `main.ts`, nowhere else.
 */

export interface Clock {
  /** ms since 1970 UTC */
  wallMs(): number;
  /** ms since an arbitrary origin; never steps. */
  monotonicMs(): number;
}

export interface Timers {
  /** Calls `run` once after `ms` of monotonic time; the returned function cancels. */
  after(ms: number, run: () => void): () => void;
}

export interface Chance {
  /** Unpredictable bytes, for secrets and identities. */
  bytes(count: number): Uint8Array;
}

export type SqlValue = number | bigint | string | Uint8Array | null;
export type SqlRow = Record<string, SqlValue>;

/** A prepared statement; rows are plain objects keyed by column name. */
export interface Statement {
  run(...values: SqlValue[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): SqlRow | undefined;
  all(...values: SqlValue[]): SqlRow[];
  iterate(...values: SqlValue[]): IterableIterator<SqlRow>;
}

/** Synchronous SQLite, durable at each commit. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /** Runs `work` in one transaction (BEGIN IMMEDIATE); rolls back when it throws. */
  transaction<T>(work: () => T): T;
  close(): void;
}

export interface Databases {
  /** Opens or creates. `path` ":memory:" keeps it in RAM. */
  open(path: string): Database;
}

export interface Files {
  /** undefined when there is none. */
  read(path: string): Uint8Array | undefined;
  /** Write, fsync, rename, fsync folder; creates the folder (mode 0700). */
  writeDurably(path: string, bytes: Uint8Array, mode: number): void;
  /** No error when there is none. */
  remove(path: string): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error";
/** Events are names ("ingress-quarantined"), not sentences; facts go into fields. Secrets never. */
export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** A message of a station. `station` is who the broker authenticated, never what the payload says. */
export interface StationMessage {
  readonly station: string;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** What a client shows when it connects. Nothing is believed yet but that it holds the key of its certificate. */
export interface Claim {
  readonly clientId: string;
  readonly user?: string;
  readonly password?: Uint8Array;
  /** DER of what it showed in the TLS handshake, whoever has signed it. */
  readonly certificate?: Uint8Array;
}

/** Who a connection is, and what it is for. */
export interface Admission {
  readonly station: string;
  /** "enrolling": asks for a certificate and does nothing else. */
  readonly role: "station" | "enrolling";
  readonly by: "password" | "token" | "certificate";
  /** Of the certificate. */
  readonly serial?: string;
  /** After this the connection is worth nothing, ms since 1970. */
  readonly untilMs?: number;
}

/** What a broker asks and tells. Messages, not sockets, are the seam. */
export interface BrokerHandlers {
  authenticate(claim: Claim): Promise<Admission | { readonly refused: string }>;
  mayPublish(who: Admission, topic: string): boolean;
  maySubscribe(who: Admission, filter: string): boolean;
  /** Resolves when the message is durable: then the broker acknowledges. Rejects: it closes that connection instead. */
  onMessage(message: StationMessage): Promise<void>;
  /** A request for a certificate; `topic` is one of those that `mayPublish` allows to who enrols. */
  onEnrolment(who: Admission, message: StationMessage): Promise<void>;
  /** Admitted and connected; from here on `Broker.disconnect` finds it. */
  onAdmitted(who: Admission): void;
  onSubscribed(station: string, filters: readonly string[]): void;
  onOnline(station: string): void;
  onOffline(station: string): void;
}

export interface Broker {
  readonly port: number;
  isOnline(station: string): boolean;
  /** QoS 1 to whoever is connected and subscribed; resolves when it is written, kept for nobody. */
  publish(topic: string, payload: Uint8Array): Promise<void>;
  /** Closes every connection that is meant, at once; returns how many. */
  disconnect(isMeant: (who: Admission) => boolean): number;
  close(): Promise<void>;
}

/** A request for a certificate that holds what it says: it is signed with the key that it names. */
export interface ReadRequest {
  readonly keyHash: string;
  /** What its subject says, if anything. */
  readonly commonName?: string;
}

export interface IssuedCertificate {
  readonly pem: string;
  /** Lower-case hex. */
  readonly serial: string;
  readonly untilMs: number;
}

/** The bridge's own authority for stations. */
export interface StationAuthority {
  /** PEM of the authority, for brokers that check certificates themselves. */
  readonly pem: string;
  /** Throws Error that says what is wrong with a request (PKCS #10, PEM): its form, its signature, its kind of key. */
  read(csr: string): Promise<ReadRequest>;
  /** For a request that `read` has taken. */
  issue(csr: string, station: string, nowMs: number): Promise<IssuedCertificate>;
  /** undefined when this authority hasn't signed it for a station. Says nothing of time and revocation. */
  inspect(der: Uint8Array): { readonly station: string; readonly serial: string; readonly untilMs: number } | undefined;
}

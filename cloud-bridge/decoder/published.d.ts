/** Types of the npm package. A test holds them against what it really exports. */
export type MissingReason =
  | "timeout"
  | "nack"
  | "checksum"
  | "malformed"
  | "refused"
  | "port-absent"
  | "device-off"
  | "no-sensor"
  | "implausible"
  | "stale"
  | "unchanged"
  | "busy"
  | "left-out"
  | "calm"
  | "too-few";

/** A number, or why there is none; `code` is the device's own, 0 to 255. */
export type ChannelValue = number | { readonly missing: MissingReason; readonly code?: number };

export interface SchemaChannel {
  readonly name: string;
  readonly kind: "gauge" | "counter" | "state";
  /** SenML / UCUM; empty for none */
  readonly unit: string;
  readonly resolution: number;
  /** number and name */
  readonly states?: readonly (readonly [number, string])[];
}

export interface StreamSchema {
  readonly stream: string;
  readonly channels: readonly SchemaChannel[];
}

/** wall: ms since 1970 UTC. boot: ms since the start of that boot; a "clock" message tells when it was. */
export type Basis = { readonly kind: "wall" } | { readonly kind: "boot"; readonly bootId: string };

export interface Batch {
  /** 16 hex digits */
  readonly epoch: string;
  readonly basis: Basis;
  readonly blocks: readonly {
    readonly stream: string;
    /** 16 hex digits */
    readonly schemaHash: string;
    /** of the first sample; (epoch, stream, sequence) names a sample for ever */
    readonly sequence: number;
    /** ms on the basis, one per sample */
    readonly times: readonly number[];
    /** rows[i][c]: sample i, channel c of the schema */
    readonly rows: readonly (readonly ChannelValue[])[];
  }[];
}

export interface StreamRanges {
  readonly epoch: string;
  readonly stream: string;
  /** both ends included */
  readonly ranges: readonly { readonly first: number; readonly last: number }[];
}

export type Message =
  | ({ readonly kind: "batch" } & Batch)
  | { readonly kind: "alarms"; readonly alarms: readonly object[] }
  | { readonly kind: "schema"; readonly hash: string; readonly schema: StreamSchema }
  | {
      readonly kind: "epoch-closed";
      readonly epoch: string;
      readonly counts: readonly { readonly stream: string; readonly last: number }[];
    }
  | {
      readonly kind: "dropped";
      readonly dropped: readonly StreamRanges[];
      readonly reason: "full" | "unconfirmed" | "corrupt";
    }
  | { readonly kind: "clock"; readonly bootId: string; readonly offsetMs: number; readonly earlierMs?: number }
  | { readonly kind: "receipt"; readonly stored: readonly StreamRanges[] }
  | { readonly kind: "ranges-wanted"; readonly wanted: readonly StreamRanges[] }
  | { readonly kind: "schema-wanted"; readonly hashes: readonly string[] };

interface SampleHead {
  readonly epoch: string;
  readonly stream: string;
  readonly sequence: number;
  /** since 1970 UTC, or since the start of the boot `boot` */
  readonly ms: number;
  readonly utc?: string;
  readonly boot?: string;
}

export interface FlatSample extends SampleHead {
  readonly values: Readonly<Record<string, number>>;
  /** names of states */
  readonly states?: Readonly<Record<string, string>>;
  /** "timeout", or with the device's own code "refused 4" */
  readonly missing?: Readonly<Record<string, string>>;
}

export interface FlatReading extends SampleHead {
  readonly channel: string;
  readonly value?: number;
  readonly unit: string;
  readonly state?: string;
  readonly missing?: MissingReason;
  readonly code?: number;
}

/** Schemas by hash; a Map will do. */
export interface SchemaShelf {
  get(hash: string): StreamSchema | undefined;
  set(hash: string, schema: StreamSchema): unknown;
}

/** The same, somewhere that lasts. */
export interface SchemaStore {
  get(hash: string): StreamSchema | undefined | Promise<StreamSchema | undefined>;
  set(hash: string, schema: StreamSchema): unknown;
}

/** kind: sample, alarm, undecoded, or that of any other message */
export type Document = Readonly<Record<string, unknown>> & { readonly kind: string };

export declare class WireError extends Error {
  readonly name: "WireError";
  readonly reason: "truncated" | "checksum" | "version" | "malformed" | "schema-wanted";
  /** of the schema that is wanted */
  readonly hash?: string;
  constructor(reason: WireError["reason"], message: string, options?: { cause?: unknown; hash?: string });
}

/** A schema message puts its schema into `schemas`. Throws WireError. */
export declare function decodeMessage(bytes: Uint8Array, schemas: SchemaShelf): Message;
/** As JSON; what can't be decoded is a document, too. Rejects only when the store does. */
export declare function documentsOf(bytes: Uint8Array, store: SchemaStore): Promise<Document[]>;
export declare function samplesOf(
  batch: Batch,
  schemaOf: (hash: string) => StreamSchema | undefined,
): Generator<FlatSample>;
export declare function readingsOf(
  batch: Batch,
  schemaOf: (hash: string) => StreamSchema | undefined,
): Generator<FlatReading>;
/** A line of CSV without its end: epoch,stream,sequence,ms,utc,boot,channel,value,unit,state,missing,code */
export declare function csvLine(reading: FlatReading): string;
/** 16 hex digits */
export declare function schemaHash(schema: StreamSchema): string;

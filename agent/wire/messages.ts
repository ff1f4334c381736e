/**
 * The nouns that device and cloud exchange, decoded. Bytes: `batch.ts` (batches) and `ledger.ts` (all else in CBOR).
 */
import type { ChannelValue } from "../reading.ts";
import type { StreamSchema } from "./schema.ts";

/** Inclusive. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** One stream's consecutive samples: sequence, sequence + 1, … */
export interface StreamBlock {
  readonly stream: string;
  /** 16 hex digits */
  readonly schemaHash: string;
  readonly sequence: number;
  /** ms on the batch's basis, one per sample, whole numbers */
  readonly times: readonly number[];
  /** rows[i][c]: sample i, channel c of the schema */
  readonly rows: readonly (readonly ChannelValue[])[];
}

/** `wall`: times are ms since 1970 UTC, from a trusted clock. `boot`: ms since the start of that boot; re-dated later. */
export type Basis = { readonly kind: "wall" } | { readonly kind: "boot"; readonly bootId: string };

export interface Batch {
  /** Random per process start, 16 hex digits. */
  readonly epoch: string;
  readonly basis: Basis;
  readonly blocks: readonly StreamBlock[];
}

export interface StreamRanges {
  readonly epoch: string;
  readonly stream: string;
  readonly ranges: readonly Range[];
}

/**
 * full = there was no room, and no cloud had accepted it; unconfirmed = there was no room, a cloud had accepted it, and
 * nobody has confirmed that it is stored; corrupt = what was written can't be read back.
 */
export const DROP_REASONS = ["full", "unconfirmed", "corrupt"] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** Station → cloud (kind = property "kind" of the message) except where noted. */
export type LedgerMessage =
  | { readonly kind: "schema"; readonly schema: StreamSchema }
  /** An epoch that will get no more samples, with each stream's last sequence (the first is 1). */
  | {
      readonly kind: "epoch-closed";
      readonly epoch: string;
      readonly counts: readonly { readonly stream: string; readonly last: number }[];
    }
  /** Deliberate drops: never to come from here. */
  | { readonly kind: "dropped"; readonly dropped: readonly StreamRanges[]; readonly reason: DropReason }
  /**
   * wall = boot + offset for everything of that boot. With `earlierMs` its clock was never set: the offset is the latest
   * possible one, and the true one is less by so much at most.
   */
  | { readonly kind: "clock"; readonly bootId: string; readonly offsetMs: number; readonly earlierMs?: number }
  /** Cloud → station: durably stored. */
  | { readonly kind: "receipt"; readonly stored: readonly StreamRanges[] }
  /** Cloud → station: send again. */
  | { readonly kind: "ranges-wanted"; readonly wanted: readonly StreamRanges[] }
  /** Cloud → station. */
  | { readonly kind: "schema-wanted"; readonly hashes: readonly string[] };

/** Small JSON messages in the urgent lane; numbered in the stream "alarms" of the epoch like samples. */
export interface AlarmMessage {
  readonly epoch: string;
  readonly sequence: number;
  readonly basis: Basis;
  /** ms on the basis */
  readonly time: number;
  readonly device: string;
  readonly alarm: string;
  readonly severity: "info" | "warning" | "critical";
  readonly active: boolean;
  readonly because: string;
  /** Somebody works at the station: it is for the record and pages nobody. */
  readonly onSite?: true | undefined;
}

/** The property "kind" of a message in a lane. */
export type MessageKind = "batch" | "alarms" | "schema" | "epoch-closed" | "dropped" | "clock";
/** Stream of the alarms; no device can have this name ("_" is not allowed there). */
export const ALARM_STREAM = "_alarms";
/**
 * Device of what happens to the station itself, in the stream of the alarms: "on-site" (active while somebody works
 * there) and "command" (what the cloud asked for and what became of it; never active).
 */
export const STATION_EVENTS = "_station";

/**
 * Any message in CBOR, without being told which: one of version 1 whose second item is a text is named by it, all others
 * are batches. Alarms are JSON and begin with "[", which no CBOR message does.
 */
import { decodeBatch } from "./batch.ts";
import { versionOf } from "./envelope.ts";
import { decodeLedger } from "./ledger.ts";
import type { Batch, LedgerMessage } from "./messages.ts";
import { type StreamSchema, schemaHash } from "./schema.ts";

export type SealedMessage =
  | ({ readonly kind: "batch" } & Batch)
  | Exclude<LedgerMessage, { kind: "schema" }>
  | { readonly kind: "schema"; readonly hash: string; readonly schema: StreamSchema };

/** Any message; alarms have been read from their JSON. */
export type Message = SealedMessage | { readonly kind: "alarms"; readonly alarms: readonly object[] };

/** Schemas by hash (16 hex digits); a Map will do. */
export interface SchemaShelf {
  get(hash: string): StreamSchema | undefined;
  set(hash: string, schema: StreamSchema): unknown;
}

const ALARMS_BEGIN = 0x5b;
export const isAlarms = (bytes: Uint8Array): boolean => bytes[0] === ALARMS_BEGIN;

/** A schema message puts its schema on the shelf. Throws WireError. */
export function decodeSealed(bytes: Uint8Array, schemas: SchemaShelf): SealedMessage {
  if (!isLedger(bytes)) return { kind: "batch", ...decodeBatch(bytes, (hash) => schemas.get(hash)) };
  const message = decodeLedger(bytes);
  if (message.kind !== "schema") return message;
  const hash = schemaHash(message.schema);
  schemas.set(hash, message.schema);
  return { kind: "schema", hash, schema: message.schema };
}

const LEDGER_VERSION = 1;
const TEXT = 3;

/** Throws WireError. The arrays of all ledger messages are short, so that their head is one byte. */
const isLedger = (bytes: Uint8Array): boolean =>
  versionOf(bytes) === LEDGER_VERSION && (bytes[0] ?? 0) < 0x98 && (bytes[2] ?? 0) >> 5 === TEXT;

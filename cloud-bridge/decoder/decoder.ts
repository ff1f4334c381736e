/**
 * What the npm package exports: messages of a station as objects and as JSON documents. Needs Node's zlib and crypto,
 * nothing else; the types that are published stand in published.d.ts.
 */
import { type Document, documentsFrom } from "@pump-station/agent/wire/flat-samples.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import { decodeSealed, isAlarms, type Message, type SchemaShelf } from "@pump-station/agent/wire/sealed-message.ts";
import { WireError } from "@pump-station/agent/wire/wire-error.ts";

export { csvLine, readingsOf, samplesOf } from "@pump-station/agent/wire/flat-samples.ts";
export { schemaHash, WireError };

/** Keeps schemas for as long as stations use them: weeks at least. A Map keeps them as long as the process runs. */
export interface SchemaStore {
  get(hash: string): StreamSchema | undefined | Promise<StreamSchema | undefined>;
  set(hash: string, schema: StreamSchema): unknown;
}

const MESSAGE_BYTES_MAX = 64 * 1024;

/** A schema message puts its schema into `schemas`. Throws WireError. */
export const decodeMessage = (bytes: Uint8Array, schemas: SchemaShelf): Message =>
  isAlarms(bytes) ? { kind: "alarms", alarms: alarmsFrom(bytes) } : decodeSealed(bytes, schemas);

/**
 * Documents of a message, each with its `kind`: a "sample" each of a batch, an "alarm" each of alarms, one for any other
 * message. What can't be decoded is one of kind "undecoded", with the reason and the bytes (base64), so that it can be
 * decoded when the schema has come, and holds up nothing else. Rejects only when the store does.
 */
export async function documentsOf(bytes: Uint8Array, store: SchemaStore): Promise<Document[]> {
  const shelf = new Map<string, StreamSchema>();
  try {
    return await decodeWith(bytes, store, shelf);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const { reason, message, hash } = error;
    const payload = Buffer.from(bytes).toString("base64");
    return [{ kind: "undecoded", reason, text: message, ...(hash !== undefined && { hash }), payload }];
  }
}

async function decodeWith(
  bytes: Uint8Array,
  store: SchemaStore,
  shelf: Map<string, StreamSchema>,
): Promise<Document[]> {
  for (;;) {
    try {
      const message = decodeMessage(bytes, shelf);
      if (message.kind === "schema") await store.set(message.hash, message.schema);
      return documentsFrom(message, (hash) => shelf.get(hash));
    } catch (error) {
      // Each round fetches one schema more, of as many as the batch has blocks.
      const hash = error instanceof WireError && error.reason === "schema-wanted" ? error.hash : undefined;
      const schema = hash === undefined ? undefined : await store.get(hash);
      if (hash === undefined || schema === undefined) throw error;
      shelf.set(hash, schema);
    }
  }
}

function alarmsFrom(bytes: Uint8Array): readonly object[] {
  if (bytes.length > MESSAGE_BYTES_MAX) throw new WireError("malformed", `decode alarms: ${bytes.length} bytes`);
  const alarms = jsonFrom(bytes);
  const isObject = (alarm: unknown): alarm is object =>
    typeof alarm === "object" && alarm !== null && !Array.isArray(alarm);
  if (Array.isArray(alarms) && alarms.every(isObject)) return alarms;
  throw new WireError("malformed", "decode alarms: not an array of objects");
}

function jsonFrom(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new WireError("malformed", "decode alarms: no JSON in UTF-8", { cause });
  }
}

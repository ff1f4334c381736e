/**
 * A station's message taken apart: topic, property bag, payload → what it says. Everything in it is foreign; whatever
 * can't be read strictly is "unreadable", whatever waits for a schema names its hash. Nothing here throws.
 */
import { decodeAlarms } from "@pump-station/agent/wire/alarms.ts";
import { batchHeads, decodeBatch, type SchemaOf, WireError } from "@pump-station/agent/wire/batch.ts";
import { decodeLedger } from "@pump-station/agent/wire/ledger.ts";
import type { Batch, Range } from "@pump-station/agent/wire/messages.ts";
import { schemaHash } from "@pump-station/agent/wire/schema.ts";
import { LANES, propertiesFromBag, topicParts } from "@pump-station/agent/wire/topics.ts";
import { FILE_PARTS_MAX, MESSAGE_BYTES_MAX, READINGS_PER_MESSAGE_MAX, SEQUENCE_MAX, TIME_MS_MAX } from "../limits.ts";
import type { FilePart, StoreEntry } from "../store/store.ts";
import type { StationMessage } from "../world.ts";

export type ReadMessage =
  | { readonly say: "store"; readonly entry: StoreEntry }
  | { readonly say: "twin-get"; readonly rid: string }
  | { readonly say: "twin-report"; readonly rid: string; readonly payload: Uint8Array }
  | { readonly say: "command-answer"; readonly id: string; readonly payload: Uint8Array }
  | { readonly say: "alive" }
  | { readonly say: "unreadable"; readonly reason: string }
  | { readonly say: "schema-wanted"; readonly hash: string };

export function readMessage(
  { station, topic, payload }: StationMessage,
  schemaOf: SchemaOf,
  atMs: number,
): ReadMessage {
  const [step, what, id] = topicParts(topic)?.path ?? [];
  if (step === "alive") return { say: "alive" };
  if (step === "twin" && what === "get" && id) return { say: "twin-get", rid: id };
  if (step === "twin" && what === "report" && id) return { say: "twin-report", rid: id, payload };
  if (step === "command" && what === "answer" && id) return { say: "command-answer", id, payload };
  if (!LANES.some((lane) => lane === step) || what === undefined) return unreadable("unknown topic");
  if (payload.length > MESSAGE_BYTES_MAX) return unreadable(`${payload.length} bytes, at most ${MESSAGE_BYTES_MAX}`);
  try {
    const properties = propertiesFromBag(what);
    if (properties["kind"] === "file")
      return { say: "store", entry: { kind: "file-part", part: partFrom(properties, payload), station, atMs } };
    const entry = entryFrom(properties["kind"], payload, schemaOf);
    return { say: "store", entry: { ...entry, station, atMs } as StoreEntry };
  } catch (error) {
    if (error instanceof WireError && error.reason === "schema-wanted" && error.hash !== undefined)
      return { say: "schema-wanted", hash: error.hash };
    if (error instanceof WireError) return unreadable(`${error.reason}: ${error.message}`);
    // A broken percent sequence in the bag.
    if (error instanceof URIError) return unreadable(`property bag: ${error.message}`);
    // A decoder's bug must not stop the others' messages; the bytes are kept and name it.
    return unreadable(`decoder failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Whether the bag says that a schema is in it; false when the bag can't be read. */
export function isSchemaTopic(topic: string): boolean {
  try {
    return propertiesFromBag(topicParts(topic)?.path[1] ?? "")["kind"] === "schema";
  } catch {
    return false;
  }
}

/** How many values were decoded, as a measure of the time and the memory that they take. */
export const readingsIn = (read: ReadMessage): number =>
  read.say === "store" && read.entry.kind === "batch"
    ? read.entry.batch.blocks.reduce((sum, { rows }) => sum + rows.length * (rows[0]?.length ?? 0), 0)
    : 0;

const unreadable = (reason: string): ReadMessage => ({ say: "unreadable", reason: reason.slice(0, 500) });

/** Without station and time, which don't come from the payload. Throws WireError. */
function entryFrom(kind: string | undefined, payload: Uint8Array, schemaOf: SchemaOf) {
  switch (kind) {
    case "batch":
      checkReadings(payload, schemaOf);
      return { kind, batch: checkedBatch(decodeBatch(payload, schemaOf), schemaOf) } as const;
    case "alarms":
      return { kind, alarms: decodeAlarms(payload).map(checkedAlarm) } as const;
    case "schema":
    case "epoch-closed":
    case "dropped":
    case "clock":
      return ledgerEntryFrom(kind, payload);
    default:
      throw new WireError("malformed", `unknown kind "${kind ?? ""}"`);
  }
}

function ledgerEntryFrom(kind: string, payload: Uint8Array) {
  const message = decodeLedger(payload);
  if (message.kind !== kind) throw new WireError("malformed", `the bag says ${kind}, the message ${message.kind}`);
  switch (message.kind) {
    case "schema":
      return { kind: message.kind, hash: schemaHash(message.schema), schema: message.schema } as const;
    case "epoch-closed":
      for (const { last } of message.counts) checkSequences({ first: 0, last });
      return message;
    case "dropped":
      for (const { ranges } of message.dropped) ranges.forEach(checkSequences);
      return message;
    case "clock":
      if (Math.max(Math.abs(message.offsetMs), message.earlierMs ?? 0) > TIME_MS_MAX)
        throw new WireError("malformed", `offset ${message.offsetMs} ms`);
      return message;
    default:
      throw new WireError("malformed", `a station doesn't send ${message.kind}`);
  }
}

/** Throws WireError. */
function partFrom({ sha256, name, part, parts }: Record<string, string>, body: Uint8Array): FilePart {
  const [at, of] = [Number(part), Number(parts)];
  const isCounted = Number.isInteger(at) && Number.isInteger(of) && at >= 1 && at <= of && of <= FILE_PARTS_MAX;
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256) || !isCounted)
    throw new WireError("malformed", `part ${part ?? "?"} of ${parts ?? "?"} of a file`);
  // Shown to people and offered as a name to save by.
  if (name === undefined || !/^[a-z0-9][a-z0-9.-]{0,63}$/.test(name))
    throw new WireError("malformed", "name of a file");
  return { sha256, name, part: at, parts: of, body };
}

/** Before anything is inflated: 5.7 KB of zeros are 5 million readings, and 1.3 s of everybody's time. */
function checkReadings(payload: Uint8Array, schemaOf: SchemaOf): void {
  const readings = batchHeads(payload).blocks.reduce(
    (sum, { schemaHash: hash, samples }) => sum + samples * (schemaOf(hash)?.channels.length ?? 0),
    0,
  );
  if (readings > READINGS_PER_MESSAGE_MAX)
    throw new WireError("malformed", `${readings} readings, at most ${READINGS_PER_MESSAGE_MAX}`);
}

function checkedBatch(batch: Batch, schemaOf: SchemaOf): Batch {
  for (const { stream, schemaHash: hash, sequence, times } of batch.blocks) {
    const owner = schemaOf(hash)?.stream;
    if (owner !== stream) throw new WireError("malformed", `stream ${stream} with the schema of ${owner ?? "nobody"}`);
    checkSequences({ first: sequence, last: sequence + times.length - 1 });
    times.forEach(checkTime);
  }
  return batch;
}

function checkedAlarm<Alarm extends { readonly sequence: number; readonly time: number }>(alarm: Alarm): Alarm {
  checkSequences({ first: alarm.sequence, last: alarm.sequence });
  checkTime(alarm.time);
  return alarm;
}

function checkSequences({ last }: Range): void {
  if (last > SEQUENCE_MAX) throw new WireError("malformed", `sequence ${last}, at most ${SEQUENCE_MAX}`);
}

function checkTime(time: number): void {
  if (Math.abs(time) > TIME_MS_MAX) throw new WireError("malformed", `time ${time} ms`);
}

/**
 * Ledger messages: everything in CBOR that is not a batch. An envelope (envelope.ts) of these items:
 *
 *   "schema"         stream, channels                        as in schema.ts
 *   "epoch-closed"   epoch, [[stream, last sequence]…]
 *   "dropped"        ranges, "full" | "unconfirmed" | "corrupt"
 *   "clock"          boot id, offset in ms                   wall = boot + offset
 *   "clock"          boot id, offset in ms, integer          … or earlier, by so many ms at most: the clock was never set
 *   "receipt"        ranges                                  cloud → station
 *   "ranges-wanted"  ranges                                  cloud → station
 *   "schema-wanted"  [schema hash, 8 bytes…]                 cloud → station
 *
 *   ranges = [[epoch, stream, [first, last, first, last, …]]…], both ends included, ascending, not overlapping
 *   epoch  = 8 bytes; boot id as in batch.ts
 */
import { MESSAGE_BYTES_MAX } from "../limits.ts";
import { bootIdFromItem, itemFromBasis } from "./batch.ts";
import { type CborItem, openEnvelope, sealEnvelope } from "./envelope.ts";
import { DROP_REASONS, type LedgerMessage, type Range, type StreamRanges } from "./messages.ts";
import { itemsFromSchema, schemaFromItems } from "./schema.ts";
import { arrayFrom, bytesFromHex16, hex16From, integerFrom, nameFrom, oneOf } from "./shape.ts";
import { WireError } from "./wire-error.ts";

export function encodeLedger(message: LedgerMessage): Uint8Array {
  return sealEnvelope([message.kind, ...itemsFrom(message)]);
}

/** Throws WireError. */
export function decodeLedger(bytes: Uint8Array): LedgerMessage {
  const [kind, ...items] = openEnvelope(bytes, MESSAGE_BYTES_MAX);
  switch (kind) {
    case "schema":
      return { kind, schema: schemaFromItems(items) };
    case "epoch-closed":
      return epochClosedFrom(items);
    case "dropped":
      return droppedFrom(items);
    case "clock":
      return clockFrom(items);
    case "receipt":
      return { kind, stored: rangesFrom(arrayFrom(items, kind, 1)[0]) };
    case "ranges-wanted":
      return { kind, wanted: rangesFrom(arrayFrom(items, kind, 1)[0]) };
    case "schema-wanted":
      return { kind, hashes: arrayFrom(arrayFrom(items, kind, 1)[0], kind).map((hash) => hex16From(hash, kind)) };
    default:
      throw new WireError("malformed", "decode ledger message: unknown kind");
  }
}

function itemsFrom(message: LedgerMessage): readonly CborItem[] {
  switch (message.kind) {
    case "schema":
      return itemsFromSchema(message.schema);
    case "epoch-closed":
      return [bytesFromHex16(message.epoch), message.counts.map(({ stream, last }) => [stream, last])];
    case "dropped":
      return [itemsFromRanges(message.dropped), message.reason];
    case "clock":
      return [itemFromBasis({ kind: "boot", bootId: message.bootId }), message.offsetMs, ...earlierItem(message)];
    case "receipt":
      return [itemsFromRanges(message.stored)];
    case "ranges-wanted":
      return [itemsFromRanges(message.wanted)];
    case "schema-wanted":
      return [message.hashes.map(bytesFromHex16)];
  }
}

function epochClosedFrom(items: readonly unknown[]): LedgerMessage {
  const [epoch, counts] = arrayFrom(items, "epoch-closed", 2);
  return {
    kind: "epoch-closed",
    epoch: hex16From(epoch, "epoch"),
    counts: arrayFrom(counts, "counts").map((count) => {
      const [stream, last] = arrayFrom(count, "count", 2);
      return { stream: nameFrom(stream, "stream"), last: integerFrom(last, "last", 0, Number.MAX_SAFE_INTEGER) };
    }),
  };
}

function droppedFrom(items: readonly unknown[]): LedgerMessage {
  const [ranges, reason] = arrayFrom(items, "dropped", 2);
  return { kind: "dropped", dropped: rangesFrom(ranges), reason: oneOf(reason, "reason", DROP_REASONS) };
}

function clockFrom(items: readonly unknown[]): LedgerMessage {
  const [bootId, offset, earlier] = arrayFrom(items, "clock", items.length === 3 ? 3 : 2);
  const offsetMs = integerFrom(offset, "offset", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const clock = { kind: "clock", bootId: bootIdFromItem(bootId), offsetMs } as const;
  if (items.length === 2) return clock;
  return { ...clock, earlierMs: integerFrom(earlier, "earlier by", 0, Number.MAX_SAFE_INTEGER) };
}

const earlierItem = ({ earlierMs }: { readonly earlierMs?: number }): number[] =>
  earlierMs === undefined ? [] : [earlierMs];

const itemsFromRanges = (all: readonly StreamRanges[]): CborItem[] =>
  all.map(({ epoch, stream, ranges }) => [
    bytesFromHex16(epoch),
    stream,
    ranges.flatMap(({ first, last }) => [first, last]),
  ]);

const rangesFrom = (item: unknown): StreamRanges[] =>
  arrayFrom(item, "ranges").map((entry) => {
    const [epoch, stream, bounds] = arrayFrom(entry, "stream's ranges", 3);
    return {
      epoch: hex16From(epoch, "epoch"),
      stream: nameFrom(stream, "stream"),
      ranges: rangesFromBounds(arrayFrom(bounds, "bounds")),
    };
  });

function rangesFromBounds(bounds: readonly unknown[]): Range[] {
  if (bounds.length % 2 !== 0) throw new WireError("malformed", "decode bounds: a range without an end");
  const ranges: Range[] = [];
  let lowest = 1;
  for (let at = 0; at < bounds.length; at += 2) {
    const first = integerFrom(bounds[at], "first", lowest, Number.MAX_SAFE_INTEGER);
    const last = integerFrom(bounds[at + 1], "last", first, Number.MAX_SAFE_INTEGER);
    ranges.push({ first, last });
    lowest = last + 1;
  }
  return ranges;
}

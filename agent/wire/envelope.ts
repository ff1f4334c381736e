/**
 * The envelope of every CBOR message (RFC 8949), on the wire and on flash:
 *
 *   8n | 98 nn      array of n items
 *   01 | 02 | 03    version; 2 and 3 only for batches with tight bodies (batch.ts)
 *   …               items: integers, floats, byte strings, texts, arrays, true, false, null; no maps, tags, indefinite
 *                   lengths; every head in its shortest form, every float in eight bytes
 *   44 xx xx xx xx  CRC-32C of all bytes before these five, big-endian
 *
 * cbor-x encodes (a column of 960 integers in a sixth of cborg's time) and cborg decodes: its strict decoder refuses
 * what we don't write, while cbor-x was measured to block for a minute on one 256 KiB bignum.
 */
import { Encoder } from "cbor-x";
import { decode } from "cborg";
import { crc32c } from "./crc32c.ts";
import { WireError } from "./wire-error.ts";

export type CborItem = number | bigint | string | boolean | null | Uint8Array | readonly CborItem[];

export const ENVELOPE_VERSION = 1;
const CRC_ITEM_BYTES = 5;
const CRC_ITEM_HEAD = 0x44;
/** Message, streams, stream, body, column group, column, and two to spare. */
const DEPTH_MAX = 8;

const encoder = new Encoder({ useRecords: false, tagUint8Array: false, variableMapSize: true });
/** From here on cbor-x writes a number as a float. */
const FLOAT_FROM = 2 ** 32;

/** Integers of up to 2^53 stay integers. */
function writable(item: CborItem): CborItem {
  if (typeof item === "number") {
    return Number.isSafeInteger(item) && (item >= FLOAT_FROM || item < -FLOAT_FROM) ? BigInt(item) : item;
  }
  return Array.isArray(item) ? (item as readonly CborItem[]).map(writable) : item;
}

export const encodeCbor = (item: CborItem): Uint8Array => Uint8Array.from(encoder.encode(writable(item)));

/** The items between version and checksum, sealed. */
export function sealEnvelope(items: readonly CborItem[], version = ENVELOPE_VERSION): Uint8Array {
  const bytes = encodeCbor([version, ...items, new Uint8Array(CRC_ITEM_BYTES - 1)]);
  const crcAt = bytes.length - CRC_ITEM_BYTES;
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(crcAt + 1, crc32c(bytes, crcAt));
  return bytes;
}

/** The items between version and checksum. Throws WireError, also on a version that isn't among `known`. */
export function openEnvelope(
  bytes: Uint8Array,
  bytesMax: number,
  known: readonly number[] = [ENVELOPE_VERSION],
): readonly unknown[] {
  if (bytes.length > bytesMax) throw new WireError("malformed", `open: ${bytes.length} bytes, at most ${bytesMax}`);
  const version = versionOf(bytes);
  if (!known.includes(version)) {
    throw new WireError("version", `open: version ${version}, known is ${known.join(", ")}`);
  }
  checkStructure(bytes);
  const crcAt = bytes.length - CRC_ITEM_BYTES;
  if (bytes[crcAt] !== CRC_ITEM_HEAD) throw new WireError("malformed", "open: no checksum at the end");
  const written = new DataView(bytes.buffer, bytes.byteOffset).getUint32(crcAt + 1);
  if (written !== crc32c(bytes, crcAt)) throw new WireError("checksum", "open: the checksum is another");
  const items = decodeChecked(bytes);
  if (!Array.isArray(items)) throw new WireError("malformed", "open: not an array");
  return items.slice(1, -1) as unknown[];
}

/** One CBOR item of the kinds above, and nothing after it. Throws WireError. */
export function decodeCbor(bytes: Uint8Array): unknown {
  checkStructure(bytes);
  return decodeChecked(bytes);
}

/** The first item. Throws WireError. */
export function versionOf(bytes: Uint8Array): number {
  const head = bytes[0];
  if (head === undefined) throw new WireError("truncated", "open: no bytes");
  if (head >> 5 !== ARRAY || (head & 0x1f) > 24) throw new WireError("malformed", "open: not an array");
  const version = bytes[(head & 0x1f) === 24 ? 2 : 1];
  if (version === undefined) throw new WireError("truncated", "open: ends before the version");
  return version;
}

function checkStructure(bytes: Uint8Array): void {
  const end = endOfItem(bytes, 0, 0);
  if (end !== bytes.length) throw new WireError("malformed", `decode: ${bytes.length - end} bytes after the end`);
}

function decodeChecked(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, STRICT) as unknown;
  } catch (cause) {
    throw new WireError("malformed", `decode: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  rejectDuplicateMapKeys: true,
  useMaps: true,
} as const;

const BYTE_STRING = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const SIMPLE = 7;

/**
 * Where the item that starts at `at` ends. Walked before decoding, since it tells a cut message from a wrong one, and
 * bounds nesting and lengths before anything is allocated.
 */
function endOfItem(bytes: Uint8Array, at: number, depth: number): number {
  const head = bytes[at];
  if (head === undefined) throw new WireError("truncated", `decode: ends at byte ${at}`);
  const major = head >> 5;
  const info = head & 0x1f;
  if (info > 27 || major === MAP || major === TAG) throw refused(head, at);
  if (major === SIMPLE && (info < 20 || info === 23 || info === 24)) throw refused(head, at);
  const bodyAt = at + 1 + (info < 24 ? 0 : 1 << (info - 24));
  if (bodyAt > bytes.length) throw new WireError("truncated", `decode: ends within byte ${at}'s item`);
  if (major < BYTE_STRING || major === SIMPLE) return bodyAt;
  const count = info < 24 ? info : bigEndian(bytes, at + 1, bodyAt);
  // Each item of an array takes a byte at least, so the same bound holds for arrays.
  if (count > bytes.length - bodyAt) throw new WireError("truncated", `decode: ends within byte ${at}'s item`);
  if (major === BYTE_STRING || major === TEXT) return bodyAt + count;
  if (depth === DEPTH_MAX) throw new WireError("malformed", `decode: nested deeper than ${DEPTH_MAX} at byte ${at}`);
  let end = bodyAt;
  for (let index = 0; index < count; index++) end = endOfItem(bytes, end, depth + 1);
  return end;
}

function bigEndian(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 256 + (bytes[at] ?? 0);
  return value;
}

const refused = (head: number, at: number): WireError =>
  new WireError("malformed", `decode: 0x${head.toString(16)} at byte ${at} is not used here`);

/**
 * The parts of a frame as offsets: what stands before the body has a fixed place, what stands after it moves with the
 * body's length. How long the body is follows from the first of these that there is:
 *
 *   length part          the bytes that it counts, plus `bias`: the body alone (counts: body), the body and every
 *                        check part (body+check), or the whole frame, first byte to last (frame); where there are
 *                        several they must agree (EN 13757-2, 5.5.2: the length field is transmitted twice)
 *   body with a length   always that many bytes
 *   end part             the body reaches to where its bytes stand
 *   none                 what the message is known to hold
 */

import type { ByteOrder, FramePart } from "../spec.ts";
import { type CheckPart, checkParts } from "./frame-checks.ts";
import { type NumberPart, numbersOf, type Place, placesOf, readNumber, writeNumber } from "./frame-places.ts";
import { NEED_MORE, NO_FRAME } from "./frame-scanner.ts";

export interface FrameLayout {
  /** In the order of the frame. */
  readonly places: readonly Place[];
  readonly checks: readonly CheckPart[];
  /** What the length part says beyond the body's bytes. */
  readonly lengthExtra: number;
  /** Where the body begins. */
  readonly bodyAt: number;
  /** Bytes of a frame with an empty body. */
  readonly overhead: number;
  /** Whether a frame by itself says where its body ends. */
  readonly endsItself: boolean;
  /** Whether it is the end part that says so. */
  readonly endsAtMark: boolean;
  /** Bytes of every body, the code among them; undefined: bodies differ. */
  readonly bodyLength: number | undefined;
  /** Where the first bytes of the body stand, when they stand apart. */
  readonly code: { readonly at: number; readonly size: number } | undefined;
  /** How many sequence numbers there are; 0: the frame has none. */
  readonly sequences: number;
  /** `body` begins with the code. Throws RangeError when address, length or body don't fit their parts. */
  build(address: number, body: Uint8Array, sequence: number): Uint8Array;
  /** As FrameSearch.sizeAt. `bodyLengthAt` tells a body's length from its beginning, where the frame doesn't. */
  sizeAt(data: Uint8Array, at: number, end: number, bodyLengthAt: BodyLengthAt): number;
  /** Whether constants, length and checks agree with a frame of this size. */
  isIntact(data: Uint8Array, at: number, size: number): boolean;
  /** Whether the frame carries this address, or none. */
  isFor(address: number, data: Uint8Array, at: number, size: number): boolean;
  /** Undefined when the frame carries none. */
  sequenceOf(data: Uint8Array, at: number, size: number): number | undefined;
}

/** Length of the body that begins at `bodyAt`, NO_FRAME, or undefined when more bytes are needed. */
export type BodyLengthAt = (data: Uint8Array, bodyAt: number, end: number) => number | undefined;

/** Throws Error when the parts contradict each other; a loaded description never does. */
export function createFrameLayout(frame: readonly FramePart[], byteOrder: ByteOrder): FrameLayout {
  const places = placesOf(frame);
  const body = places.find(({ part }) => part.part === "body");
  if (body?.part.part !== "body") throw new Error("frame: it has no body");
  const overhead = places.reduce((sum, { size }) => sum + size, 0);
  const constants = places.flatMap((place) =>
    place.part.part === "start" || place.part.part === "end" ? [{ ...place, bytes: place.part.bytes }] : [],
  );
  const leading = constants.filter(({ isAfterBody }) => !isAfterBody);
  const trailing = constants.filter(({ isAfterBody }) => isAfterBody);
  const addresses = numbersOf(places, "address", byteOrder);
  const sequences = numbersOf(places, "sequence", byteOrder);
  const checks = checkParts(places);
  const lengths = lengthParts(places, overhead, byteOrder);
  const [length] = lengths;
  const fixed = body.part.length;
  const end = length === undefined && fixed === undefined ? endPart(places) : undefined;
  const [counter] = sequences;
  const code = places.find(({ part }) => part.part === "code");
  const endsItself = length !== undefined || fixed !== undefined || end !== undefined;
  return {
    places,
    checks,
    lengthExtra: length?.extra ?? 0,
    bodyAt: body.at,
    overhead,
    endsItself,
    endsAtMark: end !== undefined,
    bodyLength: fixed === undefined ? undefined : fixed + (code?.size ?? 0),
    code,
    sequences: counter === undefined ? 0 : 256 ** counter.size,
    build: (address, message, sequence) => {
      const content = code === undefined ? message : message.subarray(code.size);
      if (code !== undefined && message.length < code.size) {
        throw new RangeError(`body of ${message.length} bytes: its code alone has ${code.size}`);
      }
      if (fixed !== undefined && content.length > fixed) {
        throw new RangeError(`body of ${content.length} bytes: the frame holds ${fixed}`);
      }
      const bodyLength = fixed ?? content.length;
      const frame = new Uint8Array(overhead + bodyLength);
      frame.set(content, body.at);
      if (code !== undefined) frame.set(message.subarray(0, code.size), code.at);
      for (const part of constants) frame.set(part.bytes, part.at + (part.isAfterBody ? bodyLength : 0));
      for (const part of addresses) writeNumber(frame, part, bodyLength, address);
      for (const part of sequences) writeNumber(frame, part, bodyLength, sequence);
      for (const part of lengths) writeNumber(frame, part, bodyLength, bodyLength + part.extra);
      for (const check of checks) check.write(frame, bodyLength);
      return frame;
    },
    sizeAt: (data, at, dataEnd, bodyLengthAt) => {
      for (const part of leading) if (!isThere(part.bytes, data, at + part.at, dataEnd)) return NO_FRAME;
      if (length !== undefined) {
        if (at + length.at + length.size > dataEnd) return NEED_MORE;
        const bodyLength = readNumber(data, at + length.at, length) - length.extra;
        for (const part of lengths) {
          if (at + part.at + part.size > dataEnd) break;
          if (readNumber(data, at + part.at, part) !== bodyLength + part.extra) return NO_FRAME;
        }
        return bodyLength < 0 || (fixed !== undefined && bodyLength !== fixed) ? NO_FRAME : bodyLength + overhead;
      }
      if (fixed !== undefined) return fixed + overhead;
      if (end !== undefined) {
        const found = placeOf(end.bytes, data, at + end.at, dataEnd);
        return found < 0 ? NEED_MORE : found - (at + end.at) + overhead;
      }
      const known = bodyLengthAt(data, at + body.at, dataEnd);
      return known === undefined ? NEED_MORE : known < 0 ? NO_FRAME : known + overhead;
    },
    isIntact: (data, at, size) => {
      const bodyLength = size - overhead;
      if (bodyLength < 0 || (fixed !== undefined && bodyLength !== fixed)) return false;
      for (const part of lengths) if (readNumber(data, at + part.at, part) !== bodyLength + part.extra) return false;
      for (const part of leading) if (!isThere(part.bytes, data, at + part.at, at + size)) return false;
      for (const part of trailing) if (!isThere(part.bytes, data, at + part.at + bodyLength, at + size)) return false;
      return holds(checks, data, at, bodyLength);
    },
    isFor: (address, data, at, size) => isAll(addresses, data, at, size - overhead, address),
    sequenceOf: (data, at, size) => (counter === undefined ? undefined : numberAt(counter, data, at, size - overhead)),
  };
}

function holds(checks: readonly CheckPart[], data: Uint8Array, at: number, bodyLength: number): boolean {
  for (const check of checks) if (!check.holds(data, at, bodyLength)) return false;
  return true;
}

const numberAt = (part: NumberPart, data: Uint8Array, at: number, bodyLength: number): number =>
  readNumber(data, at + part.at + (part.isAfterBody ? bodyLength : 0), part);

function isAll(parts: readonly NumberPart[], data: Uint8Array, at: number, bodyLength: number, value: number): boolean {
  for (const part of parts) if (numberAt(part, data, at, bodyLength) !== value) return false;
  return true;
}

/** Whether `bytes` stand at `at`, as far as the data reaches. */
export function isThere(bytes: Uint8Array, data: Uint8Array, at: number, end: number): boolean {
  const count = Math.min(bytes.length, end - at);
  for (let i = 0; i < count; i++) if (data[at + i] !== bytes[i]) return false;
  return true;
}

/** Where `bytes` stand in full, from `at`; -1 when they don't. */
function placeOf(bytes: Uint8Array, data: Uint8Array, at: number, end: number): number {
  for (let i = at; i + bytes.length <= end; i++) if (isThere(bytes, data, i, end)) return i;
  return -1;
}

function lengthParts(places: readonly Place[], overhead: number, byteOrder: ByteOrder) {
  const checks = places.reduce((sum, { part, size }) => sum + (part.part === "check" ? size : 0), 0);
  return places.flatMap(({ part, at, size, isAfterBody }) => {
    if (part.part !== "length") return [];
    if (isAfterBody) throw new Error("frame: its length stands after the body");
    const counted = { body: 0, "body+check": checks, frame: overhead }[part.counts];
    return [{ kind: part.part, at, size, isAfterBody, byteOrder, extra: counted + part.bias }];
  });
}

function endPart(places: readonly Place[]): { readonly at: number; readonly bytes: Uint8Array } | undefined {
  const place = places.find(({ part, isAfterBody }) => part.part === "end" && isAfterBody);
  return place?.part.part === "end" ? { at: place.at, bytes: place.part.bytes } : undefined;
}

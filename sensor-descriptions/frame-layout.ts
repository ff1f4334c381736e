/**
 * The parts of a frame as offsets: what stands before the body has a fixed place, what stands after it moves with the
 * body's length. A length part holds the bytes that it counts, plus `bias`:
 *
 *   counts: body         the body alone
 *   counts: body+check   the body and every check part
 *   counts: frame        the whole frame, first byte to last
 */
import { createChecksum } from "./checksum.ts";
import { NEED_MORE, NO_FRAME } from "./frame-scanner.ts";
import type { ByteOrder, FramedSpec, FramePart } from "./spec.ts";

export interface FrameLayout {
  /** Where the body begins. */
  readonly bodyAt: number;
  /** Bytes of a frame with an empty body. */
  readonly overhead: number;
  readonly hasLength: boolean;
  /** Throws RangeError when address or length don't fit their parts. */
  build(address: number, body: Uint8Array): Uint8Array;
  /** As FrameSearch.sizeAt. Without a length part, `bodyLengthAt` tells the body's length from its beginning. */
  sizeAt(data: Uint8Array, at: number, end: number, bodyLengthAt: BodyLengthAt): number;
  isIntact(data: Uint8Array, at: number, size: number): boolean;
  /** Whether the frame carries this address, or none. */
  isFor(address: number, data: Uint8Array, at: number, size: number): boolean;
}

/** Length of the body that begins at `bodyAt`, NO_FRAME, or undefined when more bytes are needed. */
type BodyLengthAt = (data: Uint8Array, bodyAt: number, end: number) => number | undefined;

/** Throws Error when the parts contradict each other; a loaded description never does. */
export function createFrameLayout(spec: Pick<FramedSpec, "frame" | "byteOrder">): FrameLayout {
  const places = placesOf(spec.frame);
  const body = places.find(({ part }) => part.part === "body");
  if (body === undefined) throw new Error("frame: it has no body");
  const overhead = places.reduce((sum, { size }) => sum + size, 0);
  const numbers: NumberPart[] = places.flatMap((place) => numberPart(place, spec.byteOrder));
  const constants = places.flatMap((place) =>
    place.part.part === "start" ? [{ ...place, bytes: place.part.bytes }] : [],
  );
  const leading = constants.filter(({ isAfterBody }) => !isAfterBody);
  const trailing = constants.filter(({ isAfterBody }) => isAfterBody);
  const addresses = numbers.filter(({ kind }) => kind === "address");
  const checks = places.flatMap((place) => checkPart(place, places));
  const length = lengthPart(places, overhead, spec.byteOrder);

  return {
    bodyAt: body.at,
    overhead,
    hasLength: length !== undefined,
    build: (address, content) => {
      const frame = new Uint8Array(overhead + content.length);
      frame.set(content, body.at);
      for (const part of constants) frame.set(part.bytes, part.at + (part.isAfterBody ? content.length : 0));
      for (const part of addresses) writeNumber(frame, part, content.length, address);
      if (length !== undefined) writeNumber(frame, length, content.length, content.length + length.extra);
      for (const check of checks) check.write(frame, content.length);
      return frame;
    },
    sizeAt: (data, at, end, bodyLengthAt) => {
      for (const part of leading) if (!isThere(part.bytes, data, at + part.at, end)) return NO_FRAME;
      if (length === undefined) {
        const known = bodyLengthAt(data, at + body.at, end);
        return known === undefined ? NEED_MORE : known < 0 ? NO_FRAME : known + overhead;
      }
      if (at + length.at + length.size > end) return NEED_MORE;
      const bodyLength = readNumber(data, at + length.at, length) - length.extra;
      return bodyLength < 0 ? NO_FRAME : bodyLength + overhead;
    },
    isIntact: (data, at, size) => {
      const bodyLength = size - overhead;
      for (const check of checks) if (!check.holds(data, at, bodyLength)) return false;
      for (const part of trailing) if (!isThere(part.bytes, data, at + part.at + bodyLength, at + size)) return false;
      return true;
    },
    isFor: (address, data, at, size) =>
      addresses.every(
        (part) => readNumber(data, at + part.at + (part.isAfterBody ? size - overhead : 0), part) === address,
      ),
  };
}

/** Whether `bytes` stand at `at`, as far as the data reaches. */
export function isThere(bytes: Uint8Array, data: Uint8Array, at: number, end: number): boolean {
  const count = Math.min(bytes.length, end - at);
  for (let i = 0; i < count; i++) if (data[at + i] !== bytes[i]) return false;
  return true;
}

interface Place {
  readonly part: FramePart;
  /** From the frame's first byte, as if the body were empty. */
  readonly at: number;
  readonly size: number;
  readonly isAfterBody: boolean;
}

function placesOf(frame: readonly FramePart[]): readonly Place[] {
  let at = 0;
  let isAfterBody = false;
  return frame.map((part) => {
    const place = { part, at, size: sizeOf(part), isAfterBody };
    at += place.size;
    if (part.part === "body") isAfterBody = true;
    return place;
  });
}

function sizeOf(part: FramePart): number {
  switch (part.part) {
    case "start":
      return part.bytes.length;
    case "address":
    case "length":
      return part.as === "u8" ? 1 : 2;
    case "body":
      return 0;
    case "check":
      return createChecksum(part.check).bytes;
  }
}

interface NumberPart {
  readonly kind: "address" | "length" | "check";
  readonly at: number;
  readonly size: number;
  readonly isAfterBody: boolean;
  readonly byteOrder: ByteOrder;
}

function numberPart({ part, at, size, isAfterBody }: Place, byteOrder: ByteOrder): NumberPart[] {
  return part.part === "address" ? [{ kind: "address", at, size, isAfterBody, byteOrder }] : [];
}

function lengthPart(places: readonly Place[], overhead: number, byteOrder: ByteOrder) {
  const place = places.find(({ part }) => part.part === "length");
  if (place?.part.part !== "length") return undefined;
  if (place.isAfterBody) throw new Error("frame: its length stands after the body");
  const checks = places.reduce((sum, { part, size }) => sum + (part.part === "check" ? size : 0), 0);
  const counted = { body: 0, "body+check": checks, frame: overhead }[place.part.counts];
  const { at, size } = place;
  return { kind: "length", at, size, isAfterBody: false, byteOrder, extra: counted + place.part.bias } as const;
}

interface CheckPart {
  write(frame: Uint8Array, bodyLength: number): void;
  holds(data: Uint8Array, at: number, bodyLength: number): boolean;
}

function checkPart({ part, at, size, isAfterBody }: Place, places: readonly Place[]): CheckPart[] {
  if (part.part !== "check") return [];
  const [first, last] = [places[part.from], places[part.to]];
  const own = places.findIndex((place) => place.part === part);
  if (first === undefined || last === undefined || (part.from <= own && own <= part.to) || part.from > part.to) {
    throw new Error(`frame: a check covers parts ${part.from} to ${part.to}`);
  }
  const checksum = createChecksum(part.check);
  const number: NumberPart = { kind: "check", at, size, isAfterBody, byteOrder: part.byteOrder };
  const moves = (place: Place): number => (place.isAfterBody ? 1 : 0);
  const [from, fromMoves] = [first.at, moves(first)];
  const [to, toMoves] = [last.at + last.size, last.part.part === "body" ? 1 : moves(last)];
  const covered = (data: Uint8Array, frameAt: number, bodyLength: number): number =>
    checksum.of(data, frameAt + from + fromMoves * bodyLength, frameAt + to + toMoves * bodyLength);
  return [
    {
      write: (frame, bodyLength) => writeNumber(frame, number, bodyLength, covered(frame, 0, bodyLength)),
      holds: (data, frameAt, bodyLength) =>
        readNumber(data, frameAt + at + (isAfterBody ? bodyLength : 0), number) === covered(data, frameAt, bodyLength),
    },
  ];
}

function readNumber(data: Uint8Array, at: number, { size, byteOrder }: NumberPart): number {
  let value = 0;
  for (let i = 0; i < size; i++) {
    value = value * 256 + (data[byteOrder === "big-endian" ? at + i : at + size - 1 - i] as number);
  }
  return value;
}

function writeNumber(frame: Uint8Array, part: NumberPart, bodyLength: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= 256 ** part.size) {
    throw new RangeError(`${part.kind} ${value}: its part of the frame holds 0 to ${256 ** part.size - 1}`);
  }
  const at = part.at + (part.isAfterBody ? bodyLength : 0);
  for (let i = 0, rest = value; i < part.size; i++, rest = Math.floor(rest / 256)) {
    frame[part.byteOrder === "big-endian" ? at + part.size - 1 - i : at + i] = rest % 256;
  }
}

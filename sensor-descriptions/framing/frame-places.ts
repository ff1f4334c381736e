/** Where the parts of a frame stand, and the numbers among them. */
import { createChecksum } from "../checksum/checksum.ts";
import type { ByteOrder, FramePart } from "../spec.ts";

export interface Place {
  readonly part: FramePart;
  /** From the frame's first byte, as if the body were empty. */
  readonly at: number;
  readonly size: number;
  readonly isAfterBody: boolean;
}

export function placesOf(frame: readonly FramePart[]): readonly Place[] {
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
    case "end":
      return part.bytes.length;
    case "address":
    case "sequence":
    case "length":
      return part.as === "u8" ? 1 : 2;
    case "code":
      return part.length;
    case "body":
      return 0;
    case "check":
      return createChecksum(part.check).bytes * (part.written === undefined ? 1 : 2);
  }
}

export interface NumberPart {
  readonly kind: "address" | "sequence" | "length" | "check";
  readonly at: number;
  readonly size: number;
  readonly isAfterBody: boolean;
  readonly byteOrder: ByteOrder;
}

export function numbersOf(
  places: readonly Place[],
  kind: "address" | "sequence" | "length",
  byteOrder: ByteOrder,
): NumberPart[] {
  return places.flatMap(({ part, at, size, isAfterBody }) =>
    part.part === kind ? [{ kind, at, size, isAfterBody, byteOrder }] : [],
  );
}

export function readNumber(data: Uint8Array, at: number, { size, byteOrder }: NumberPart): number {
  let value = 0;
  for (let i = 0; i < size; i++) {
    value = value * 256 + (data[byteOrder === "big-endian" ? at + i : at + size - 1 - i] as number);
  }
  return value;
}

/** Throws RangeError when the number doesn't fit its part. */
export function writeNumber(frame: Uint8Array, part: NumberPart, bodyLength: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= 256 ** part.size) {
    throw new RangeError(`${part.kind} ${value}: its part of the frame holds 0 to ${256 ** part.size - 1}`);
  }
  const at = part.at + (part.isAfterBody ? bodyLength : 0);
  let rest = value;
  for (let i = part.size - 1; i >= 0; i--) {
    frame[part.byteOrder === "big-endian" ? at + i : at + part.size - 1 - i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

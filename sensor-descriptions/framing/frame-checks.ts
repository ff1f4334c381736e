/** The check parts of a frame: which bytes each covers, and how it is written. */
import { createChecksum } from "../checksum/checksum.ts";
import { type Place, readNumber, writeNumber } from "./frame-places.ts";
import { hexDigit, hexDigits } from "./hex-digits.ts";

export interface CheckPart {
  readonly place: Place;
  /** The bytes that it covers, from the frame's first byte. */
  covers(bodyLength: number): { readonly from: number; readonly to: number };
  /** What it has to be, and what stands there (-1 where letters are no digits). */
  expected(data: Uint8Array, at: number, bodyLength: number): number;
  found(data: Uint8Array, at: number, bodyLength: number): number;
  write(frame: Uint8Array, bodyLength: number): void;
  holds(data: Uint8Array, at: number, bodyLength: number): boolean;
}

/** Every check of a frame, those that another one covers before it. Throws Error when one covers itself or nothing. */
export function checkParts(places: readonly Place[]): readonly CheckPart[] {
  const waiting = places.filter(({ part }) => part.part === "check");
  const ordered: Place[] = [];
  while (waiting.length > 0) {
    const ready = waiting.findIndex((one) => !waiting.some((other) => other !== one && covers(one, other, places)));
    if (ready < 0) throw new Error("frame: its checks cover each other");
    ordered.push(...waiting.splice(ready, 1));
  }
  return ordered.flatMap((place) => checkPart(place, places));
}

function covers({ part }: Place, other: Place, places: readonly Place[]): boolean {
  const at = places.indexOf(other);
  return part.part === "check" && part.from <= at && at <= part.to;
}

function checkPart(place: Place, places: readonly Place[]): CheckPart[] {
  const { part, at, size, isAfterBody } = place;
  if (part.part !== "check") return [];
  const [first, last] = [places[part.from], places[part.to]];
  const own = places.indexOf(place);
  if (first === undefined || last === undefined || (part.from <= own && own <= part.to) || part.from > part.to) {
    throw new Error(`frame: a check covers parts ${part.from} to ${part.to}`);
  }
  const checksum = createChecksum(part.check);
  const moves = (one: Place): number => (one.isAfterBody ? 1 : 0);
  const [from, fromMoves] = [first.at, moves(first)];
  const [to, toMoves] = [last.at + last.size, last.part.part === "body" ? 1 : moves(last)];
  const ownMoves = isAfterBody ? 1 : 0;
  const expected: CheckPart["expected"] = (data, frameAt, bodyLength) =>
    checksum.of(data, frameAt + from + fromMoves * bodyLength, frameAt + to + toMoves * bodyLength);
  const number = { kind: "check", at, size, isAfterBody, byteOrder: part.byteOrder } as const;
  const isDigits = part.written === "hex-digits";
  const found: CheckPart["found"] = isDigits
    ? (data, frameAt, bodyLength) => readDigits(data, frameAt + at + ownMoves * bodyLength, size)
    : (data, frameAt, bodyLength) => readNumber(data, frameAt + at + ownMoves * bodyLength, number);
  return [
    {
      place,
      covers: (bodyLength) => ({ from: from + fromMoves * bodyLength, to: to + toMoves * bodyLength }),
      expected,
      found,
      write: (frame, bodyLength) => {
        const value = expected(frame, 0, bodyLength);
        if (isDigits) writeDigits(frame, at + ownMoves * bodyLength, size, value);
        else writeNumber(frame, number, bodyLength, value);
      },
      holds: (data, frameAt, bodyLength) => found(data, frameAt, bodyLength) === expected(data, frameAt, bodyLength),
    },
  ];
}

function writeDigits(frame: Uint8Array, at: number, size: number, value: number): void {
  const digits = hexDigits(value, size);
  for (let i = 0; i < size; i++) frame[at + i] = digits.charCodeAt(i);
}

/** -1 when a letter is no digit; both cases of letters count. */
function readDigits(data: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i++) {
    const digit = hexDigit(data[at + i] as number);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

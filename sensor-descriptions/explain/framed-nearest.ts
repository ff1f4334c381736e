/** Bytes in which no frame stands: what they are nearest to, and what is in the way. */

import { isThere } from "../framing/frame-layout.ts";
import { numbersOf, readNumber } from "../framing/frame-places.ts";
import { FRAME_BYTES_MAX, NEED_MORE, NO_FRAME } from "../framing/frame-scanner.ts";
import { spokenBytes } from "../quantities.ts";
import type { FramedSpec } from "../spec.ts";
import { type FoundFrame, opened, type Side } from "./framed-find.ts";

export interface Nearest {
  readonly at: number;
  /** Bytes that are here. */
  readonly length: number;
  readonly found: FoundFrame;
  readonly why: string;
}

/** Undefined when nothing resembles a frame. `bytes` is the gap alone; protocols that wrap their frames have none. */
export function nearestFrame(
  spec: FramedSpec,
  sides: readonly Side[],
  address: number,
  bytes: Uint8Array,
): Nearest | undefined {
  if (spec.wrapping !== undefined || bytes.length < 2) return undefined;
  const all = sides.flatMap((side) => nearestOf(spec, side, address, bytes) ?? []);
  return all.sort((a, b) => score(b) - score(a))[0];
}

const score = ({ found: { isIntact, meaning, isForUs } }: Nearest): number =>
  (isIntact ? 4 : 0) + (meaning ? 2 : 0) + (isForUs ? 1 : 0);

function nearestOf(spec: FramedSpec, side: Side, address: number, bytes: Uint8Array): Nearest | undefined {
  const { layout } = side.codec;
  const start = layout.places.find(({ part, at }) => part.part === "start" && at === 0)?.part;
  const wanted = start?.part === "start" ? start.bytes : new Uint8Array();
  const at = wanted.length === 0 ? 0 : placeOf(wanted, bytes);
  if (at !== undefined) return begun(spec, side, address, bytes.subarray(at), at);
  // One byte of several may be damaged, or the description mistaken: the rest is read as if they were right.
  const mended = bytes.slice();
  mended.set(wanted.subarray(0, bytes.length));
  const rest = begun(spec, side, address, mended, 0);
  if (rest === undefined) return undefined;
  const frame = rest.found.frame.slice();
  frame.set(bytes.subarray(0, wanted.length));
  const isClose = wanted.length > 1 && wanted.some((byte, i) => bytes[i] === byte);
  if (!rest.found.isIntact && !isClose) return undefined;
  const begins = spokenBytes(bytes.subarray(0, wanted.length));
  return { ...rest, found: { ...rest.found, frame }, why: `starts with ${begins}, not ${spokenBytes(wanted)}` };
}

/** Of start bytes in full, or as far as the bytes reach. */
function placeOf(wanted: Uint8Array, bytes: Uint8Array): number | undefined {
  for (let at = 0; at < bytes.length; at++) if (isThere(wanted, bytes, at, bytes.length)) return at;
  return undefined;
}

/** A frame whose start is right: cut, or of a length that can't be. */
function begun(spec: FramedSpec, side: Side, address: number, bytes: Uint8Array, at: number): Nearest | undefined {
  const { layout } = side.codec;
  const size = side.codec.sizeAt(bytes, 0, bytes.length, side.bodyLengthAt);
  if (size > 0 && size <= bytes.length) {
    const found = opened(side, address, bytes, 0, size);
    return found && { at, length: size, found: { ...found, at }, why: "its check is wrong" };
  }
  const isCut = size === NEED_MORE || (size > bytes.length && size <= FRAME_BYTES_MAX);
  const whole = new Uint8Array(isCut && size > 0 ? size : Math.max(layout.overhead, bytes.length));
  whole.set(bytes);
  const opening = opened({ ...side, codec: { ...side.codec, open: asItIs } }, address, whole, 0, whole.length);
  if (opening === undefined) return undefined;
  const meaning = opening.meaning ?? begunMeaning(side, opening.body, bytes.length - layout.bodyAt);
  const found = { ...opening, at, isIntact: false, ...(meaning ? { meaning } : {}) };
  return { at, length: bytes.length, found, why: lengthText(spec, side, bytes, size) };
}

const asItIs: Side["codec"]["open"] = (data, at, size, into) => {
  Object.assign(into, { data, at, size });
  return true;
};

/** A request that is cut matches no template; its beginning may. */
const begunMeaning = (side: Side, body: Uint8Array, here: number) =>
  here > 0 && side.direction === "answer" ? side.meaningOf(body.subarray(0, here)) : undefined;

function lengthText(spec: FramedSpec, { codec: { layout } }: Side, bytes: Uint8Array, size: number): string {
  const [number, again] = numbersOf(layout.places, "length", spec.byteOrder);
  const here = `here are ${bytes.length}`;
  if (number === undefined || number.at + number.size > bytes.length) {
    if (layout.endsAtMark) return `its end doesn't come: ${here} bytes`;
    return size === NO_FRAME ? "its body begins like none that is known" : `it is cut: ${here} bytes`;
  }
  const value = readNumber(bytes, number.at, number);
  if (again !== undefined && again.at + again.size <= bytes.length) {
    const second = readNumber(bytes, again.at, again);
    if (second !== value) return `length says ${value} and then ${second}: it has to stand twice`;
  }
  const help = otherCount(layout.overhead, layout.lengthExtra, value, bytes.length);
  const wanted = value - layout.lengthExtra + layout.overhead;
  if (size < 0 || wanted > FRAME_BYTES_MAX) return `length says ${value}, which no frame of this protocol has${help}`;
  const follow = bytes.length - number.at - number.size;
  const due = wanted - number.at - number.size;
  return `length says ${value}, so ${due} bytes have to follow it, but ${follow} do${help}`;
}

/** What the length would have to count for the bytes that are here to be one frame. */
function otherCount(overhead: number, extra: number, value: number, here: number): string {
  const missing = value - (here - overhead);
  if (missing === extra || here <= overhead) return "";
  const counts = missing === overhead ? "the whole frame" : missing === 0 ? "the body" : undefined;
  return counts === undefined ? "" : `; it would be right if it counted ${counts}`;
}

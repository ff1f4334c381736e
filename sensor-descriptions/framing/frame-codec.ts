/**
 * Between the bytes of the line and the parts of a frame. Where nothing is wrapped both are the same and nothing is
 * copied; else a frame is unwrapped before its parts are looked at.
 */

import type { FramePart, FrameWrapping } from "../spec.ts";
import { cobs } from "./cobs.ts";
import type { BodyLengthAt, FrameLayout } from "./frame-layout.ts";
import { createPacketCodec } from "./frame-packets.ts";
import { placesOf } from "./frame-places.ts";
import { createStuffedCodec, type FrameMarks } from "./frame-stuffed.ts";
import { hexPairs } from "./hex-pairs.ts";
import { createSlip } from "./slip.ts";
import { createStuffing } from "./stuffing.ts";

/** A frame without its wrapping: `data[at…at+size)` holds its parts as the layout knows them. */
export interface OpenFrame {
  data: Uint8Array;
  at: number;
  size: number;
}

export interface FrameCodec {
  readonly layout: FrameLayout;
  /** Whether a frame by itself says where its body ends. */
  readonly endsItself: boolean;
  /** As FrameSearch has them. */
  readonly hidesNone: boolean;
  readonly hasSureEnds: boolean;
  /** As FrameSearch.sizeAt, in bytes of the line. */
  sizeAt(data: Uint8Array, at: number, end: number, bodyLengthAt: BodyLengthAt): number;
  /** Fills `into`; false when the wrapping is damaged. What it holds is valid until the next call. */
  open(data: Uint8Array, at: number, size: number, into: OpenFrame): boolean;
  /** The bytes of the line. Throws RangeError as FrameLayout.build does. */
  build(address: number, body: Uint8Array, sequence: number): Uint8Array;
}

export function createFrameCodec(
  layout: FrameLayout,
  frame: readonly FramePart[],
  wrapping: FrameWrapping | undefined,
): FrameCodec {
  switch (wrapping?.kind) {
    case undefined:
      return createPlainCodec(layout);
    case "slip":
      return createPacketCodec(layout, createSlip(), { delimiter: 0xc0, isPart: false });
    case "cobs":
      return createPacketCodec(layout, cobs, { delimiter: 0x00, isPart: false });
    case "hex-digits":
      return createStuffedCodec(layout, marksOf(frame), hexPairs);
    case "stuffing": {
      const stuffing = createStuffing(wrapping.table);
      const marks = marksOf(frame);
      const { start, end, tail } = marks;
      // One byte that begins and ends frames may end one and begin the next at once (RFC 1662, 3.1).
      const isFlag = start.length === 1 && end.length === 1 && start[0] === end[0] && tail === 0;
      return isFlag
        ? createPacketCodec(layout, stuffing, { delimiter: start[0] as number, isPart: true })
        : createStuffedCodec(layout, marks, stuffing);
    }
  }
}

function createPlainCodec(layout: FrameLayout): FrameCodec {
  return {
    layout,
    endsItself: layout.endsItself,
    hidesNone: layout.endsAtMark,
    hasSureEnds: false,
    sizeAt: (data, at, end, bodyLengthAt) => layout.sizeAt(data, at, end, bodyLengthAt),
    open: (data, at, size, into) => {
      into.data = data;
      into.at = at;
      into.size = size;
      return true;
    },
    build: (address, body, sequence) => layout.build(address, body, sequence),
  };
}

const NOTHING = new Uint8Array();

/** The first part of a frame and its end, where these are constant bytes. */
export function marksOf(frame: readonly FramePart[]): FrameMarks {
  const [first, last] = [frame[0], frame.at(-1)];
  const closing = frame.findLast(({ part }) => part === "end") ?? (last === first ? undefined : last);
  const behind = closing === undefined ? [] : frame.slice(frame.indexOf(closing) + 1);
  return {
    start: first?.part === "start" ? first.bytes : NOTHING,
    end: closing !== undefined && "bytes" in closing ? closing.bytes : NOTHING,
    tail: placesOf(behind).reduce((sum, { size }) => sum + size, 0),
  };
}

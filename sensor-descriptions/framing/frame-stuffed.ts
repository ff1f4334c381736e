/**
 * Frames with start bytes as they are, and behind them bytes that travel as units (stuffed, or as hex digits), up to
 * end bytes as they are or, without an end, as far as the length inside says.
 */
import { BAD_UNIT, type ByteUnits, NEED_UNIT } from "./byte-wrapping.ts";
import type { FrameCodec } from "./frame-codec.ts";
import { type FrameLayout, isThere } from "./frame-layout.ts";
import { FRAME_BYTES_MAX, NEED_MORE, NO_FRAME } from "./frame-scanner.ts";

export interface FrameMarks {
  readonly start: Uint8Array;
  /** Empty: the frame's parts say how long it is. */
  readonly end: Uint8Array;
  /** Bytes behind the end mark, as they are: a check that stands there. */
  readonly tail: number;
}

export function createStuffedCodec(
  layout: FrameLayout,
  { start, end: mark, tail }: FrameMarks,
  units: ByteUnits,
): FrameCodec {
  const content = new Uint8Array(FRAME_BYTES_MAX);
  content.set(start);
  /** Length on the line up to and with the end mark. */
  const sizeToMark = (data: Uint8Array, at: number, end: number): number => {
    for (let i = at + start.length; i < end; ) {
      if (data[i] === mark[0] && isThere(mark, data, i, end))
        return i + mark.length <= end ? i + mark.length + tail - at : NEED_MORE;
      const unit = units.next(data, i, end);
      if (unit === BAD_UNIT) return NO_FRAME;
      if (unit === NEED_UNIT) return NEED_MORE;
      i += unit >> 8;
    }
    return NEED_MORE;
  };
  /** Length on the line of the frame whose parts say how long it is. */
  const sizeByParts: FrameCodec["sizeAt"] = (data, at, end, bodyLengthAt) => {
    let length = start.length;
    for (let i = at + start.length; i < end && length < FRAME_BYTES_MAX; ) {
      const unit = units.next(data, i, end);
      if (unit === BAD_UNIT) return NO_FRAME;
      if (unit === NEED_UNIT) return NEED_MORE;
      i += unit >> 8;
      content[length++] = unit & 0xff;
      if (length < layout.overhead) continue;
      const size = layout.sizeAt(content, 0, length, bodyLengthAt);
      if (size < 0 || size > FRAME_BYTES_MAX) return NO_FRAME;
      if (size === length) return i - at;
    }
    return NEED_MORE;
  };
  return {
    layout,
    endsItself: mark.length > 0 || layout.endsItself,
    hidesNone: mark.length > 0,
    hasSureEnds: false,
    sizeAt: (data, at, end, bodyLengthAt) => {
      if (!isThere(start, data, at, end)) return NO_FRAME;
      return mark.length > 0 ? sizeToMark(data, at, end) : sizeByParts(data, at, end, bodyLengthAt);
    },
    open: (data, at, size, into) => {
      const stop = at + size - mark.length - tail;
      let length = start.length;
      for (let i = at + start.length; i < stop; ) {
        const unit = units.next(data, i, stop);
        if (unit <= 0 || length + mark.length + tail >= FRAME_BYTES_MAX) return false;
        i += unit >> 8;
        content[length++] = unit & 0xff;
      }
      content.set(data.subarray(stop, at + size), length);
      into.data = content;
      into.at = 0;
      into.size = length + mark.length + tail;
      return true;
    },
    build: (address, body, sequence) => {
      const frame = layout.build(address, body, sequence);
      const stop = frame.length - mark.length - tail;
      const sent = [...start];
      for (let i = start.length; i < stop; i++) units.put(frame[i] as number, sent);
      return Uint8Array.of(...sent, ...frame.subarray(stop));
    },
  };
}

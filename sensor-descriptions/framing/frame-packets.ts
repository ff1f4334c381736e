/**
 * Frames between single marks: everything from one mark to the next is one packet, and marks in a row mean nothing.
 * A mark never stands inside a packet, so that the search is sure of its place again at the next one.
 */
import type { PacketWrapping } from "./byte-wrapping.ts";
import type { FrameCodec } from "./frame-codec.ts";
import type { FrameLayout } from "./frame-layout.ts";
import { FRAME_BYTES_MAX, IDLE_BYTE, NEED_MORE } from "./frame-scanner.ts";

interface Mark {
  readonly delimiter: number;
  /** The layout's parts begin and end with it. */
  readonly isPart: boolean;
}

export function createPacketCodec(
  layout: FrameLayout,
  wrapping: PacketWrapping,
  { delimiter, isPart }: Mark,
): FrameCodec {
  const margin = isPart ? 1 : 0;
  const unwrapped = new Uint8Array(FRAME_BYTES_MAX);
  return {
    layout,
    endsItself: true,
    hidesNone: true,
    hasSureEnds: true,
    sizeAt: (data, at, end) => {
      if (data[at] === delimiter) return IDLE_BYTE;
      for (let i = at + 1; i < end; i++) if (data[i] === delimiter) return i + 1 - at;
      return NEED_MORE;
    },
    open: (data, at, size, into) => {
      const length = wrapping.unwrap(data, at, at + size - 1, unwrapped, margin);
      if (length < 0 || length + 2 * margin > FRAME_BYTES_MAX) return false;
      if (isPart) unwrapped[0] = unwrapped[length + 1] = delimiter;
      into.data = unwrapped;
      into.at = 0;
      into.size = length + 2 * margin;
      return true;
    },
    build: (address, body, sequence) => {
      const frame = layout.build(address, body, sequence);
      // RFC 1055: a mark in front as well ends whatever noise there was before.
      return Uint8Array.of(delimiter, ...wrapping.wrap(frame, margin, frame.length - margin), delimiter);
    },
  };
}

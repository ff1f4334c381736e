/** How a frame travels: marks, escapes, COBS codes and pairs of digits, before the frame inside is looked at. */
import type { ByteUnits } from "../framing/byte-wrapping.ts";
import { marksOf } from "../framing/frame-codec.ts";
import { isThere } from "../framing/frame-layout.ts";
import { hexPairs } from "../framing/hex-pairs.ts";
import { createSlip } from "../framing/slip.ts";
import { createStuffing } from "../framing/stuffing.ts";
import { spokenBytes } from "../quantities.ts";
import type { FramePart, FrameWrapping } from "../spec.ts";
import { type Annotation, covering } from "./explanation.ts";

/** Annotations that cover `line`, one whole frame as it stood on the line. */
export function lineAnnotations(
  wrapping: FrameWrapping,
  parts: readonly FramePart[],
  line: Uint8Array,
): readonly Annotation[] {
  const asTheyAre = (start: number, end: number): Annotation => ({ start, end, part: "inside", says: ["as meant"] });
  return covering(line.length, special(wrapping, parts, line), asTheyAre);
}

function special(wrapping: FrameWrapping, parts: readonly FramePart[], line: Uint8Array): readonly Annotation[] {
  switch (wrapping.kind) {
    case "slip":
      return [...ends(line, 0), ...units(createSlip(), line, 0, line.length - 1)];
    case "cobs":
      return [...ends(line, 0), ...blocks(line, line.length - 1)];
    case "stuffing":
    case "hex-digits": {
      const { start, end, tail } = marksOf(parts);
      const isDigits = wrapping.kind === "hex-digits";
      const stop = line.length - tail - end.length;
      // One mark may end a frame and begin the next: then it stands before this one.
      const from = isThere(start, line, 0, line.length) ? start.length : 0;
      const own = units(isDigits ? hexPairs : createStuffing(wrapping.table), line, from, stop);
      const closing = [
        mark(stop, stop + end.length, "end"),
        ...(tail > 0
          ? [{ start: stop + end.length, end: line.length, part: "check", says: ["behind the end, as it is"] }]
          : []),
      ];
      return [mark(0, from, "start"), ...own, ...closing];
    }
  }
}

const mark = (start: number, end: number, part: string): Annotation => ({
  start,
  end,
  part,
  says: ["stands nowhere inside"],
});

const ends = (line: Uint8Array, from: number): readonly Annotation[] => [
  mark(Math.max(from, line.length - 1), line.length, "end"),
];

/** Escapes one by one; of digits, all as one. */
function units(bytes: ByteUnits, line: Uint8Array, from: number, to: number): readonly Annotation[] {
  const found: Annotation[] = [];
  for (let at = from; at < to; ) {
    const unit = bytes.next(line, at, to);
    const size = unit > 0 ? unit >> 8 : 1;
    if (bytes === hexPairs) found.push(pair(line, at, size, unit & 0xff));
    else if (size > 1) found.push(escape(line, at, size, unit & 0xff));
    at += size;
  }
  return found;
}

const escape = (line: Uint8Array, at: number, size: number, byte: number): Annotation => ({
  start: at,
  end: at + size,
  part: "escape",
  says: [`${spokenBytes(line.subarray(at, at + size))} stands for ${spokenBytes(Uint8Array.of(byte))}`],
});

const pair = (line: Uint8Array, at: number, size: number, byte: number): Annotation => ({
  start: at,
  end: at + size,
  part: "digits",
  says: [`"${String.fromCharCode(...line.subarray(at, at + size))}" stands for ${spokenBytes(Uint8Array.of(byte))}`],
});

function blocks(line: Uint8Array, to: number): readonly Annotation[] {
  const found: Annotation[] = [];
  for (let at = 0; at < to; ) {
    const code = line[at] as number;
    const isLast = at + code >= to;
    const behind = code === 0xff || isLast ? "" : ", then a zero";
    found.push({ start: at, end: at + 1, part: "COBS code", says: [`${code - 1} bytes as they are${behind}`] });
    at += Math.max(1, code);
  }
  return found;
}

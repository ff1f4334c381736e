/** The parts of one frame as its layout has them, with the body's content between. */
import { numbersOf, readNumber } from "../framing/frame-places.ts";
import { spokenBytes } from "../quantities.ts";
import type { FramedSpec } from "../spec.ts";
import { checkAnnotation } from "./checks.ts";
import { type Annotation, covering } from "./explanation.ts";
import { bodyAnnotations, unknownBody, unread } from "./framed-body.ts";
import type { FoundFrame } from "./framed-find.ts";

export interface Around {
  readonly spec: FramedSpec;
  readonly address: number;
  /** Where the frame begins in what is shown. */
  readonly base: number;
  /** `81 (read status)` … */
  readonly beginnings: readonly string[];
}

/**
 * Annotations that cover the frame, from its first byte. `length`: of a frame that was cut, how many bytes there are;
 * `found.frame` is then filled up with zeros.
 */
export function frameAnnotations(
  around: Around,
  found: FoundFrame,
  length = found.frame.length,
): readonly Annotation[] {
  const { layout } = found.codec;
  const here = found.frame.subarray(0, length);
  const bodyLength = found.frame.length - layout.overhead;
  const parts = layout.places.flatMap((place): Annotation[] => {
    const { part, size } = place;
    const start = place.at + (place.isAfterBody ? bodyLength : 0);
    const shown = here.subarray(start, start + size);
    switch (part.part) {
      case "start":
      case "end": {
        const isRight = shown.every((byte, i) => byte === part.bytes[i]);
        const wrong = isRight ? {} : { wrong: `should be ${spokenBytes(part.bytes)}` };
        return [{ start, end: start + size, part: part.part, says: isRight ? ["as described"] : [], ...wrong }];
      }
      case "address":
      case "sequence":
      case "length":
        return [
          start + size > length
            ? { start, end: start + size, part: part.part, says: [] }
            : numberPart(around, found, part.part, start),
        ];
      case "code":
      case "body":
        return [];
      case "check": {
        const check = layout.checks.find((one) => one.place === place);
        const known = check && checkAnnotation(layout, check, found.frame, bodyLength, around.base);
        return known === undefined
          ? []
          : [length < found.frame.length ? { ...known, wrong: "not looked at: the frame is cut" } : known];
      }
    }
  });
  return covering(length, [...parts, ...bodyParts(around, found, length)], unread);
}

function numberPart(
  { spec, address }: Around,
  found: FoundFrame,
  kind: "address" | "sequence" | "length",
  start: number,
): Annotation {
  const { layout } = found.codec;
  const [number] = numbersOf(layout.places, kind, spec.byteOrder);
  const value = number === undefined ? 0 : readNumber(found.frame, start, number);
  const place = { start, end: start + (number?.size ?? 1), part: kind };
  const order = (number?.size ?? 1) > 1 && spec.byteOrder === "little-endian" ? " (low byte first)" : "";
  if (kind === "sequence") return { ...place, says: [`${value}: the answer repeats the request's${order}`] };
  if (kind === "address") {
    if (value === address) return { ...place, says: [`${value}: this device${order}`] };
    return { ...place, says: [`${value}${order}`], wrong: `address ${value}, this device is ${address}` };
  }
  const part = layout.places.find((one) => one.part.part === "length")?.part;
  const counts = part?.part === "length" ? part.counts : "body";
  const bias = part?.part === "length" && part.bias !== 0 ? `, and ${part.bias}` : "";
  const what = {
    body: "the body's bytes",
    "body+check": "the bytes of body and check",
    frame: "the bytes of the whole frame",
  }[counts];
  return { ...place, says: [`${value}: counts ${what}${bias}${order}`] };
}

/** Moved from body to frame; a field over the gap between a code apart and the rest is cut in two. */
function bodyParts({ spec, beginnings }: Around, found: FoundFrame, length: number): readonly Annotation[] {
  const { layout } = found.codec;
  const { code } = layout;
  const codeSize = code?.size ?? 0;
  const here = found.body.subarray(0, Math.max(0, Math.min(found.body.length, length - layout.bodyAt + codeSize)));
  const known = found.meaning
    ? bodyAnnotations(spec, found.meaning, here, length < found.frame.length)
    : [unknownBody(here, beginnings)];
  return known.flatMap((one): Annotation[] => {
    const inBody = {
      ...one,
      start: layout.bodyAt + Math.max(0, one.start - codeSize),
      end: layout.bodyAt + one.end - codeSize,
    };
    if (code === undefined || one.start >= codeSize) return [inBody];
    const inCode = { ...one, start: code.at + one.start, end: code.at + Math.min(one.end, codeSize) };
    return one.end > codeSize ? [inCode, { ...inBody, says: [`belongs to ${one.part} as well`] }] : [inCode];
  });
}

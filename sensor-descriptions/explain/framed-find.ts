/**
 * Where frames stand among bytes, whichever direction they travel: whole and right ones first, then those with a wrong
 * check, then one that has only begun.
 */
import type { FrameCodec, OpenFrame } from "../framing/frame-codec.ts";
import type { BodyLengthAt } from "../framing/frame-layout.ts";
import { FRAME_BYTES_MAX, NEED_MORE, NO_FRAME } from "../framing/frame-scanner.ts";
import { mostConstantFirst, requestLengthAmong } from "../framing/framed-device.ts";
import type { FramedMessage, FramedReport } from "../framing/framed-messages.ts";
import { byLength, lengthAmong } from "../framing/framed-reports.ts";
import type { FramedParts } from "../framing/framing.ts";
import { constantBytes, isRefusal, type RefusalSpec } from "../framing/refusal.ts";

export type Meaning =
  | { readonly kind: "request" | "answer"; readonly message: FramedMessage }
  | { readonly kind: "report"; readonly message: FramedReport }
  | { readonly kind: "refusal" };

export interface FoundFrame {
  readonly at: number;
  /** On the line. */
  readonly size: number;
  readonly codec: FrameCodec;
  readonly direction: "request" | "answer";
  /** Unwrapped, as the layout knows it. */
  readonly frame: Uint8Array;
  /** Code, if it stands apart, and body. */
  readonly body: Uint8Array;
  readonly isIntact: boolean;
  readonly isForUs: boolean;
  readonly meaning?: Meaning;
}

export interface Side {
  readonly direction: "request" | "answer";
  readonly codec: FrameCodec;
  readonly bodyLengthAt: BodyLengthAt;
  readonly meaningOf: (body: Uint8Array) => Meaning | undefined;
}

/** `wanted`: the message that was asked for ("read status"), of several whose answers begin alike. */
export function sidesOf(parts: FramedParts, refusal: RefusalSpec | undefined, wanted?: string): readonly Side[] {
  const { messages } = parts;
  const isWanted = ({ kind, name }: FramedMessage): number => Number(`${kind} ${name}` === wanted);
  const requests = mostConstantFirst(messages.asked);
  const bodies = byLength([
    ...messages.asked
      .filter(({ isUnanswered }) => isUnanswered !== true)
      .sort((a, b) => isWanted(b) - isWanted(a))
      .map((message) => ({ kind: "answer" as const, message, body: message.body })),
    ...messages.reports.map((message) => ({ kind: "report" as const, message, body: message.body })),
  ]);
  const lengthOfAnswer = lengthAmong(bodies);
  const isRefused = (data: Uint8Array, at: number, end: number): boolean =>
    refusal !== undefined && isRefusal(refusal, data, at, end);
  return [
    {
      direction: "answer",
      codec: parts.answers,
      bodyLengthAt: (data, at, end) => {
        const length = lengthOfAnswer(data, at, end);
        return (length === NO_FRAME || length === undefined) && isRefused(data, at, end)
          ? refusal?.bytes.length
          : length;
      },
      meaningOf: (body) => {
        const fits = bodies.filter((one) => one.body.isThere(body, 0, body.length));
        const found = fits.find((one) => one.body.least <= body.length) ?? fits[0];
        if (refusal && isRefused(body, 0, body.length) && constantBytes(refusal) > (found?.body.beginning.length ?? -1))
          return { kind: "refusal" };
        if (found === undefined) return undefined;
        return found.kind === "answer"
          ? { kind: "answer", message: found.message }
          : { kind: "report", message: found.message };
      },
    },
    {
      direction: "request",
      codec: parts.requests,
      bodyLengthAt: requestLengthAmong(requests),
      meaningOf: (body) => {
        const message = requests.find(({ request }) => request.matches(body, 0, body.length));
        return message && { kind: "request", message };
      },
    },
  ];
}

/** Frames that don't overlap, in order. */
export function findFrames(sides: readonly Side[], address: number, bytes: Uint8Array): readonly FoundFrame[] {
  const candidates =
    bytes.length === 0 ? [] : [...bytes.keys()].flatMap((at) => candidatesAt(sides, address, bytes, at));
  const ranked = candidates.sort((a, b) => rank(b) - rank(a) || a.at - b.at || b.size - a.size);
  const isTaken = new Uint8Array(bytes.length);
  const taken = ranked.filter(({ at, size }) => {
    if (isTaken.subarray(at, at + size).includes(1)) return false;
    isTaken.fill(1, at, at + size);
    return true;
  });
  return taken.sort((a, b) => a.at - b.at);
}

const rank = (found: FoundFrame): number => (found.isIntact ? 8 : 0) + (fits(found) ? 4 : 0) + (found.isForUs ? 2 : 0);

/** A request matches as a whole; an answer that begins alike may be too short to be one. */
function fits({ meaning, body }: FoundFrame): boolean {
  if (meaning === undefined) return false;
  return meaning.kind === "request" || meaning.kind === "refusal" || body.length >= meaning.message.body.least;
}

function candidatesAt(sides: readonly Side[], address: number, bytes: Uint8Array, at: number): FoundFrame[] {
  return sides.flatMap((side) => {
    const size = side.codec.sizeAt(bytes, at, bytes.length, side.bodyLengthAt);
    const isWhole = size > NEED_MORE && size <= FRAME_BYTES_MAX && at + size <= bytes.length;
    const found = isWhole ? opened(side, address, bytes, at, size) : undefined;
    return found ? [found] : [];
  });
}

/** Undefined when its wrapping is damaged, or it is too short for its parts. */
export function opened(
  { direction, codec, meaningOf }: Side,
  address: number,
  bytes: Uint8Array,
  at: number,
  size: number,
): FoundFrame | undefined {
  const open: OpenFrame = { data: bytes, at, size };
  if (!codec.open(bytes, at, size, open)) return undefined;
  const { layout } = codec;
  const frame = open.data.slice(open.at, open.at + open.size);
  if (frame.length < layout.overhead) return undefined;
  const content = frame.subarray(layout.bodyAt, layout.bodyAt + frame.length - layout.overhead);
  const { code } = layout;
  const body =
    code === undefined ? content : Uint8Array.of(...frame.subarray(code.at, code.at + code.size), ...content);
  const isForUs = layout.isFor(address, frame, 0, frame.length);
  const meaning = meaningOf(body);
  const isIntact = layout.isIntact(frame, 0, frame.length);
  return { at, size, codec, direction, frame, body, isIntact, isForUs, ...(meaning ? { meaning } : {}) };
}

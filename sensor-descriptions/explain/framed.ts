/** Bytes of a protocol of our own parts: which frames, of which direction, with which meaning, and what is wrong. */

import { framedPartsOf } from "../framing/framing.ts";
import { refusalBytes } from "../framing/refusal.ts";
import type { DecodedValue } from "../model.ts";
import { spokenBytes } from "../quantities.ts";
import type { FramedSpec } from "../spec.ts";
import {
  type Annotation,
  type Computation,
  type Explanation,
  type Section,
  shifted,
  stray,
  wrongIn,
} from "./explanation.ts";
import { type FoundFrame, findFrames, sidesOf } from "./framed-find.ts";
import { nearestFrame } from "./framed-nearest.ts";
import { type Around, frameAnnotations } from "./framed-parts.ts";
import { lineAnnotations } from "./framed-wrapping.ts";
import { computations, seenByFormulas } from "./values.ts";

/** Who is meant, and what was asked for ("read status") where that is known. */
export interface Asked {
  readonly address: number;
  readonly wanted?: string;
}

export function explainFramed(spec: FramedSpec, { address, wanted }: Asked, bytes: Uint8Array): Explanation {
  const parts = framedPartsOf(spec);
  const sides = sidesOf(parts, spec.refusal, wanted);
  const around: Around = { spec, address, base: 0, beginnings: beginningsOf(spec) };
  const frames = findFrames(sides, address, bytes);
  const told: Told = { what: [], values: new Map(), computed: [], inside: [] };
  const line: Annotation[] = [];
  let at = 0;
  for (const found of frames) {
    line.push(...between(around, sides, told, bytes, at, found.at, frames.length === 0));
    line.push(...frameOnLine(around, told, bytes, found));
    at = found.at + found.size;
  }
  line.push(...between(around, sides, told, bytes, at, bytes.length, frames.length === 0));
  const sections = [{ title: "on the line", bytes, annotations: line }, ...told.inside];
  return { what: told.what, sections, computed: told.computed, values: told.values, wrong: wrongIn(sections) };
}

interface Told {
  readonly what: string[];
  readonly values: Map<string, DecodedValue>;
  readonly computed: Computation[];
  readonly inside: Section[];
}

function frameOnLine(around: Around, told: Told, bytes: Uint8Array, found: FoundFrame): readonly Annotation[] {
  const { spec } = around;
  told.what.push(whatOf(around, found));
  takeValues(told, found);
  const inner = frameAnnotations({ ...around, base: spec.wrapping === undefined ? found.at : 0 }, found);
  if (spec.wrapping === undefined) return shifted(inner, found.at);
  const layout = found.direction === "request" ? (spec.requestFrame ?? spec.frame) : spec.frame;
  const line = bytes.subarray(found.at, found.at + found.size);
  told.inside.push({ title: `inside: ${whatOf(around, found)}`, bytes: found.frame, annotations: inner });
  return shifted(lineAnnotations(spec.wrapping, layout, line), found.at);
}

/** Only what the reader would take: right, for this device, and long enough. */
function takeValues({ values, computed }: Told, { meaning, body, isIntact, isForUs }: FoundFrame): void {
  if (!isIntact || !isForUs || meaning === undefined) return;
  if (meaning.kind !== "report" && !(meaning.kind === "answer" && meaning.message.kind === "read")) return;
  const decoded = meaning.message.body.decode(body, 0, body.length);
  if (decoded === undefined) return;
  for (const [name, value] of decoded) values.set(name, value);
  const { channels, recordChannels = [] } = meaning.message.body.spec;
  computed.push(...computations(channels, seenByFormulas([...channels, ...recordChannels], decoded), decoded));
}

function whatOf({ address }: Around, { meaning, isIntact, isForUs }: FoundFrame): string {
  const state = `${isForUs ? "" : `, of another address than ${address}`}${isIntact ? "" : ", with a wrong check"}`;
  if (meaning === undefined) return `a frame that is no message of the description${state}`;
  if (meaning.kind === "refusal") return `a refusal${state}`;
  if (meaning.kind === "report") return `report "${meaning.message.name}"${state}`;
  const { kind, name } = meaning.message;
  return `${meaning.kind === "request" ? "request" : "answer to"} "${kind} ${name}"${state}`;
}

function between(
  around: Around,
  sides: ReturnType<typeof sidesOf>,
  told: Told,
  bytes: Uint8Array,
  from: number,
  to: number,
  isAll: boolean,
): readonly Annotation[] {
  if (from >= to) return [];
  const gap = bytes.subarray(from, to);
  const nearest = nearestFrame(around.spec, sides, around.address, gap);
  if (nearest === undefined && gap.every((byte) => byte === idleByte(around.spec))) {
    return [{ start: from, end: to, part: "mark", says: ["between frames it says nothing"] }];
  }
  if (nearest === undefined) {
    const why = noFrameText(around.spec, gap);
    if (isAll) told.what.push(`no frame: ${why}`);
    return [isAll ? { ...stray(from, to), wrong: why } : stray(from, to)];
  }
  const { found, length, why } = nearest;
  told.what.push(`no whole frame: ${why}`);
  const first = from + nearest.at;
  const annotations = frameAnnotations({ ...around, base: first }, found, length);
  const end = first + length;
  return [
    ...(first > from ? [stray(from, first)] : []),
    ...shifted(withReason(annotations, why), first),
    ...(end < to ? [stray(end, to)] : []),
  ];
}

/** The reason stands at the length where it is one of the length, else at the first part. */
function withReason(annotations: readonly Annotation[], why: string): readonly Annotation[] {
  const place = why.startsWith("length") ? annotations.findIndex(({ part }) => part === "length") : 0;
  return annotations.map((one, i) =>
    i === Math.max(0, place) && !(one.wrong && place === 0) ? { ...one, wrong: why } : one,
  );
}

/** What stands between frames of protocols whose frames end with one mark; these may begin with it, too. */
function idleByte({ wrapping, frame }: FramedSpec): number | undefined {
  const [first] = frame;
  if (wrapping?.kind === "slip") return 0xc0;
  if (wrapping?.kind === "cobs") return 0x00;
  return wrapping?.kind === "stuffing" && first?.part === "start" && first.bytes.length === 1
    ? first.bytes[0]
    : undefined;
}

function noFrameText({ wrapping, frame }: FramedSpec, gap: Uint8Array): string {
  const first = frame[0];
  if (wrapping !== undefined) {
    const end = { slip: "C0", cobs: "00", stuffing: undefined, "hex-digits": undefined }[wrapping.kind];
    const isEnded = end === undefined || gap.includes(Number.parseInt(end, 16));
    return isEnded ? "what stands between the marks is no frame of this protocol" : `its end (${end}) doesn't come`;
  }
  if (first?.part !== "start") return "nothing here is a frame of this protocol";
  return `starts with ${spokenBytes(gap.subarray(0, first.bytes.length))}, not ${spokenBytes(first.bytes)}`;
}

function beginningsOf({ reads, settings, commands, refusal }: FramedSpec): readonly string[] {
  const text = (bytes: Uint8Array, what: string): string => `${spokenBytes(bytes) || "nothing"} (${what})`;
  const answered = (what: string, all: readonly { readonly name: string; readonly answer?: Uint8Array }[]): string[] =>
    all.flatMap(({ answer, name }) => (answer ? [text(answer, `${what} ${name}`)] : []));
  return [
    ...answered("read", reads),
    ...answered("set", settings),
    ...answered("command", commands),
    ...(refusal
      ? [text(refusalBytes({ ...refusal, bytes: refusal.bytes.slice(0, refusal.codeAt) }, 0), "refusal")]
      : []),
  ];
}

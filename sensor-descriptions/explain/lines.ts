/** Text lines: what a line begins with, its fields, its check. */

import { splitFields } from "../lines/line-fields.ts";
import type { CutLine, LineCodec, LineContent } from "../lines/line-form.ts";
import { linesOf } from "../lines/lines.ts";
import type { LineMessage, Lines } from "../lines/lines-messages.ts";
import { kindsOf } from "../lines/lines-reports.ts";
import type { LineChannelSpec, LineCheckSpec, LineForm, LinesSpec } from "../lines/lines-spec.ts";
import { beginsLike, constantLetters, filled, placeholdersIn } from "../lines/text-template.ts";
import type { DecodedValue, Values } from "../model.ts";
import { nearestWord } from "../spelling.ts";
import { type Annotation, type Computation, covering, type Explanation, shifted, wrongIn } from "./explanation.ts";
import type { Asked } from "./framed.ts";
import { computation, seenByFormulas, spokenValue } from "./values.ts";

export function explainLines(spec: LinesSpec, asked: Asked, bytes: Uint8Array): Explanation {
  const lines = linesOf(spec);
  const told: Told = { what: [], values: new Map(), computed: [] };
  const annotations: Annotation[] = [];
  for (let at = 0; at < bytes.length; ) {
    const one = nextLine(lines, asked, bytes, at);
    annotations.push(...shifted(lineParts(spec, lines, asked, one, told), at));
    at += one.text.length;
  }
  const sections = [{ title: "on the line", bytes, annotations, isText: true }];
  return { what: told.what, sections, computed: told.computed, values: told.values, wrong: wrongIn(sections) };
}

interface Told {
  readonly what: string[];
  readonly values: Map<string, DecodedValue>;
  readonly computed: Computation[];
}

type Kind = ReturnType<typeof kindsOf>[number];

interface FoundLine extends CutLine {
  readonly request?: LineMessage;
  readonly kind?: Kind;
}

/** A request's line may end otherwise than an answer's: the one that means something is taken, answers first. */
function nextLine(lines: Lines, { address, wanted }: Asked, bytes: Uint8Array, at: number): FoundLine {
  const answer = lines.answers.cut(bytes, at);
  const { line } = answer;
  const kinds = line
    ? kindsOf(lines, address, true).filter(
        ({ begins, body }) => beginsLike(begins, line.content) && body.isMeant(line.content),
      )
    : [];
  const kind = kinds.find((one) => "asked" in one && one.asked === wanted) ?? kinds[0];
  const sent = lines.requests.cut(bytes, at);
  const request = sent.line?.isIntact && sent.isEnded ? requestIn(lines, sent.line.content) : undefined;
  // A request is matched as a whole, an answer by its beginning.
  const letters =
    request && filled(request.request, (name) => (name === "address" ? lines.addressText(address) : "")).length;
  const isRequest = letters !== undefined && (kind === undefined || kind.begins.length < letters);
  if (isRequest && request) return { ...sent, request };
  return kind ? { ...answer, kind } : answer;
}

const requestIn = (lines: Lines, content: string): LineMessage | undefined =>
  [...lines.asked]
    .sort((a, b) => constantLetters(b.request) - constantLetters(a.request))
    .find(({ request, letters }) => placeholdersIn(request, content, (name) => letters.get(name)) !== undefined);

function lineParts(
  spec: LinesSpec,
  lines: Lines,
  { address }: Asked,
  found: FoundLine,
  told: Told,
): readonly Annotation[] {
  const { line, text, isEnded, request, kind } = found;
  if (line === undefined || (line.content === "" && line.isIntact)) return noLine(spec.line, text, told);
  const state = `${line.isIntact ? "" : ", with a wrong check"}${isEnded ? "" : ", cut: its end doesn't come"}`;
  told.what.push(`${whatOf(lines, address, line.content, found)}${state}`);
  const channels = kind === undefined ? [] : channelsOf(spec, kind);
  const values: Values = kind?.body.decode(line.content) ?? new Map();
  if (line.isIntact && isEnded) take(told, channels, values);
  const places = kind?.body.placesIn(line.content) ?? new Map<string, number | undefined>();
  const fields = fieldTexts(channels, places, values);
  return request === undefined
    ? lineAnnotations(spec.line, lines.answers, found, line, fields)
    : lineAnnotations(spec.requestLine, lines.requests, found, line, fields);
}

function whatOf(lines: Lines, address: number, content: string, { request, kind }: FoundLine): string {
  if (request !== undefined) return `request "${request.kind} ${request.name}"`;
  if (kind === undefined) return unknownLine(lines, address, content);
  return "asked" in kind ? `answer to "${kind.asked}"` : `report "${kind.report}"`;
}

const channelsOf = (spec: LinesSpec, kind: Kind): readonly LineChannelSpec[] =>
  spec.reads.find(({ name }) => ("asked" in kind ? kind.asked === `read ${name}` : kind.report === name))?.channels ??
  [];

function take({ values, computed }: Told, channels: readonly LineChannelSpec[], decoded: Values): void {
  const known = seenByFormulas(channels, decoded);
  for (const { channel, source } of channels) {
    const value = decoded.get(channel.name) ?? "malformed";
    values.set(channel.name, value);
    if (source.from === "formula") computed.push(computation(channel.name, source.formula, known, value, channel));
  }
}

function unknownLine(lines: Lines, address: number, content: string): string {
  const begins = kindsOf(lines, address).map((kind) => kind.begins);
  const near = nearestWord(content.slice(0, begins[0]?.length ?? 5), begins);
  return `a line that is no message of the description; lines begin with ${begins.join(", ")}${near === undefined ? "" : `: did you mean ${near}?`}`;
}

function noLine({ begin }: LineForm, text: string, told: Told): readonly Annotation[] {
  if (text.trim() === "") return [{ start: 0, end: text.length, part: "empty", says: ["an empty line says nothing"] }];
  const wrong = begin === "" ? "no line of this protocol" : `no "${begin}", with which each line begins`;
  told.what.push(`no line: ${wrong}`);
  return [{ start: 0, end: text.length, part: "stray", says: ["belongs to no line"], wrong }];
}

/** By the place of the field in the line: which channels read it, and what they get. */
function fieldTexts(
  channels: readonly LineChannelSpec[],
  places: ReadonlyMap<string, number | undefined>,
  values: Values,
): ReadonlyMap<number, { name: string; says: string }[]> {
  const found = new Map<number, { name: string; says: string }[]>();
  for (const { channel } of channels) {
    const place = places.get(channel.name);
    if (place === undefined) continue;
    const all = found.get(place) ?? [];
    all.push({ name: channel.name, says: spokenValue(values.get(channel.name) ?? "malformed", channel) });
    found.set(place, all);
  }
  return found;
}

function lineAnnotations(
  form: LineForm,
  codec: LineCodec,
  { text, isEnded }: FoundLine,
  { content, isIntact, beginAt: begin, checkLetters }: LineContent,
  fields: ReadonlyMap<number, { name: string; says: string }[]>,
): readonly Annotation[] {
  const from = begin + form.begin.length;
  const to = from + content.length;
  const parts: Annotation[] = [
    { start: begin, end: from, part: "begin", says: [form.isBlock ? "each block begins so" : "each line begins so"] },
  ];
  let at = from;
  for (const [place, field] of splitFields(content, form.separator).entries()) {
    const start = Math.max(at, text.indexOf(field, at));
    const known = fields.get(place);
    const says = known?.map(({ name, says: value }) => (known.length > 1 ? `${name}: ${value}` : value)) ?? [
      `field ${place}`,
    ];
    parts.push({ start, end: start + field.length, part: known?.map(({ name }) => name).join(", ") ?? "field", says });
    at = start + field.length;
  }
  if (form.check && checkLetters > 0) parts.push(checkPart(form, codec, text, content, to, checkLetters, isIntact));
  const endAt = to + checkLetters;
  if (isEnded && endAt < text.length)
    parts.push({
      start: endAt,
      end: text.length,
      part: "end",
      says: [form.isBlock ? "the block's end" : "the line's end"],
    });
  const between = (start: number, end: number): Annotation => {
    if (start < begin) return { start, end, part: "stray", says: ["before the line's beginning"] };
    return { start, end, part: "between", says: ["separates fields"] };
  };
  return covering(text.length, parts, between);
}

function checkPart(
  { begin, end, check }: LineForm,
  codec: LineCodec,
  text: string,
  content: string,
  from: number,
  length: number,
  isIntact: boolean,
): Annotation {
  const whole = String.fromCharCode(...codec.wrap(content));
  const wanted = whole.slice(begin.length + content.length, whole.length - end.length);
  const name = check === undefined ? "" : check.check.kind === "crc" ? check.check.name : check.check.kind;
  const place = { start: from, end: from + length, part: "check" };
  const says = `${name} over all ${check === undefined ? "" : covered(check, begin)}`;
  return isIntact
    ? { ...place, says: [`${says}: right`] }
    : { ...place, says: [says], wrong: `is ${visible(text.slice(from, from + length))}, should be ${visible(wanted)}` };
}

function covered({ after, coversBegin, coversAfter }: LineCheckSpec, begin: string): string {
  const first = begin === "" ? "the beginning" : `"${visible(begin)}"`;
  const last = after === "" ? "the check" : `"${visible(after)}"`;
  const inclusive = [coversBegin ? first : "", coversAfter ? last : ""].filter((one) => one !== "");
  return `between ${first} and ${last}${inclusive.length === 0 ? "" : `, ${inclusive.join(" and ")} included`}`;
}

/** Letters that have no key, as a description writes them. */
const visible = (text: string): string =>
  text.replaceAll(
    /[^\x20-\x7e]/g,
    (letter) => NAMED[letter] ?? `\\x${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
const NAMED: Readonly<Record<string, string>> = { "\r": "\\r", "\n": "\\n", "\t": "\\t" };

/** The body of a framed message: how it begins, channels, records, what a request carries, refusals. */

import { createField } from "../fields/fields.ts";
import type { BodyCodec } from "../framing/framed-body.ts";
import type { FramedMessage } from "../framing/framed-messages.ts";
import type { Channel, Values } from "../model.ts";
import { spokenBytes } from "../quantities.ts";
import type { FramedSpec } from "../spec.ts";
import { type Annotation, bytesAt } from "./explanation.ts";
import type { Meaning } from "./framed-find.ts";
import { counting, fieldAnnotation } from "./values.ts";

/** Annotations of the parts that have a meaning, counted from the body's first byte; `body` may be cut. */
export function bodyAnnotations(
  spec: FramedSpec,
  meaning: Meaning,
  body: Uint8Array,
  isCut: boolean,
): readonly Annotation[] {
  switch (meaning.kind) {
    case "refusal":
      return refused(spec, body);
    case "request":
      return requested(spec, meaning.message, body);
    case "report":
      return answered(meaning.message.body, `the report "${meaning.message.name}"`, body, isCut);
    case "answer": {
      const { kind, name } = meaning.message;
      const own = answered(meaning.message.body, `the answer to "${kind} ${name}"`, body, isCut);
      return [...own, ...repeated(spec, meaning.message, body)];
    }
  }
}

function refused({ refusal, refusals }: FramedSpec, body: Uint8Array): readonly Annotation[] {
  if (refusal === undefined) return [];
  const { codeAt } = refusal;
  const code = body[codeAt];
  const beginning = { start: 0, end: codeAt, part: "refusal", says: ["the device refuses"] };
  if (code === undefined) return [beginning];
  const says = `${code}: ${refusals?.get(code) ?? "the description has no words for this code"}`;
  return [...(codeAt > 0 ? [beginning] : []), { start: codeAt, end: codeAt + 1, part: "code", says: [says] }];
}

function requested(spec: FramedSpec, { kind, name, request }: FramedMessage, body: Uint8Array): readonly Annotation[] {
  return request.parts.flatMap((part, i): Annotation[] => {
    if ("bytes" in part) {
      const says = i === 0 ? `the request "${kind} ${name}"` : "always so";
      return [{ start: part.at, end: part.at + part.bytes.length, part: "request", says: [says] }];
    }
    const { placeholder, field } = part;
    const { size } = createField(field);
    const channel = channelOf(spec, placeholder === "value" ? name : placeholder);
    if (part.at + size > body.length) return [{ start: part.at, end: part.at + size, part: placeholder, says: [] }];
    return [fieldAnnotation(placeholder, field, channel, body, part.at)];
  });
}

function channelOf({ reads }: FramedSpec, name: string): Channel | undefined {
  const all = reads.flatMap(({ channels, recordChannels = [] }) => [...channels, ...recordChannels]);
  return all.find(({ channel }) => channel.name === name)?.channel;
}

/** The answer to a setting may repeat the value. */
function repeated(
  spec: FramedSpec,
  { name, request, repeatsValue, body: { beginning } }: FramedMessage,
  body: Uint8Array,
) {
  const part = request.parts.find((one) => "placeholder" in one && one.placeholder === "value");
  if (!repeatsValue || part === undefined || !("placeholder" in part)) return [];
  if (body.length < beginning.length + createField(part.field).size) return [];
  return [fieldAnnotation("value", part.field, channelOf(spec, name), body, beginning.length)];
}

function answered(codec: BodyCodec, what: string, body: Uint8Array, isCut: boolean): readonly Annotation[] {
  const { beginning, least, spec } = codec;
  const short =
    body.length < least && !isCut
      ? { wrong: `${what} has at least ${least} bytes of body, here are ${body.length}` }
      : {};
  const says = beginning.length === 0 ? [] : [`${spokenBytes(beginning)} begins ${what}`];
  const first: Annotation = { start: 0, end: Math.max(1, beginning.length), part: "answer", says, ...short };
  const decoded = codec.decode(body, 0, body.length);
  const fields = spec.channels.flatMap(({ channel, source, validWhen }): Annotation[] => {
    if (source.from !== "field") return [];
    const { end, size } = createField(source.field);
    if (end > body.length) return [{ start: end - size, end, part: channel.name, says: [] }];
    return [counting(fieldAnnotation(channel.name, source.field, channel, body, 0), validWhen, decoded)];
  });
  const isShown = beginning.length > 0 || "wrong" in short;
  return [...(isShown ? [first] : []), ...fields, ...recordAnnotations(codec, body, decoded)];
}

function recordAnnotations(
  { spec, records }: BodyCodec,
  body: Uint8Array,
  decoded: Values | undefined,
): readonly Annotation[] {
  const shape = spec.records;
  if (records === undefined || shape === undefined) return [];
  const count =
    shape.count && createField(shape.count).end <= body.length
      ? fieldAnnotation("records", shape.count, undefined, body, 0)
      : undefined;
  const each = records.places(body, 0, body.length).flatMap(({ at, size }, index) => {
    const key = shape.key === undefined ? index : createField(shape.key).read(body, at);
    const own = (spec.recordChannels ?? []).filter(({ record }) => record === key);
    const fields = own.flatMap(({ channel, field, validWhen }) =>
      createField(field).end <= size
        ? [counting(fieldAnnotation(channel.name, field, channel, body, at), validWhen, decoded)]
        : [],
    );
    const keyPart = shape.key && fieldAnnotation("record", shape.key, undefined, body, at);
    const length =
      typeof shape.length === "number"
        ? undefined
        : fieldAnnotation("record length", shape.length.field, undefined, body, at);
    const named = [...(keyPart ? [keyPart] : []), ...(length ? [length] : []), ...fields];
    return named.length > 0
      ? named
      : [{ start: at, end: at + size, part: `record ${String(key)}`, says: ["no channel reads it"] }];
  });
  return [...(count ? [count] : []), ...each];
}

/** What bodies of this protocol begin with, for a frame that begins otherwise. */
export const unknownBody = (body: Uint8Array, beginnings: readonly string[]): Annotation => ({
  start: 0,
  end: body.length,
  part: "body",
  says: [],
  wrong: `${body.length === 0 ? "it is empty" : `begins with ${spokenBytes(body.subarray(0, 4))}`}; the description knows ${beginnings.join(", ")}`,
});

export const unread = (start: number, end: number): Annotation => ({
  start,
  end,
  part: "unread",
  says: [`${bytesAt(start, end)} of the body: no channel reads ${end - start === 1 ? "it" : "them"}`],
});

/** What the body of an answer or report holds: its beginning, channels at fixed bytes, and records. */
import { createChannelCodec } from "../fields/channels.ts";
import { createValidity } from "../fields/valid-when.ts";
import type { Values } from "../model.ts";
import type { FramedReadSpec } from "../spec.ts";
import { isThere } from "./frame-layout.ts";
import { NO_FRAME } from "./frame-scanner.ts";
import { createRecords, type Records } from "./framed-records.ts";

export interface BodyCodec {
  /** How the body begins. */
  readonly beginning: Uint8Array;
  /** What it was made from. */
  readonly spec: BodySpec;
  readonly records: Records | undefined;
  /** Bytes that it has at least. */
  readonly least: number;
  /** Bytes from the body's beginning to its end, NO_FRAME when it begins otherwise, undefined when more are needed. */
  lengthAt(data: Uint8Array, bodyAt: number, end: number): number | undefined;
  /** Whether a body of this length begins as it should. */
  isThere(data: Uint8Array, bodyAt: number, length: number): boolean;
  /** Undefined when the body is too short, or its records don't add up. */
  decode(data: Uint8Array, bodyAt: number, length: number): Values | undefined;
  /** Throws RangeError naming the channel that has no value, or one that doesn't fit. */
  encode(values: Values): Uint8Array;
}

export type BodySpec = Pick<FramedReadSpec, "answer" | "channels" | "records" | "recordChannels">;

export function createBodyCodec(bodySpec: BodySpec): BodyCodec {
  const { answer, channels, records: spec, recordChannels = [] } = bodySpec;
  const fields = createChannelCodec(channels, recordChannels);
  const validity = createValidity([...channels, ...recordChannels]);
  const records = spec && createRecords(spec, recordChannels, validity);
  const least = Math.max(answer.length, fields.end, records?.least ?? 0);
  return {
    spec: bodySpec,
    records,
    beginning: answer,
    least,
    lengthAt: (data, bodyAt, end) => {
      if (!isThere(answer, data, bodyAt, end)) return NO_FRAME;
      if (bodyAt + answer.length > end) return undefined;
      return records === undefined ? least : records.lengthAt(data, bodyAt, end);
    },
    isThere: (data, bodyAt, length) => length >= answer.length && isThere(answer, data, bodyAt, bodyAt + length),
    decode: (data, bodyAt, length) => {
      if (length < least) return undefined;
      if (records === undefined) return fields.decode(data, bodyAt);
      const found = records.decode(data, bodyAt, length);
      return found && fields.decode(data, bodyAt, undefined, found);
    },
    encode: (values) => encoded(values, answer, least, fields, records),
  };
}

function encoded(
  values: Values,
  answer: Uint8Array,
  least: number,
  fields: ReturnType<typeof createChannelCodec>,
  records: Records | undefined,
): Uint8Array {
  const content = records === undefined ? new Uint8Array(least) : records.encode(values, least);
  content.set(answer);
  fields.encode(content, 0, values);
  return content;
}

/** What the body of an answer or report holds: its beginning, channels at fixed bytes, and records. */
import { createChannelCodec, forFormulas } from "../fields/channels.ts";
import { formulaName } from "../formula/formula.ts";
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
  const fields = createChannelCodec(channels);
  const records = spec && createRecords(spec, recordChannels);
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
      return found && withRecords(found, fields.decode(data, bodyAt, knownFrom(recordChannels, found)));
    },
    encode: (values) => encoded(values, answer, least, fields, records),
  };
}

const knownFrom = (channels: NonNullable<BodySpec["recordChannels"]>, values: Values): Values =>
  new Map(channels.map(({ channel }) => [formulaName(channel.name), forFormulas(channel, values.get(channel.name))]));

function withRecords(found: Values, others: Values): Values {
  const values = new Map(found);
  for (const [name, value] of others) values.set(name, value);
  return values;
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

/**
 * Records in a body: one after the other from `from`, as many as a count says or up to the body's end, all of one
 * length or each with its own length inside.
 *
 *   85 | 02 | 01 00 D2 | 03 01 18        answer 85, count 2, records of 3 bytes: key 1, then a value
 *
 * A channel finds its record by the key, or by its place where records have none. A record that isn't there is
 * "no-sensor"; one that reaches beyond the body, or doesn't hold the channel's bytes, is malformed.
 */
import { createField, type Field } from "../fields/fields.ts";
import type { Validity } from "../fields/valid-when.ts";
import type { DecodedValue, Values } from "../model.ts";
import type { RecordChannelSpec, RecordsSpec } from "../spec.ts";

export interface Records {
  /** Bytes of a body without records. */
  readonly least: number;
  /** Length of the body that holds them; undefined when more bytes are needed. */
  lengthAt(data: Uint8Array, bodyAt: number, end: number): number | undefined;
  /** Where each begins and how long it is, as far as they add up; body from `bodyAt`. */
  places(data: Uint8Array, bodyAt: number, length: number): readonly { readonly at: number; readonly size: number }[];
  /** Undefined when the records don't add up. */
  decode(data: Uint8Array, bodyAt: number, length: number): ReadonlyMap<string, DecodedValue> | undefined;
  /** A body of at least `least` bytes with all records that have a value. */
  encode(values: Values, least: number): Uint8Array;
}

/** A body of the greatest length holds no more records of one byte. */
const RECORDS_MAX = 1_024;

interface RecordChannel {
  readonly name: string;
  readonly record: number;
  readonly field: Field;
}

/** `validity` of all channels of the body: what doesn't count needs no raw value for "no-sensor". */
export function createRecords(
  spec: RecordsSpec,
  specs: readonly RecordChannelSpec[],
  validity: Validity | undefined,
): Records {
  const layout = layoutOf(spec);
  const channels: readonly RecordChannel[] = specs.map(({ channel, record, field }) => ({
    name: channel.name,
    record,
    field: createField(field),
  }));
  return {
    least: layout.least,
    lengthAt: (data, bodyAt, end) => layout.walk(data, bodyAt, end, undefined, () => undefined),
    places: (data, bodyAt, length) => {
      const found: { at: number; size: number }[] = [];
      layout.walk(data, bodyAt, bodyAt + length, bodyAt + length, (at, size) => found.push({ at, size }));
      return found;
    },
    decode: (data, bodyAt, length) => {
      const values = new Map<string, DecodedValue>();
      for (const { name } of channels) values.set(name, "no-sensor");
      let place = 0;
      const walked = layout.walk(data, bodyAt, bodyAt + length, bodyAt + length, (at, size) => {
        const key = layout.key === undefined ? place : layout.key.read(data, at);
        for (const { name, record, field } of channels) {
          if (record === key) values.set(name, field.end <= size ? field.read(data, at) : "malformed");
        }
        place++;
      });
      return walked === undefined ? undefined : values;
    },
    encode: (values, least) => {
      const isWritten = ({ name }: RecordChannel): boolean =>
        values.get(name) !== "no-sensor" || validity?.isOff(name, values) !== true;
      return encoded(spec, layout, channels, { values, isWritten }, least);
    },
  };
}

interface RecordLayout {
  readonly least: number;
  readonly key: Field | undefined;
  readonly count: Field | undefined;
  readonly length: number | { readonly field: Field; readonly extra: number };
  /** Visits each record; the body's length, or undefined when a record reaches beyond `end`. */
  walk(
    data: Uint8Array,
    bodyAt: number,
    end: number,
    bodyEnd: number | undefined,
    visit: (at: number, size: number) => void,
  ): number | undefined;
}

function layoutOf(spec: RecordsSpec): RecordLayout {
  const key = spec.key && createField(spec.key);
  const count = spec.count && createField(spec.count);
  const length =
    typeof spec.length === "number" ? spec.length : { field: createField(spec.length.field), extra: spec.length.extra };
  /** Bytes that a record needs before its own length is known. */
  const head = Math.max(1, key?.end ?? 0, typeof length === "number" ? length : length.field.end);
  const least = Math.max(spec.from, count?.end ?? 0);
  const sizeAt = (data: Uint8Array, at: number): number =>
    typeof length === "number" ? length : Number(length.field.read(data, at)) + length.extra;
  return {
    least,
    key,
    count,
    length,
    walk: (data, bodyAt, end, bodyEnd, visit) => {
      if (bodyAt + least > end) return undefined;
      const wanted = count === undefined ? RECORDS_MAX : Number(count.read(data, bodyAt));
      let at = bodyAt + spec.from;
      for (let i = 0; i < wanted && (count !== undefined || at !== bodyEnd); i++) {
        const size = at + head > end ? head : sizeAt(data, at);
        if (!(size >= head) || at + size > end) return undefined;
        visit(at, size);
        at += size;
      }
      return at - bodyAt;
    },
  };
}

interface Written {
  readonly values: Values;
  readonly isWritten: (channel: RecordChannel) => boolean;
}

/** Records in the order in which channels name them; what is "no-sensor" in all its channels is left out. */
function encoded(
  spec: RecordsSpec,
  layout: RecordLayout,
  channels: readonly RecordChannel[],
  { values, isWritten }: Written,
  least: number,
): Uint8Array {
  const ofRecord = (key: number): readonly RecordChannel[] =>
    channels.filter(({ name, record }) => record === key && values.get(name) !== "no-sensor");
  const present = [...new Set(channels.map(({ record }) => record))].filter((key) => ofRecord(key).length > 0);
  // Without keys a record's place tells which it is: those before it have to be there.
  const keys = layout.key === undefined ? Array.from({ length: Math.max(-1, ...present) + 1 }, (_, i) => i) : present;
  const records = keys.map((key) =>
    recordOf(
      layout,
      key,
      ofRecord(key).length === 0 ? [] : channels.filter((one) => one.record === key && isWritten(one)),
      values,
    ),
  );
  const total = records.reduce((sum, { length }) => sum + length, 0);
  const content = new Uint8Array(Math.max(least, spec.from + total));
  let at = spec.from;
  for (const record of records) {
    content.set(record, at);
    at += record.length;
  }
  layout.count?.write(content, 0, records.length);
  return content;
}

function recordOf(layout: RecordLayout, key: number, own: readonly RecordChannel[], values: Values): Uint8Array {
  const { length } = layout;
  const needed = Math.max(layout.key?.end ?? 0, ...own.map(({ field }) => field.end));
  const size = typeof length === "number" ? length : Math.max(needed, length.field.end);
  const record = new Uint8Array(size);
  for (const { name, field } of own) writeValue(record, name, field, values.get(name));
  layout.key?.write(record, 0, key);
  if (typeof length !== "number") length.field.write(record, 0, size - length.extra);
  return record;
}

function writeValue(record: Uint8Array, name: string, field: Field, value: DecodedValue | undefined): void {
  if (value === undefined) throw new RangeError(`${name}: no value to send`);
  try {
    field.write(record, 0, value);
  } catch (error) {
    if (error instanceof RangeError) throw new RangeError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

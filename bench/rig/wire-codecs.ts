/**
 * What the same rows cost in each way of sending them. Each codec's output is decoded back; the caller compares it. Ours are
 * whole messages of agent/wire; the others are what is commonly sent, as small as their formats allow.
 */
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from "node:zlib";
import { type ChannelValue, isMissing, missing } from "@pump-station/agent/reading.ts";
import { decodeBatch, encodeBatch, type TravellingForm } from "@pump-station/agent/wire/batch.ts";
import { openEnvelope } from "@pump-station/agent/wire/envelope.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import { decode, encode } from "cborg";

export interface Rows {
  /** ms since 1970 */
  readonly times: readonly number[];
  /** rows[i][c]; null: missing */
  readonly values: readonly (readonly (number | null)[])[];
}

export interface Codec {
  readonly name: string;
  encode(rows: Rows): Uint8Array;
  decode(bytes: Uint8Array): Rows;
  /** Bytes that are compared (body and 20 of header), and of those that identify (epoch, hashes, check). */
  sizes(bytes: Uint8Array): { readonly compared: number; readonly identity: number };
}

const HEADER_BYTES = 20;
/** Epoch and schema hash with their heads, and the check with its. */
const IDENTITY_BYTES = 9 + 9 + 5;
const wholeMessage = (bytes: Uint8Array) => ({ compared: bytes.length, identity: 0 });

export function codecsFor(schema: StreamSchema): readonly Codec[] {
  const names = schema.channels.map(({ name }) => name);
  return [
    ours("ours, tight", schema, "trends"),
    ours("ours, open", schema, "deflated"),
    jsonRows(names),
    jsonGzip(names),
    senml(names),
    sparkplug(names.length),
    cborRows(),
  ];
}

function ours(name: string, schema: StreamSchema, form: TravellingForm): Codec {
  const hash = schemaHash(schema);
  const noSensor = missing("no-sensor");
  const schemaOf = () => schema;
  return {
    name,
    encode: ({ times, values }) => {
      const rows = values.map((row) => (isWhole(row) ? row : row.map((value) => value ?? noSensor)));
      const block = { stream: schema.stream, schemaHash: hash, sequence: 1, times, rows };
      return encodeBatch({ epoch: "0123456789abcdef", basis: { kind: "wall" }, blocks: [block] }, schemaOf, form);
    },
    decode: (bytes) => {
      const [block] = decodeBatch(bytes, schemaOf).blocks;
      const rows = block?.rows ?? [];
      const values = rows.map((row) => (isPresent(row) ? row : row.map((one) => (isMissing(one) ? null : one))));
      return { times: block?.times ?? [], values };
    },
    sizes: (bytes) => {
      const [, , , blocks] = openEnvelope(bytes, bytes.length, [1, 2, 3]) as [
        unknown,
        unknown,
        unknown,
        Uint8Array[][],
      ];
      return { compared: (blocks[0]?.[6]?.length ?? 0) + HEADER_BYTES, identity: IDENTITY_BYTES };
    },
  };
}

const isWhole = (row: readonly (number | null)[]): row is readonly number[] => !row.includes(null);
const isPresent = (row: readonly ChannelValue[]): row is readonly number[] => !row.some(isMissing);

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const recordOf = (names: readonly string[], time: number, row: readonly (number | null)[]) =>
  Object.fromEntries([["time", time], ...names.map((name, at) => [name, row[at] ?? null])]) as Record<
    string,
    number | null
  >;
const rowsOf = (names: readonly string[], records: readonly Record<string, number | null>[]): Rows => ({
  times: records.map((record) => record["time"] ?? 0),
  values: records.map((record) => names.map((name) => record[name] ?? null)),
});

/** One message per row: the bytes are those of the messages, joined by line ends that nobody sends. */
const jsonRows = (names: readonly string[]): Codec => ({
  name: "JSON rows",
  encode: ({ times, values }) =>
    utf8(values.map((row, at) => JSON.stringify(recordOf(names, times[at] ?? 0, row))).join("\n")),
  decode: (bytes) =>
    rowsOf(
      names,
      textOf(bytes)
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, number | null>),
    ),
  sizes: (bytes) => ({ compared: bytes.length - bytes.filter((byte) => byte === 10).length, identity: 0 }),
});

const jsonGzip = (names: readonly string[]): Codec => ({
  name: "JSON array + gzip",
  encode: ({ times, values }) =>
    gzipSync(utf8(JSON.stringify(values.map((row, at) => recordOf(names, times[at] ?? 0, row)))), { level: 9 }),
  decode: (bytes) => rowsOf(names, JSON.parse(textOf(gunzipSync(bytes))) as Record<string, number | null>[]),
  sizes: wholeMessage,
});

/** RFC 8428 with the labels of its table 6: 0 name, 2 value, 6 time, -3 base time; a missing value is no record. */
const senml = (names: readonly string[]): Codec => ({
  name: "SenML-CBOR + deflate",
  encode: ({ times, values }) => {
    const base = times[0] ?? 0;
    const records = values.flatMap((row, at) => {
      const time = ((times[at] ?? 0) - base) / 1000;
      return row.flatMap((value, channel) =>
        value === null
          ? []
          : [
              new Map<number, number | string>([
                [0, names[channel] ?? ""],
                [6, time],
                [2, value],
              ]),
            ],
      );
    });
    records[0]?.set(-3, base / 1000);
    return deflateRawSync(encode(records), { level: 9 });
  },
  decode: (bytes) => {
    const records = decode(inflateRawSync(bytes), { useMaps: true }) as Map<number, number | string>[];
    const base = Number(records[0]?.get(-3) ?? 0) * 1000;
    const indexOf = new Map(names.map((name, index) => [name, index]));
    const [times, values]: [number[], (number | null)[][]] = [[], []];
    let last = names.length;
    for (const record of records) {
      const time = Math.round(base + Number(record.get(6)) * 1000);
      const channel = indexOf.get(String(record.get(0))) ?? 0;
      // Two rows may have the same time.
      if (time !== times.at(-1) || channel <= last) {
        times.push(time);
        values.push(names.map(() => null));
      }
      const row = values.at(-1);
      if (row) row[channel] = Number(record.get(2));
      last = channel;
    }
    return { times, values };
  },
  sizes: wholeMessage,
});

/** Rows [time - first time, value, …] as doubles or integers, null for missing. */
const cborRows = (): Codec => ({
  name: "CBOR rows + deflate",
  encode: ({ times, values }) =>
    deflateRawSync(encode([times[0] ?? 0, values.map((row, at) => [(times[at] ?? 0) - (times[0] ?? 0), ...row])]), {
      level: 9,
    }),
  decode: (bytes) => {
    const [first, rows] = decode(inflateRawSync(bytes)) as [number, [number, ...(number | null)[]][]];
    return { times: rows.map(([time]) => first + time), values: rows.map(([, ...row]) => row) };
  },
  sizes: wholeMessage,
});

/**
 * As Sparkplug B's Payload (protobuf): 1 timestamp, 2 metrics, 3 seq; a metric has 2 alias, 3 timestamp, 4 datatype (10,
 * double), 7 is_null, 13 double_value. Names travelled with the birth message.
 */
const sparkplug = (channels: number): Codec => ({
  name: "Sparkplug-B-like + gzip",
  encode: ({ times, values }) => {
    const out = new ProtobufWriter();
    out.varint(0x08, times[0] ?? 0);
    values.forEach((row, at) => {
      row.forEach((value, alias) => {
        const metric = new ProtobufWriter();
        metric.varint(0x10, alias);
        metric.varint(0x18, times[at] ?? 0);
        metric.varint(0x20, 10);
        if (value === null) metric.varint(0x38, 1);
        else metric.double(0x69, value);
        out.message(0x12, metric.bytes());
      });
    });
    out.varint(0x18, 1);
    return gzipSync(out.bytes(), { level: 9 });
  },
  decode: (bytes) => sparkplugRows(gunzipSync(bytes), channels),
  sizes: wholeMessage,
});

class ProtobufWriter {
  private readonly out: number[] = [];
  varint(tag: number, value: number): void {
    this.out.push(tag);
    for (; value >= 128; value = Math.floor(value / 128)) this.out.push((value % 128) + 128);
    this.out.push(value);
  }
  double(tag: number, value: number): void {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value, true);
    this.out.push(tag, ...new Uint8Array(view.buffer));
  }
  message(tag: number, bytes: Uint8Array): void {
    this.varint(tag, bytes.length);
    for (const byte of bytes) this.out.push(byte);
  }
  bytes(): Uint8Array {
    return Uint8Array.from(this.out);
  }
}

function sparkplugRows(bytes: Uint8Array, channels: number): Rows {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const times: number[] = [];
  const values: (number | null)[][] = [];
  let at = 0;
  let [alias, time, count] = [0, 0, 0];
  const varint = (): number => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  const keep = (value: number | null): void => {
    if (count++ % channels === 0) {
      times.push(time);
      values.push(new Array<number | null>(channels).fill(null));
    }
    const row = values.at(-1);
    if (row) row[alias] = value;
  };
  while (at < bytes.length) {
    const tag = bytes[at++];
    if (tag === 0x69) {
      keep(view.getFloat64(at, true));
      at += 8;
      continue;
    }
    const value = varint();
    // Inside a metric 0x18 is its time; outside it is the sequence, which comes last.
    if (tag === 0x10) alias = value;
    else if (tag === 0x18) time = value;
    else if (tag === 0x38) keep(null);
  }
  return { times, values };
}

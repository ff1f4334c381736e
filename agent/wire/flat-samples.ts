/** A batch without blocks and columns, for tables, documents and spreadsheets. */
import { type ChannelValue, isMissing, type MissingReason } from "../reading.ts";
import type { Batch } from "./messages.ts";
import type { SchemaChannel, StreamSchema } from "./schema.ts";
import type { Message } from "./sealed-message.ts";

/** One sample; what has no value is in `missing`, what has a state's name in `states`, too. */
export interface FlatSample {
  readonly epoch: string;
  readonly stream: string;
  readonly sequence: number;
  /** since 1970 UTC, or since the start of the boot `boot` */
  readonly ms: number;
  readonly utc?: string;
  readonly boot?: string;
  readonly values: Readonly<Record<string, number>>;
  readonly states?: Readonly<Record<string, string>>;
  /** "timeout", or with the device's own code "refused 4" */
  readonly missing?: Readonly<Record<string, string>>;
}

/** One value, or one that is missing. */
export interface FlatReading {
  readonly epoch: string;
  readonly stream: string;
  readonly sequence: number;
  readonly ms: number;
  readonly utc?: string;
  readonly boot?: string;
  readonly channel: string;
  readonly value?: number;
  readonly unit: string;
  readonly state?: string;
  readonly missing?: MissingReason;
  readonly code?: number;
}

type SchemaOf = (hash: string) => StreamSchema | undefined;

/** Throws RangeError when a schema isn't there that the batch was decoded with. */
export function* readingsOf(batch: Batch, schemaOf: SchemaOf): Generator<FlatReading> {
  for (const block of batch.blocks) {
    const channels = channelsOf(schemaOf, block.schemaHash);
    for (const [at, row] of block.rows.entries()) {
      const sample = headOf(batch, block, at);
      for (const [index, { channel, states }] of channels.entries()) {
        yield { ...sample, channel: channel.name, unit: channel.unit, ...cellOf(row[index], states) };
      }
    }
  }
}

/** Throws RangeError when a schema isn't there that the batch was decoded with. */
export function* samplesOf(batch: Batch, schemaOf: SchemaOf): Generator<FlatSample> {
  for (const block of batch.blocks) {
    const channels = channelsOf(schemaOf, block.schemaHash);
    for (const [at, row] of block.rows.entries()) {
      const values: [string, number][] = [];
      const named: [string, string][] = [];
      const missing: [string, string][] = [];
      for (const [index, { channel, states }] of channels.entries()) {
        const { value, state, missing: reason, code } = cellOf(row[index], states);
        if (value !== undefined) values.push([channel.name, value]);
        if (state !== undefined) named.push([channel.name, state]);
        if (reason !== undefined) missing.push([channel.name, code === undefined ? reason : `${reason} ${code}`]);
      }
      yield {
        ...headOf(batch, block, at),
        values: Object.fromEntries(values),
        ...(named.length > 0 && { states: Object.fromEntries(named) }),
        ...(missing.length > 0 && { missing: Object.fromEntries(missing) }),
      };
    }
  }
}

export type Document = Readonly<Record<string, unknown>> & { readonly kind: string };

/** A "sample" each of a batch, an "alarm" each of alarms, one of its own kind for any other message. */
export function documentsFrom(message: Message, schemaOf: SchemaOf): Document[] {
  if (message.kind === "alarms") return message.alarms.map((alarm) => ({ ...alarm, kind: "alarm" }));
  if (message.kind !== "batch") return [{ ...message }];
  return Array.from(samplesOf(message, schemaOf), (sample) => ({ kind: "sample", ...sample }));
}

interface NamedChannel {
  readonly channel: SchemaChannel;
  readonly states: ReadonlyMap<number, string>;
}

function channelsOf(schemaOf: SchemaOf, hash: string): readonly NamedChannel[] {
  const schema = schemaOf(hash);
  if (!schema) throw new RangeError(`flatten a batch: schema ${hash} is not there`);
  return schema.channels.map((channel) => ({ channel, states: new Map(channel.states) }));
}

function headOf({ epoch, basis }: Batch, { stream, sequence, times }: Batch["blocks"][number], at: number) {
  const ms = times[at] ?? 0;
  const when = basis.kind === "boot" ? { boot: basis.bootId } : utcFrom(ms);
  return { epoch, stream, sequence: sequence + at, ms, ...when };
}

/** ISO 8601 with milliseconds; nothing beyond the year 9999. */
const UTC_MS_MAX = 253_402_300_799_999;
const utcFrom = (ms: number): { utc?: string } => (ms > UTC_MS_MAX ? {} : { utc: new Date(ms).toISOString() });

type Cell = Pick<FlatReading, "value" | "state" | "missing" | "code">;

function cellOf(cell: ChannelValue | undefined, states: ReadonlyMap<number, string>): Cell {
  if (cell === undefined) throw new RangeError("flatten a batch: a sample is shorter than its schema");
  if (isMissing(cell)) return { missing: cell.missing, ...(cell.code !== undefined && { code: cell.code }) };
  const state = states.get(cell);
  return { value: cell, ...(state !== undefined && { state }) };
}

export const CSV_COLUMNS = [
  "epoch",
  "stream",
  "sequence",
  "ms",
  "utc",
  "boot",
  "channel",
  "value",
  "unit",
  "state",
  "missing",
  "code",
] as const;

/** A line of CSV (RFC 4180) without its end, in the order of CSV_COLUMNS. */
export const csvLine = (reading: FlatReading): string =>
  CSV_COLUMNS.map((column) => csvField(reading[column])).join(",");

function csvField(field: string | number | undefined): string {
  const text = String(field ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

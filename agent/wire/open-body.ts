/**
 * The open body of a stream's block: columns that any CBOR and zlib library reads.
 *
 *   [ jitter, gaps, column 0, column 1, … ]        as CBOR; then raw deflate (RFC 1951, deflate.ts)
 *
 *   jitter    0 when every sample came exactly `period` after the one before, else n - 1 integers:
 *             time[i] - time[i - 1] - period, in ms
 *   gaps      0 when nothing is missing, else one entry per channel: 0, or n integers, one per sample:
 *             0 present | reason (1…255, MISSING_REASONS) | reason · 256 + device's code (0…255)
 *   column    of the present samples only: k of the first, then differences. value = k · resolution
 *
 * Four fifths of what an arithmetic coder would save over JSON + gzip: 0.94 bytes a reading of a noisy pump at 60
 * samples a block, 0.70 at 360.
 */
import { inflateRawSync } from "node:zlib";
import { type ChannelValue, isMissing } from "../reading.ts";
import { deflateRaw } from "./deflate.ts";
import { type CborItem, decodeCbor, encodeCbor } from "./envelope.ts";
import type { StreamBlock } from "./messages.ts";
import { cellFrom, IMPLAUSIBLE_CELL, missingFrom } from "./missing-cells.ts";
import { createScale, type Scale } from "./scale.ts";
import type { StreamSchema } from "./schema.ts";
import { arrayFrom, integerFrom } from "./shape.ts";
import { WireError } from "./wire-error.ts";

export interface BlockHead {
  readonly samples: number;
  /** ms on the batch's basis */
  readonly firstTime: number;
  readonly period: number;
}

/** The columns before compression. A row's length must be the schema's: anything else is a bug and throws RangeError. */
export function columnsFromBlock(block: StreamBlock, schema: StreamSchema, period: number): readonly CborItem[] {
  const gaps: CborItem[] = [];
  const columns: CborItem[] = [];
  let hasGaps = false;
  schema.channels.forEach(({ resolution }, channel) => {
    const { cells, deltas } = columnFrom(block, channel, createScale(resolution));
    hasGaps ||= cells !== 0;
    gaps.push(cells);
    columns.push(deltas);
  });
  return [jitterOf(block.times, period), hasGaps ? gaps : 0, ...columns];
}

export const deflateColumns = (columns: readonly CborItem[]): Uint8Array => deflateRaw(encodeCbor(columns));

/** Throws WireError "malformed", also when more than `bytesMax` would come out. */
export function inflateColumns(body: Uint8Array, bytesMax: number): { columns: unknown; bytes: number } {
  let inflated: Uint8Array;
  try {
    inflated = inflateRawSync(body, { maxOutputLength: Math.max(1, bytesMax) });
  } catch (cause) {
    throw new WireError("malformed", `inflate a body: ${cause instanceof Error ? cause.message : "failed"}`, { cause });
  }
  return { columns: decodeCbor(inflated), bytes: inflated.length };
}

/** Throws WireError "malformed". */
export function samplesFromColumns(
  item: unknown,
  head: BlockHead,
  schema: StreamSchema,
): { times: number[]; rows: ChannelValue[][] } {
  const [jitter, gaps, ...columns] = arrayFrom(item, "body", 2 + schema.channels.length);
  const times = timesFrom(jitter, head);
  const cellsOf = gaps === 0 ? undefined : arrayFrom(gaps, "body's gaps", schema.channels.length);
  const rows = times.map(() => new Array<ChannelValue>(schema.channels.length));
  schema.channels.forEach(({ resolution }, channel) => {
    const cells = cellsOf?.[channel] ?? 0;
    fillColumn(rows, channel, cells, columns[channel], createScale(resolution));
  });
  return { times, rows };
}

/** The median distance: what makes most of the jitter zero. 0 for a single sample. */
export function periodOf(times: readonly number[]): number {
  const distances = new Float64Array(Math.max(0, times.length - 1));
  for (let at = 0; at < distances.length; at++) distances[at] = (times[at + 1] ?? 0) - (times[at] ?? 0);
  return distances.sort()[distances.length >> 1] ?? 0;
}

function jitterOf(times: readonly number[], period: number): CborItem {
  const jitter = times.slice(1).map((time, index) => time - (times[index] ?? 0) - period);
  return jitter.every((late) => late === 0) ? 0 : jitter;
}

function columnFrom(block: StreamBlock, channel: number, scale: Scale): { cells: CborItem; deltas: CborItem[] } {
  const deltas: CborItem[] = [];
  const cells: number[] = [];
  let hasGaps = false;
  let last = 0;
  for (const row of block.rows) {
    const value = row[channel];
    if (value === undefined) throw new RangeError(`encode ${block.stream}: a sample without channel ${channel}`);
    const k = isMissing(value) ? undefined : scale.integerFrom(value);
    if (k === undefined) {
      hasGaps = true;
      // A number that no multiple of the resolution can stand for is none that a sensor measured.
      cells.push(isMissing(value) ? cellFrom(value.missing, value.code) : IMPLAUSIBLE_CELL);
    } else {
      cells.push(0);
      deltas.push(difference(k, last));
      last = k;
    }
  }
  return { cells: hasGaps ? cells : 0, deltas };
}

const difference = (k: number, last: number): number | bigint =>
  Number.isSafeInteger(k - last) ? k - last : BigInt(k) - BigInt(last);

function timesFrom(item: unknown, { samples, firstTime, period }: BlockHead): number[] {
  const jitter = item === 0 ? undefined : arrayFrom(item, "body's jitter", samples - 1);
  const times = [firstTime];
  for (let index = 1, time = firstTime; index < samples; index++) {
    const late = jitter
      ? integerFrom(jitter[index - 1], "jitter", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
      : 0;
    time = integerFrom(time + period + late, "time", 0, Number.MAX_SAFE_INTEGER);
    times.push(time);
  }
  return times;
}

function fillColumn(rows: ChannelValue[][], channel: number, cells: unknown, column: unknown, scale: Scale): void {
  const reasons = cells === 0 ? undefined : arrayFrom(cells, "gaps", rows.length);
  const deltas = arrayFrom(column, "column");
  let next = 0;
  let k = 0;
  rows.forEach((row, index) => {
    const cell = reasons?.[index] ?? 0;
    if (cell === 0) {
      k = integerAfter(k, deltas[next++]);
      row[channel] = scale.valueFrom(k);
    } else row[channel] = missingFrom(cell);
  });
  if (next !== deltas.length) throw new WireError("malformed", `decode column ${channel}: ${deltas.length} of ${next}`);
}

function integerAfter(k: number, delta: unknown): number {
  const sum =
    typeof delta === "bigint" ? Number(BigInt(k) + delta) : typeof delta === "number" ? k + delta : Number.NaN;
  return integerFrom(sum, "value", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

/**
 * The tight body of a stream's block: one range-coded stream (range-coder.ts) of whole numbers, as few bits as
 * adaptive coding gets them to. Everything is learnt anew in each body, so that each decodes alone; all arithmetic is
 * on whole numbers, so that each decoder does the same.
 *
 *   jitter        coin slot 0 of its own "not every sample came exactly `period` after the one before"; if so, a column
 *                 (column-forms.ts) of n - 1 numbers: time[i] - time[i - 1] - period, in ms
 *   per channel   its missing cells (gap-cells.ts), then a column of k of the present samples, value = k · resolution
 *
 * The column coder is one for all of them: what its shared slots learn in one column serves the next.
 */
import { type ChannelValue, isMissing } from "../reading.ts";
import { codeCoin, createSlots } from "./adaptive-bits.ts";
import { ColumnCoder } from "./column-forms.ts";
import { GapCoder } from "./gap-cells.ts";
import type { StreamBlock } from "./messages.ts";
import { cellFrom, IMPLAUSIBLE_CELL, missingFrom } from "./missing-cells.ts";
import type { BlockHead } from "./open-body.ts";
import { type BitCoder, RangeDecoder, RangeEncoder } from "./range-coder.ts";
import { createScale, type Scale } from "./scale.ts";
import type { StreamSchema } from "./schema.ts";
import { WireError } from "./wire-error.ts";

/** A row's length must be the schema's: anything else is a bug and throws RangeError. */
export function tightBodyFromBlock(block: StreamBlock, schema: StreamSchema, period: number): Uint8Array {
  const coder = new RangeEncoder();
  const columns = new ColumnCoder(coder);
  const gaps = new GapCoder(coder, block.times.length);
  codeJitter(coder, columns, jitterOf(block.times, period));
  schema.channels.forEach(({ resolution }, channel) => {
    const { cells, column } = columnOf(block, channel, createScale(resolution));
    gaps.channel(cells);
    columns.column(column);
  });
  return coder.bytes();
}

/** Throws WireError "malformed". The caller bounds samples and channels. */
export function samplesFromTightBody(
  body: Uint8Array,
  head: BlockHead,
  schema: StreamSchema,
): { times: number[]; rows: ChannelValue[][] } {
  const coder = new RangeDecoder(body);
  const columns = new ColumnCoder(coder);
  const gaps = new GapCoder(coder, head.samples);
  const times = timesFrom(codeJitter(coder, columns, new Float64Array(head.samples - 1)), head);
  const rows = times.map(() => new Array<ChannelValue>(schema.channels.length));
  schema.channels.forEach(({ resolution }, channel) => {
    const cells = new Uint16Array(head.samples);
    const column = new Float64Array(gaps.channel(cells));
    columns.column(column);
    fillColumn(rows, channel, cells, column, createScale(resolution));
  });
  coder.end();
  return { times, rows };
}

function codeJitter(coder: BitCoder, columns: ColumnCoder, jitter: Float64Array): Float64Array {
  const isLate = jitter.some((late) => late !== 0);
  if (codeCoin(coder, createSlots(1), 0, isLate ? 1 : 0) === 1) columns.column(jitter);
  return jitter;
}

const jitterOf = (times: readonly number[], period: number): Float64Array =>
  Float64Array.from({ length: times.length - 1 }, (_, at) => (times[at + 1] ?? 0) - (times[at] ?? 0) - period);

function timesFrom(jitter: Float64Array, { firstTime, period }: BlockHead): number[] {
  const times = [firstTime];
  let time = firstTime;
  for (const late of jitter) {
    time += period + late;
    if (!(time >= 0 && time <= Number.MAX_SAFE_INTEGER)) {
      throw new WireError("malformed", "decode body: a time before its beginning or beyond 2^53");
    }
    times.push(time);
  }
  return times;
}

function columnOf(block: StreamBlock, channel: number, scale: Scale): { cells: Uint16Array; column: Float64Array } {
  const cells = new Uint16Array(block.rows.length);
  const column = new Float64Array(block.rows.length);
  let present = 0;
  block.rows.forEach((row, at) => {
    const value = row[channel];
    if (value === undefined) throw new RangeError(`encode ${block.stream}: a sample without channel ${channel}`);
    const k = isMissing(value) ? undefined : scale.integerFrom(value);
    if (k !== undefined) column[present++] = k;
    else cells[at] = isMissing(value) ? cellFrom(value.missing, value.code) : IMPLAUSIBLE_CELL;
  });
  return { cells, column: column.subarray(0, present) };
}

function fillColumn(
  rows: readonly ChannelValue[][],
  channel: number,
  cells: Uint16Array,
  column: Float64Array,
  scale: Scale,
): void {
  let next = 0;
  rows.forEach((row, at) => {
    const cell = cells[at] ?? 0;
    row[channel] = cell === 0 ? scale.valueFrom(column[next++] ?? 0) : missingFrom(cell);
  });
}

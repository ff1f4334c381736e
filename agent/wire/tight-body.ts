/**
 * The tight body of a stream's block: one range-coded stream (range-coder.ts) of whole numbers, as few bits as
 * adaptive coding gets them to. Everything is learnt anew in each body, so that each decodes alone; all arithmetic is
 * on whole numbers, so that each decoder does the same.
 *
 *   jitter        coin slot 0 of its own "not every sample came exactly `period` after the one before"; if so, a column
 *                 (column-forms.ts) of n - 1 numbers: time[i] - time[i - 1] - period, in ms
 *   per channel   its missing cells (gap-cells.ts), then a column of k of the present samples, value = k · resolution
 *
 * The column coder is one for all of them: what its shared slots learn in one column serves the next. Version 3 of a batch
 * says of each column that is coded as distances whether it has trends (residual-coder.ts), in version 2 none has;
 * nothing else differs.
 */
import { type ChannelValue, isMissing } from "../reading.ts";
import { codeCoin, createSlots } from "./adaptive-bits.ts";
import { ColumnCoder } from "./column-forms.ts";
import { GapCoder } from "./gap-cells.ts";
import type { StreamBlock } from "./messages.ts";
import { cellFrom, IMPLAUSIBLE_CELL, missingFrom } from "./missing-cells.ts";
import type { BlockHead } from "./open-body.ts";
import { type BitCoder, RangeDecoder, RangeEncoder } from "./range-coder.ts";
import { type Scale, scalesOf } from "./scale.ts";
import type { StreamSchema } from "./schema.ts";
import { WireError } from "./wire-error.ts";

/** A row's length must be the schema's: anything else is a bug and throws RangeError. */
export function tightBodyFromBlock(
  block: StreamBlock,
  schema: StreamSchema,
  period: number,
  knowsTrends: boolean,
): Uint8Array {
  const coder = new RangeEncoder();
  const columns = new ColumnCoder(coder, knowsTrends);
  const gaps = new GapCoder(coder, block.times.length);
  codeJitter(coder, columns, jitterOf(block.times, period));
  const cells = new Uint16Array(block.rows.length);
  const numbers = new Float64Array(block.rows.length);
  scalesOf(schema).forEach((scale, channel) => {
    const present = takeColumn(block, channel, scale, cells, numbers);
    gaps.channel(cells, present < cells.length);
    columns.column(numbers.subarray(0, present));
  });
  return coder.bytes();
}

/** Throws WireError "malformed". The caller bounds samples and channels. */
export function samplesFromTightBody(
  body: Uint8Array,
  head: BlockHead,
  schema: StreamSchema,
  knowsTrends: boolean,
): { times: number[]; rows: ChannelValue[][] } {
  const coder = new RangeDecoder(body);
  const columns = new ColumnCoder(coder, knowsTrends);
  const gaps = new GapCoder(coder, head.samples);
  const times = timesFrom(codeJitter(coder, columns, new Float64Array(head.samples - 1)), head);
  const rows = times.map(() => new Array<ChannelValue>(schema.channels.length));
  const cells = new Uint16Array(head.samples);
  const numbers = new Float64Array(head.samples);
  scalesOf(schema).forEach((scale, channel) => {
    const column = numbers.subarray(0, gaps.channel(cells.fill(0), false));
    columns.column(column.fill(0));
    fillColumn(rows, channel, cells, column, scale);
  });
  coder.end();
  return { times, rows };
}

function codeJitter(coder: BitCoder, columns: ColumnCoder, jitter: Float64Array): Float64Array {
  const isLate = isAnyLate(jitter);
  if (codeCoin(coder, createSlots(1), 0, isLate ? 1 : 0) === 1) columns.column(jitter);
  return jitter;
}

function isAnyLate(jitter: Float64Array): boolean {
  for (let at = 0; at < jitter.length; at++) if (jitter[at] !== 0) return true;
  return false;
}

function jitterOf(times: readonly number[], period: number): Float64Array {
  const jitter = new Float64Array(times.length - 1);
  for (let at = 1; at < times.length; at++) jitter[at - 1] = (times[at] ?? 0) - (times[at - 1] ?? 0) - period;
  return jitter;
}

function timesFrom(jitter: Float64Array, { firstTime, period }: BlockHead): number[] {
  const times = [firstTime];
  let time = firstTime;
  for (let at = 0; at < jitter.length; at++) {
    time += period + (jitter[at] ?? 0);
    if (!(time >= 0 && time <= Number.MAX_SAFE_INTEGER)) {
      throw new WireError("malformed", "decode body: a time before its beginning or beyond 2^53");
    }
    times.push(time);
  }
  return times;
}

/** Fills `cells`, and the beginning of `column` with the present samples; returns how many they are. */
function takeColumn(
  { rows, stream }: StreamBlock,
  channel: number,
  scale: Scale,
  cells: Uint16Array,
  column: Float64Array,
): number {
  let present = 0;
  for (let at = 0; at < rows.length; at++) {
    const value = rows[at]?.[channel];
    if (value === undefined) throw new RangeError(`encode ${stream}: a sample without channel ${channel}`);
    const k = isMissing(value) ? undefined : scale.integerFrom(value);
    cells[at] = k !== undefined ? 0 : isMissing(value) ? cellFrom(value.missing, value.code) : IMPLAUSIBLE_CELL;
    if (k !== undefined) column[present++] = k;
  }
  return present;
}

function fillColumn(
  rows: readonly ChannelValue[][],
  channel: number,
  cells: Uint16Array,
  column: Float64Array,
  scale: Scale,
): void {
  let next = 0;
  for (let at = 0; at < rows.length; at++) {
    const cell = cells[at] ?? 0;
    const row = rows[at];
    if (row) row[channel] = cell === 0 ? scale.valueFrom(column[next++] ?? 0) : missingFrom(cell);
  }
}

/**
 * A run of consecutive samples as the bytes of one SQLite row:
 *
 *   u8      1, the format's version
 *   varint  samples n
 *   times   n × zigzag varint: the first time, the first difference, then differences of differences (ms, on the basis)
 *   varint  channels
 *   each    varint m, then m × (varint index − index of the one before, u8 reason, varint code + 1 or 0 without one)
 *           u8 coding of the other n − m values
 *             0  f64 resolution, then zigzag varints: differences of k, value = k · resolution as in wire/scale.ts
 *             1  f64 each
 *
 * varint: 7 bits a byte, lowest first, high bit = more follows. f64: little-endian. A coding is used only where it gives
 * back every value bit for bit: 812.5 mbar at 0.1 mbar is k = 8125, 2 bytes or less instead of 8.
 */
import {
  type ChannelValue,
  isMissing,
  MISSING_REASONS,
  type MissingReason,
  missing,
} from "@pump-station/agent/reading.ts";
import { createScale } from "@pump-station/agent/wire/scale.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

export interface Run {
  /** Whole ms on the basis; |time| < 2^48. */
  readonly times: readonly number[];
  readonly rows: readonly (readonly ChannelValue[])[];
}

const VERSION = 1;
/** Differences of differences of such integers stay exact in a JavaScript number. */
const INTEGER_MAX = 2 ** 48;

const REASON_BY_NUMBER = new Map<number, MissingReason>(
  Object.entries(MISSING_REASONS).map(([reason, number]) => [number, reason as MissingReason]),
);

/** `resolutions`: one per channel, the step that values are likely multiples of. */
export function encodeRun(run: Run, resolutions: readonly number[]): Uint8Array {
  const writer = new ByteWriter(64 + run.times.length * (2 + 2 * resolutions.length));
  writer.byte(VERSION);
  writer.varint(run.times.length);
  writeTimes(writer, run.times);
  writer.varint(resolutions.length);
  for (const [channel, resolution] of resolutions.entries()) writeColumn(writer, run.rows, channel, resolution);
  return writer.finish();
}

function writeTimes(writer: ByteWriter, times: readonly number[]): void {
  let time = 0;
  let step = 0;
  for (const next of times) {
    if (!Number.isInteger(next) || Math.abs(next) >= INTEGER_MAX) throw new RangeError(`time ${next} ms`);
    writer.zigzag(next - time - step);
    step = time === 0 ? 0 : next - time;
    time = next;
  }
}

function writeColumn(writer: ByteWriter, rows: Run["rows"], channel: number, resolution: number): void {
  const values: number[] = [];
  const absent: number[] = [];
  for (const [at, row] of rows.entries()) {
    const value = row[channel];
    if (value === undefined) throw new RangeError(`sample ${at} has no channel ${channel}`);
    if (isMissing(value)) absent.push(at);
    else values.push(value);
  }
  writer.varint(absent.length);
  let before = 0;
  for (const at of absent) {
    const value = rows[at]?.[channel];
    if (value === undefined || !isMissing(value)) continue;
    writer.varint(at - before);
    writer.byte(MISSING_REASONS[value.missing]);
    writer.varint(value.code === undefined ? 0 : value.code + 1);
    before = at;
  }
  writeValues(writer, values, resolution);
}

function writeValues(writer: ByteWriter, values: readonly number[], resolution: number): void {
  const integers = integersFrom(values, resolution);
  if (!integers) {
    writer.byte(1);
    for (const value of values) writer.float(value);
    return;
  }
  writer.byte(0);
  writer.float(resolution);
  let before = 0;
  for (const k of integers) {
    writer.zigzag(k - before);
    before = k;
  }
}

/** undefined unless every value is exactly its k · resolution (−0 is none: it has no integer). */
function integersFrom(values: readonly number[], resolution: number): number[] | undefined {
  const scale = createScale(resolution);
  const integers: number[] = [];
  for (const value of values) {
    const k = scale.integerFrom(value);
    if (k === undefined || Math.abs(k) >= INTEGER_MAX || !Object.is(scale.valueFrom(k), value)) return undefined;
    integers.push(k);
  }
  return integers;
}

/** Throws RangeError on bytes that `encodeRun` didn't write. */
export function decodeRun(bytes: Uint8Array): Run {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== VERSION) throw new RangeError(`block version ${version}, known is ${VERSION}`);
  const count = reader.varint();
  if (count > bytes.length) throw new RangeError(`${count} samples in ${bytes.length} bytes`);
  const times = readTimes(reader, count);
  const rows: ChannelValue[][] = times.map(() => []);
  for (let channels = reader.varint(); channels > 0; channels--) readColumn(reader, rows);
  return { times, rows };
}

function readTimes(reader: ByteReader, count: number): number[] {
  const times: number[] = [];
  let time = 0;
  let step = 0;
  while (times.length < count) {
    const next = reader.zigzag() + time + step;
    step = time === 0 ? 0 : next - time;
    time = next;
    times.push(time);
  }
  return times;
}

function readColumn(reader: ByteReader, rows: ChannelValue[][]): void {
  const absent = new Map<number, ChannelValue>();
  let at = 0;
  for (let left = reader.varint(); left > 0; left--) {
    at += reader.varint();
    const number = reader.byte();
    const reason = REASON_BY_NUMBER.get(number);
    if (!reason) throw new RangeError(`missing reason ${number}`);
    const code = reader.varint();
    absent.set(at, missing(reason, code === 0 ? undefined : code - 1));
  }
  const next = valueReader(reader);
  for (const [index, row] of rows.entries()) row.push(absent.get(index) ?? next());
}

function valueReader(reader: ByteReader): () => number {
  const coding = reader.byte();
  if (coding === 1) return () => reader.float();
  if (coding !== 0) throw new RangeError(`value coding ${coding}`);
  const resolution = reader.float();
  if (!(resolution > 0 && resolution < Number.POSITIVE_INFINITY)) throw new RangeError(`resolution ${resolution}`);
  const scale = createScale(resolution);
  let k = 0;
  return () => {
    k += reader.zigzag();
    return scale.valueFrom(k);
  };
}

/** From rows to the bytes of a message: how many rows fill one, and how they are encoded. Pure but for the schemas. */
import { BATCH_SAMPLES_MAX, BATCH_VALUES_MAX, MESSAGE_BYTES_TARGET } from "../limits.ts";
import type { ChannelValue } from "../reading.ts";
import { encodeAlarms } from "../wire/alarms.ts";
import { encodeBatch, type SchemaOf, type TravellingForm } from "../wire/batch.ts";
import type { Basis, StreamBlock } from "../wire/messages.ts";
import { alarmFromBody, batchFromBody, type Row } from "./row.ts";

export interface Encoder {
  /** Throws WireError when a row is damaged. */
  encode(rows: readonly Row[]): Uint8Array;
}

/** `offsetMs`: wall - boot; undefined keeps the rows' own boot time. Each row is decoded once. */
export function createEncoder(
  isAlarm: boolean,
  offsetMs: number | undefined,
  schemaOf: SchemaOf,
  form: TravellingForm,
): Encoder {
  if (isAlarm) return { encode: (rows) => encodeAlarmRows(rows, offsetMs) };
  const decoded = new Map<number, ReturnType<typeof batchFromBody>>();
  const batchOf = (row: Row) => {
    const found = decoded.get(row.id) ?? batchFromBody(row.body, schemaOf);
    decoded.set(row.id, found);
    return found;
  };
  return {
    encode: (rows) => {
      const batches = rows.map(batchOf);
      const [first] = batches;
      if (!first) throw new RangeError("encode a message: no rows");
      const basis: Basis = offsetMs === undefined ? first.basis : { kind: "wall" };
      const blocks = joinBlocks(
        batches.flatMap((batch) => batch.blocks),
        offsetMs ?? 0,
      );
      return encodeBatch({ epoch: first.epoch, basis, blocks }, schemaOf, form);
    },
  };
}

function encodeAlarmRows(rows: readonly Row[], offsetMs: number | undefined): Uint8Array {
  const alarms = rows.map((row) => {
    const { epoch, bootId, sequence, transition } = alarmFromBody(row.body);
    const { bootMs, ...what } = transition;
    const basis: Basis = offsetMs === undefined ? { kind: "boot", bootId } : { kind: "wall" };
    return { epoch, sequence, basis, time: bootMs + (offsetMs ?? 0), ...what };
  });
  return encodeAlarms(alarms);
}

/** Blocks of one stream that follow each other become one, so that their columns are long. */
function joinBlocks(blocks: readonly StreamBlock[], offsetMs: number): StreamBlock[] {
  const joined: (StreamBlock & { times: number[]; rows: (readonly ChannelValue[])[] })[] = [];
  const lastOf = new Map<string, (typeof joined)[number]>();
  for (const block of blocks) {
    const key = `${block.schemaHash}/${block.stream}`;
    let last = lastOf.get(key);
    if (!last || last.sequence + last.times.length !== block.sequence) {
      last = { ...block, times: [], rows: [] };
      joined.push(last);
      lastOf.set(key, last);
    }
    for (const time of block.times) last.times.push(Math.max(0, time + offsetMs));
    for (const row of block.rows) last.rows.push(row);
  }
  return joined;
}

export interface Cut {
  readonly rows: readonly Row[];
  readonly payload: Uint8Array;
  /** Whether more wouldn't have fitted. */
  readonly isFull: boolean;
}

/** Trials until the payload is near the target; each takes some milliseconds for 3.5 KB. */
const TRIALS_MAX = 6;
const NEARLY_FULL = 0.92;

/**
 * The most of `candidates` (one epoch, in order) that fits MESSAGE_BYTES_TARGET; at least one row. `ratio` is the
 * expected payload bytes per row byte.
 */
export function cutMessage(candidates: readonly Row[], ratio: number, encoder: Encoder): Cut {
  const most = withinBatchMax(candidates);
  let count = guess(most, ratio);
  let best: { count: number; payload: Uint8Array } | undefined;
  let tooMany = most.length + 1;
  for (let trial = 0; trial < TRIALS_MAX; trial++) {
    const payload = encoder.encode(most.slice(0, count));
    if (payload.length <= MESSAGE_BYTES_TARGET || count === 1) {
      if (!best || count > best.count) best = { count, payload };
      if (payload.length >= NEARLY_FULL * MESSAGE_BYTES_TARGET) break;
    } else tooMany = count;
    const next = Math.floor((count * MESSAGE_BYTES_TARGET * 0.98) / payload.length);
    const bounded = Math.min(tooMany - 1, Math.max((best?.count ?? 0) + 1, next));
    if (bounded <= (best?.count ?? 0)) break;
    count = bounded;
  }
  best ??= { count: 1, payload: encoder.encode(most.slice(0, 1)) };
  const isFull = best.count < candidates.length || best.payload.length >= NEARLY_FULL * MESSAGE_BYTES_TARGET;
  return { rows: most.slice(0, best.count), payload: best.payload, isFull };
}

function withinBatchMax(rows: readonly Row[]): readonly Row[] {
  let samples = 0;
  let values = 0;
  const end = rows.findIndex((row) => {
    samples += row.samples;
    values += row.readings;
    return samples > BATCH_SAMPLES_MAX || values > BATCH_VALUES_MAX;
  });
  return end < 0 ? rows : rows.slice(0, Math.max(1, end));
}

function guess(rows: readonly Row[], ratio: number): number {
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += row.body.length) * ratio > MESSAGE_BYTES_TARGET);
  return end < 0 ? rows.length : Math.max(1, end);
}

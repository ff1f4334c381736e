/** A commit: everything staged becomes rows, with sequences allocated in the transaction that stores them. */
import type { AlarmTransition, ChannelValue } from "../reading.ts";
import { ALARM_STREAM, type StreamBlock } from "../wire/messages.ts";
import { raiseLast } from "./epochs.ts";
import { type Evicted, makeRoom } from "./evict.ts";
import { drop } from "./fates.ts";
import { BECAUSE_CHARACTERS_MAX, bodyFromAlarm, bodyFromBatch, ROW_READINGS_MAX, wholeMs } from "./row.ts";
import type { Session } from "./session.ts";
import type { StagedSample, Staging } from "./staging.ts";

export interface Stored {
  readonly rows: number;
  readonly evicted: Evicted | undefined;
}

/** All or nothing. Throws DatabaseError; the session's counts change only when it succeeds. */
export function storeStaged(session: Session, staging: Staging): Stored {
  const draft: Draft = { lasts: new Map(session.lasts), nextRow: session.nextRow, rows: [] };
  const passed = passOverflowed(draft, staging);
  for (const part of cutSamples(staging.samples)) draftSamples(session, draft, part);
  for (const transition of staging.alarms) draftAlarm(session, draft, transition);
  const evicted = session.tables.transaction(() => write(session, draft, passed));
  session.nextRow = draft.nextRow;
  for (const [stream, last] of draft.lasts) session.lasts.set(stream, last);
  for (const row of draft.rows) {
    session.waiting.samples += row.samples;
    session.pace.stored(row.body.length);
    if (row.isAlarm) session.waiting.alarmBytes += row.body.length;
    else {
      session.waiting.sampleBytes += row.body.length;
      session.waiting.unsealedSamples += row.samples;
    }
  }
  return { rows: draft.rows.length, evicted };
}

interface Draft {
  readonly lasts: Map<string, number>;
  readonly rows: DraftRow[];
  nextRow: number;
}

interface DraftRow {
  readonly id: number;
  readonly isAlarm: boolean;
  readonly bootMs: number;
  readonly samples: number;
  readonly readings: number;
  readonly body: Uint8Array;
}

interface Passed {
  readonly stream: string;
  readonly first: number;
  readonly last: number;
}

/** What RAM could not hold was produced before everything staged: it takes the next sequences, and is reported. */
const passOverflowed = (draft: Draft, staging: Staging): Passed[] =>
  [...staging.overflowed].map(([stream, count]) => ({ stream, ...allocate(draft, stream, count) }));

function allocate(draft: Draft, stream: string, count: number): { first: number; last: number } {
  const first = (draft.lasts.get(stream) ?? 0) + 1;
  draft.lasts.set(stream, first + count - 1);
  return { first, last: first + count - 1 };
}

function* cutSamples(samples: readonly StagedSample[]): Generator<readonly StagedSample[]> {
  let from = 0;
  let readings = 0;
  for (const [index, { sample }] of samples.entries()) {
    if (index > from && readings + sample.values.length > ROW_READINGS_MAX) {
      yield samples.slice(from, index);
      from = index;
      readings = 0;
    }
    readings += sample.values.length;
  }
  if (from < samples.length) yield samples.slice(from);
}

function draftSamples({ epoch, schemas }: Session, draft: Draft, samples: readonly StagedSample[]): void {
  const blocks = new Map<string, StreamBlock & { times: number[]; rows: (readonly ChannelValue[])[] }>();
  let readings = 0;
  for (const { sample, declared } of samples) {
    const key = `${declared.hash}/${sample.device}`;
    const sequence = allocate(draft, sample.device, 1).first;
    let block = blocks.get(key);
    if (!block) {
      block = { stream: sample.device, schemaHash: declared.hash, sequence, times: [], rows: [] };
      blocks.set(key, block);
    }
    block.times.push(wholeMs(sample.bootMs));
    block.rows.push(sample.values);
    readings += sample.values.length;
  }
  const body = bodyFromBatch(
    { epoch: epoch.epoch, basis: { kind: "boot", bootId: epoch.bootId }, blocks: [...blocks.values()] },
    schemas.of,
  );
  const bootMs = wholeMs(samples[0]?.sample.bootMs ?? 0);
  draft.rows.push({ id: draft.nextRow++, isAlarm: false, bootMs, samples: samples.length, readings, body });
}

function draftAlarm({ epoch }: Session, draft: Draft, transition: AlarmTransition): void {
  const sequence = allocate(draft, ALARM_STREAM, 1).first;
  const because = transition.because.slice(0, BECAUSE_CHARACTERS_MAX);
  const body = bodyFromAlarm({ ...epoch, sequence, transition: { ...transition, because } });
  const bootMs = wholeMs(transition.bootMs);
  draft.rows.push({ id: draft.nextRow++, isAlarm: true, bootMs, samples: 1, readings: 1, body });
}

function write(
  { tables, epoch, lasts, dating, thinner }: Session,
  draft: Draft,
  passed: readonly Passed[],
): Evicted | undefined {
  const bytes = draft.rows.reduce((sum, row) => sum + row.body.length, 0);
  const evicted = makeRoom(tables, bytes, thinner);
  dating.learn();
  for (const stream of draft.lasts.keys()) if (!lasts.has(stream)) raiseLast(tables, epoch.id, stream, 0);
  for (const { stream, first, last } of passed) {
    raiseLast(tables, epoch.id, stream, last);
    drop(tables, epoch.epoch, stream, [{ first, last }], "full");
  }
  for (const { id, isAlarm, bootMs, samples, readings, body } of draft.rows) {
    tables.run(
      "INSERT INTO rows (id, epoch_id, is_alarm, boot_ms, samples, readings, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ...[id, epoch.id, isAlarm ? 1 : 0, bootMs, samples, readings, body],
    );
  }
  return evicted;
}

/** Batches and alarms into the tables: what is new is stored, what is there already is compared by value. */
import { type ChannelValue, isMissing } from "@pump-station/agent/reading.ts";
import {
  ALARM_STREAM,
  type AlarmMessage,
  type Basis,
  type Range,
  type StreamBlock,
} from "@pump-station/agent/wire/messages.ts";
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import type { AlarmEntry } from "../api/contract.ts";
import { CONFLICTS_PER_STATION_MAX, RANGES_PER_LEDGER_MAX, STREAMS_PER_STATION_MAX } from "../limits.ts";
import type { Database } from "../world.ts";
import { decodeRun, encodeRun } from "./block.ts";
import { inside, outside, withRange } from "./ranges.ts";
import type { BootRow, SqliteNames } from "./sqlite-names.ts";
import { type Conflict, type NewSamples, NOTHING_WRITTEN, type StoreEntryOf, type Written } from "./store.ts";

export type SqliteSamples = ReturnType<typeof createSqliteSamples>;

interface BatchContext {
  readonly stationId: number;
  readonly atMs: number;
  readonly epoch: string;
  readonly epochId: number;
  /** undefined for wall time */
  readonly boot: BootRow | undefined;
}

interface StoredSample {
  readonly time: number;
  readonly row: readonly ChannelValue[];
}

/** A sample that came again: on the same basis its time must be equal too. */
interface Arrived {
  readonly epochId: number;
  readonly streamId: number;
  readonly bootId: number | null;
  readonly block: StreamBlock;
}

export function createSqliteSamples(database: Database, names: SqliteNames) {
  const sql = {
    addBlock: database.prepare(
      `INSERT INTO block (stream_id, epoch_id, first_sequence, last_sequence, schema_hash, boot_id, from_ms, to_ms, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    overlapping: database.prepare(
      `SELECT first_sequence, last_sequence, boot_id, body FROM block
       WHERE stream_id = ? AND epoch_id = ? AND first_sequence <= ? ORDER BY first_sequence DESC`,
    ),
    countStream: database.prepare(
      "UPDATE stream SET samples = samples + ?, schema_hash = ?, span_ms = max(span_ms, ?) WHERE id = ?",
    ),
    countStation: database.prepare("UPDATE station SET samples = samples + ?, readings = readings + ? WHERE id = ?"),
    addConflict: database.prepare(
      `INSERT INTO conflict (station_id, epoch, stream, sequence, time_ms, stored, arrived) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    trimConflicts: database.prepare(
      `DELETE FROM conflict WHERE station_id = ? AND id <=
       (SELECT id FROM conflict WHERE station_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
    ),
    alarm: database.prepare("SELECT * FROM alarm WHERE epoch_id = ? AND sequence = ?"),
    addAlarm: database.prepare(
      `INSERT INTO alarm (station_id, epoch_id, sequence, boot_id, time_ms, device, alarm, severity, active, because, on_site)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
  };

  function writeBatch({ station, atMs, batch }: StoreEntryOf<"batch">): Written {
    const stationId = names.stationId(station);
    const refused = refusalOf(stationId, batch.epoch, batch.blocks);
    if (refused) return { ...NOTHING_WRITTEN, refused };
    const newest = batch.blocks.reduce((time, block) => block.times.reduce((a, b) => Math.max(a, b), time), 0);
    const context: BatchContext = {
      stationId,
      atMs,
      epoch: batch.epoch,
      epochId: names.epoch(stationId, batch.epoch),
      boot: bootOf(stationId, batch.basis, atMs - newest),
    };
    const parts = batch.blocks.filter((block) => block.times.length > 0).map((block) => writeBlock(context, block));
    const samples = parts.flatMap((part) => part.samples);
    const count = samples.reduce((sum, { rows }) => sum + rows.length, 0);
    const readings = samples.reduce((sum, { rows, schema }) => sum + rows.length * schema.channels.length, 0);
    if (count > 0) sql.countStation.run(count, readings, stationId);
    return {
      ...NOTHING_WRITTEN,
      samples,
      duplicates: parts.reduce((sum, part) => sum + part.duplicates, 0),
      conflicts: parts.flatMap((part) => part.conflicts),
    };
  }

  function writeBlock(context: BatchContext, block: StreamBlock) {
    const { stationId, epoch, epochId, boot, atMs } = context;
    const schema = names.schema(stationId, block.schemaHash);
    if (!schema) throw new Error(`store stream ${block.stream}: schema ${block.schemaHash} is not stored`);
    const streamId = names.stream(stationId, block.stream);
    const ledger = names.ledger(epochId, streamId);
    const whole = { first: block.sequence, last: block.sequence + block.times.length - 1 };
    const again = inside(whole, ledger.stored);
    const different = again.flatMap((range) =>
      differing({ epochId, streamId, bootId: boot?.id ?? null, block }, range),
    );
    const conflicts = different.map(({ sequence, stored }) => {
      const conflict = { epoch, stream: block.stream, sequence };
      recordConflict(stationId, conflict, atMs, textOf(stored), textOf(block.rows[sequence - block.sequence]));
      return conflict;
    });
    const fresh = outside(whole, ledger.stored);
    const samples = fresh.map((part) => insertPart(context, block, schema, streamId, part));
    if (fresh.length > 0) {
      const stored = fresh.reduce(withRange, ledger.stored);
      // What was on its way when its copy was dropped on the station is stored, not lost.
      const dropped = ledger.dropped.flatMap((range) => outside(range, stored));
      names.putLedger(epochId, streamId, { ...ledger, stored, dropped }, atMs);
    }
    return { samples, conflicts, duplicates: again.reduce((sum, { first, last }) => sum + last - first + 1, 0) };
  }

  function insertPart(
    { epoch, epochId, boot }: BatchContext,
    block: StreamBlock,
    schema: StreamSchema,
    streamId: number,
    { first, last }: Range,
  ): NewSamples {
    const [begin, end] = [first - block.sequence, last - block.sequence + 1];
    const times = block.times.slice(begin, end);
    const rows = block.rows.slice(begin, end);
    const [from, to] = bounds(times, boot?.offsetMs ?? 0);
    const body = encodeRun(
      { times, rows },
      schema.channels.map((channel) => channel.resolution),
    );
    sql.addBlock.run(streamId, epochId, first, last, block.schemaHash, boot?.id ?? null, from, to, body);
    sql.countStream.run(times.length, block.schemaHash, to - from, streamId);
    const onWall = boot ? times.map((time) => time + boot.offsetMs) : times;
    return { stream: block.stream, epoch, schema, sequence: first, times: onWall, rows, ...uncertaintyIn(boot) };
  }

  /** Bounds that only a broken or hostile station meets: checked first, so that a batch is stored whole or not at all. */
  function refusalOf(stationId: number, epoch: string, blocks: readonly StreamBlock[]): string | null {
    const unknown = new Set(
      blocks.map(({ stream }) => stream).filter((stream) => names.findStream(stationId, stream) === undefined),
    );
    if (unknown.size > 0 && names.streamCount(stationId) + unknown.size > STREAMS_PER_STATION_MAX)
      return `more than ${STREAMS_PER_STATION_MAX} streams`;
    const epochId = names.epoch(stationId, epoch);
    for (const { stream, sequence, times } of blocks) {
      const streamId = names.findStream(stationId, stream);
      if (streamId === undefined) continue;
      const { stored } = names.ledger(epochId, streamId);
      if (withRange(stored, { first: sequence, last: sequence + times.length - 1 }).length > RANGES_PER_LEDGER_MAX)
        return `stream ${stream} in more than ${RANGES_PER_LEDGER_MAX} fragments`;
    }
    return null;
  }

  /**
   * undefined for wall time. Until the station has told a boot's offset, the arrival bounds it from above: the newest
   * sample can't be younger than its message, so the smallest bound seen is the best.
   */
  function bootOf(stationId: number, basis: Basis, boundMs: number): BootRow | undefined {
    if (basis.kind === "wall") return undefined;
    const known = names.boot(stationId, basis.bootId);
    if (known && (known.isDated || known.offsetMs <= boundMs)) return known;
    const earliestMs = known?.earliestMs ?? null;
    const offsetMs = Math.max(boundMs, earliestMs ?? Number.NEGATIVE_INFINITY);
    return names.dateBoot(stationId, basis.bootId, { offsetMs, isDated: false, earliestMs });
  }

  /** Sequences within `again` whose stored content is not the arrived one. */
  function differing({ epochId, streamId, bootId, block }: Arrived, again: Range) {
    const different: { readonly sequence: number; readonly stored: StoredSample }[] = [];
    for (const row of sql.overlapping.iterate(streamId, epochId, again.last)) {
      // Blocks of an epoch's stream are disjoint: none that lies before can reach in.
      if (Number(row["last_sequence"]) < again.first) break;
      const run = decodeRun(row["body"] as Uint8Array);
      const first = Number(row["first_sequence"]);
      for (const [at, stored] of run.rows.entries()) {
        const sequence = first + at;
        if (sequence < again.first || sequence > again.last) continue;
        const sample: StoredSample = { time: run.times[at] ?? Number.NaN, row: stored };
        const sameBasis = row["boot_id"] === bootId;
        if (!isSame(sample, block, sequence - block.sequence, sameBasis)) different.push({ sequence, stored: sample });
      }
    }
    return different;
  }

  function recordConflict(stationId: number, conflict: Conflict, atMs: number, stored: string, arrived: string): void {
    const { epoch, stream, sequence } = conflict;
    sql.trimConflicts.run(stationId, stationId, CONFLICTS_PER_STATION_MAX - 1);
    sql.addConflict.run(stationId, epoch, stream, sequence, atMs, stored, arrived);
  }

  function writeAlarms({ station, atMs, alarms }: StoreEntryOf<"alarms">): Written {
    const stationId = names.stationId(station);
    const entries: AlarmEntry[] = [];
    const conflicts: Conflict[] = [];
    let duplicates = 0;
    for (const message of alarms) {
      const epochId = names.epoch(stationId, message.epoch);
      const streamId = names.stream(stationId, ALARM_STREAM);
      const ledger = names.ledger(epochId, streamId);
      const known = sql.alarm.get(epochId, message.sequence);
      if (known) {
        duplicates++;
        const stored = textOf([
          known["device"],
          known["alarm"],
          known["severity"],
          known["active"] === 1,
          known["because"],
        ]);
        if (stored === alarmText(message)) continue;
        const conflict = { epoch: message.epoch, stream: ALARM_STREAM, sequence: message.sequence };
        conflicts.push(conflict);
        recordConflict(stationId, conflict, atMs, stored, alarmText(message));
        continue;
      }
      const boot = bootOf(stationId, message.basis, atMs - message.time);
      const time = message.time + (boot?.offsetMs ?? 0);
      const { device, alarm, severity, active, because, sequence } = message;
      sql.addAlarm.run(
        stationId,
        epochId,
        sequence,
        boot?.id ?? null,
        time,
        device,
        alarm,
        severity,
        active ? 1 : 0,
        because,
        message.onSite ? 1 : 0,
      );
      const onSite = message.onSite ? { onSite: true as const } : {};
      entries.push({ station, device, alarm, severity, active, time, because, ...onSite, ...uncertaintyIn(boot) });
      const stored = withRange(ledger.stored, { first: sequence, last: sequence });
      const dropped = ledger.dropped.flatMap((range) => outside(range, stored));
      names.putLedger(epochId, streamId, { ...ledger, stored, dropped }, atMs);
    }
    return { ...NOTHING_WRITTEN, alarms: entries, duplicates, conflicts };
  }

  return { writeBatch, writeAlarms };
}

/** Empty for times that are right. */
const uncertaintyIn = (boot: BootRow | undefined): { readonly uncertain?: number | null } =>
  !boot || boot.isDated
    ? {}
    : { uncertain: boot.earliestMs === null ? null : Math.max(0, boot.offsetMs - boot.earliestMs) };

const alarmText = (message: AlarmMessage): string =>
  textOf([message.device, message.alarm, message.severity, message.active, message.because]);

const textOf = (value: unknown): string => JSON.stringify(value) ?? "";

function bounds(times: readonly number[], offsetMs: number): [number, number] {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const time of times) {
    from = Math.min(from, time);
    to = Math.max(to, time);
  }
  return [from + offsetMs, to + offsetMs];
}

function isSame(stored: StoredSample, block: StreamBlock, at: number, sameBasis: boolean): boolean {
  const row = block.rows[at];
  if (!row || row.length !== stored.row.length) return false;
  if (sameBasis && block.times[at] !== stored.time) return false;
  return row.every((value, channel) => isSameValue(value, stored.row[channel]));
}

function isSameValue(a: ChannelValue, b: ChannelValue | undefined): boolean {
  if (b === undefined) return false;
  if (isMissing(a) || isMissing(b)) return isMissing(a) && isMissing(b) && a.missing === b.missing && a.code === b.code;
  return a === b;
}

/** The rows that wait, were sealed, and are kept: reading and counting them, and deleting without losing count. */

import type { DropReason } from "../wire/messages.ts";
import type { Lane } from "../wire/topics.ts";
import type { Clock } from "../world.ts";
import type { Dating } from "./dating.ts";
import { ROW_COLUMNS, raiseLast } from "./epochs.ts";
import { drop, receiptedOf } from "./fates.ts";
import { type Ranges, subtract } from "./ranges.ts";
import { headsOf, type Row, rowFrom } from "./row.ts";
import { type Tables, textOf, wholeOf } from "./tables.ts";

export interface Waiting {
  /** Samples and alarms not accepted by the cloud. */
  samples: number;
  /** Of those: what piled up and goes late, sealed or not. */
  backlogSamples: number;
  /** Of those after the cursor: not yet sealed. */
  unsealedSamples: number;
  /** Bytes of rows not yet sealed. */
  sampleBytes: number;
  alarmBytes: number;
  backlogBytes: number;
}

export const NONE_WAIT: Readonly<Waiting> = {
  samples: 0,
  backlogSamples: 0,
  unsealedSamples: 0,
  sampleBytes: 0,
  alarmBytes: 0,
  backlogBytes: 0,
};

/** `times` -1: what is left of `one` without `other`. */
export const waitingWith = (one: Readonly<Waiting>, other: Readonly<Waiting>, times: 1 | -1 = 1): Waiting => ({
  samples: one.samples + times * other.samples,
  backlogSamples: one.backlogSamples + times * other.backlogSamples,
  unsealedSamples: one.unsealedSamples + times * other.unsealedSamples,
  sampleBytes: one.sampleBytes + times * other.sampleBytes,
  alarmBytes: one.alarmBytes + times * other.alarmBytes,
  backlogBytes: one.backlogBytes + times * other.backlogBytes,
});

/** What rows that are in no message yet add to it. Up to the cursor they are such as piled up. */
export function waitingIn(tables: Tables, isAlarm: boolean, rows: readonly Row[]): Waiting {
  const sealedTo = cursorOf(tables, isAlarm);
  const waiting = { ...NONE_WAIT };
  for (const { id, samples, body } of rows) {
    waiting.samples += samples;
    if (id <= sealedTo) {
      waiting.backlogSamples += samples;
      waiting.backlogBytes += body.length;
    } else if (isAlarm) waiting.alarmBytes += body.length;
    else {
      waiting.unsealedSamples += samples;
      waiting.sampleBytes += body.length;
    }
  }
  return waiting;
}

export const cursorOf = (tables: Tables, isAlarm: boolean): number =>
  wholeOf(tables.get("SELECT sealed_to FROM cursors WHERE is_alarm = ?", isAlarm ? 1 : 0), "sealed_to");

/** Rows of one kind with first ≤ id ≤ last, in order. */
export const rowsBetween = (tables: Tables, isAlarm: boolean, first: number, last: number, limit: number): Row[] =>
  tables
    .all(
      isAlarm
        ? `SELECT ${ROW_COLUMNS} FROM rows WHERE is_alarm = 1 AND id >= ? AND id <= ? ORDER BY id LIMIT ?`
        : `SELECT ${ROW_COLUMNS} FROM rows WHERE is_alarm = 0 AND id >= ? AND id <= ? ORDER BY id LIMIT ?`,
      ...[first, last, limit],
    )
    .map(rowFrom);

/** Looks at every row that waits: of a month some hundred milliseconds, on a small board seconds. Once a session. */
export function countWaiting(tables: Tables): Waiting {
  const unsealed = (isAlarm: boolean) =>
    tables.get(
      isAlarm
        ? "SELECT ifnull(sum(samples), 0) AS n, ifnull(sum(length(body)), 0) AS b FROM rows WHERE is_alarm = 1 AND id > ?"
        : "SELECT ifnull(sum(samples), 0) AS n, ifnull(sum(length(body)), 0) AS b FROM rows WHERE is_alarm = 0 AND id > ?",
      cursorOf(tables, isAlarm),
    );
  const backlog = tables.get(
    `SELECT ifnull(sum(r.samples), 0) AS n, ifnull(sum(length(r.body)), 0) AS b FROM wanted AS w CROSS JOIN rows AS r
     WHERE w.backlog = 1 AND r.id >= w.first_row AND r.id <= w.last_row AND r.is_alarm = w.is_alarm`,
  );
  const sealed = tables.get("SELECT ifnull(sum(samples), 0) AS n FROM sealed WHERE lane <> 'late'");
  const sealedLate = tables.get("SELECT ifnull(sum(samples), 0) AS n FROM sealed WHERE backlog = 1");
  const [samples, alarms] = [unsealed(false), unsealed(true)];
  const backlogSamples = wholeOf(backlog, "n") + wholeOf(sealedLate, "n");
  return {
    samples: wholeOf(samples, "n") + wholeOf(alarms, "n") + wholeOf(sealed, "n") + backlogSamples,
    backlogSamples,
    unsealedSamples: wholeOf(samples, "n"),
    sampleBytes: wholeOf(samples, "b"),
    alarmBytes: wholeOf(alarms, "b"),
    backlogBytes: wholeOf(backlog, "b"),
  };
}

/**
 * Deletes rows and books every sequence of theirs that is not receipted as dropped. Call inside a transaction.
 * Returns how many samples were booked.
 */
export function dropRows(tables: Tables, rows: readonly Row[], reason: DropReason): number {
  let dropped = 0;
  for (const row of rows) {
    const { epoch, heads } = headsOf(row);
    for (const { stream, sequence, samples } of heads) {
      const lost = subtract([{ first: sequence, last: sequence + samples - 1 }], receiptedOf(tables, epoch, stream));
      for (const { first, last } of lost) dropped += last - first + 1;
      drop(tables, epoch, stream, lost, reason);
      raiseLast(tables, row.epochId, stream, sequence + samples - 1);
    }
    tables.run("DELETE FROM rows WHERE id = ?", row.id);
  }
  return dropped;
}

/** Whether the cloud has confirmed every sample of a row as stored. */
export function isReceipted(tables: Tables, row: Row): boolean {
  const { epoch, heads } = headsOf(row);
  return heads.every(({ stream, sequence, samples }) => {
    const own: Ranges = [{ first: sequence, last: sequence + samples - 1 }];
    return subtract(own, receiptedOf(tables, epoch, stream)).length === 0;
  });
}

export interface Oldest {
  readonly hours: number;
  /** ms since 1970 */
  readonly at?: number;
}

/** The oldest row that waits: its age, and when it was, as far as the clock and its boot allow. */
export function oldestWaiting(tables: Tables, clock: Clock, dating: Pick<Dating, "offsetAt">): Oldest {
  const oldest =
    tables.get(`SELECT r.boot_ms, e.boot_id FROM rows AS r JOIN epochs AS e ON e.id = r.epoch_id WHERE r.id = (
    SELECT min(id) FROM (
      SELECT (SELECT id FROM rows WHERE is_alarm = 0 AND id > (SELECT sealed_to FROM cursors WHERE is_alarm = 0)
              ORDER BY id LIMIT 1) AS id
      UNION ALL SELECT (SELECT id FROM rows WHERE is_alarm = 1 AND id > (SELECT sealed_to FROM cursors WHERE is_alarm = 1)
              ORDER BY id LIMIT 1)
      UNION ALL SELECT (SELECT id FROM rows WHERE is_alarm = w.is_alarm AND id >= w.first_row AND id <= w.last_row
              ORDER BY id LIMIT 1) FROM wanted AS w WHERE backlog = 1
      UNION ALL SELECT min(first_row) FROM sealed WHERE lane <> 'late' OR backlog = 1))`);
  if (!oldest) return { hours: 0 };
  const bootMs = wholeOf(oldest, "boot_ms");
  const bootId = textOf(oldest, "boot_id");
  const offsetMs = dating.offsetAt(bootId, bootMs);
  const at = offsetMs === undefined ? undefined : bootMs + offsetMs;
  if (bootId === clock.bootId) return { hours: hoursFrom(clock.bootMs() - bootMs), ...(at && { at }) };
  return at !== undefined && clock.isWallTrusted() ? { hours: hoursFrom(clock.wallMs() - at), at } : { hours: 0 };
}

const hoursFrom = (ms: number): number => Math.max(0, ms) / 3_600_000;

export const laneOf = (isAlarm: boolean): Lane => (isAlarm ? "urgent" : "normal");

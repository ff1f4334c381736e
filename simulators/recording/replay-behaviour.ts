/**
 * A baseboard that plays a recording. Each request carries the number of the row that its reader holds; the next row
 * is offered only when that is the row offered last. So a lost or late answer can't lose a row: it is offered again.
 */
import type { Clock } from "@pump-station/agent/world.ts";
import type { DecodedValue, Values } from "@pump-station/sensor-descriptions/model.ts";
import type { BaseboardBehaviour } from "../hardware/baseboard.ts";
import { type Column, type Recording, type Row, valueOf } from "./recording.ts";

/** The answer when every row has been read. */
export const NO_MORE_ROWS = 4;
const REFUSED_UNKNOWN = 1;
/** A reader at full speed isn't sent round in circles once there is nothing left to read. */
const NO_MORE_AFTER_MS = 250;

export interface ReplayBehaviour extends BaseboardBehaviour {
  /** The row on offer, 0 before the first. */
  readonly offered: number;
  readonly rows: number;
  /** The reader has said that it holds the last row. */
  readonly isFinished: boolean;
  /** A column's value in the row on offer (before the first: in the first), for sensors that play along. */
  column(label: string): number | undefined;
}

/** `speed`: recorded seconds a second; undefined: as fast as it is read. */
export function createReplayBehaviour(deps: {
  readonly recording: Recording;
  readonly clock: Pick<Clock, "bootMs">;
  readonly speed?: number;
}): ReplayBehaviour {
  const { columns, rows } = deps.recording;
  let offered = 0;
  let isFinished = false;
  let start: { readonly bootMs: number; readonly recordedMs: number } | undefined;

  const wantsNext = (carried: Values): boolean => {
    const held = Number(carried.get("row") ?? 0);
    // A board that was switched off goes on where its reader is.
    if (offered === 0 && held <= rows.length) offered = held;
    return held === offered;
  };
  const dueInMs = (row: Row): number => {
    if (deps.speed === undefined) return 0;
    const bootMs = deps.clock.bootMs();
    start ??= { bootMs, recordedMs: row.recordedMs };
    return start.bootMs + (row.recordedMs - start.recordedMs) / deps.speed - bootMs;
  };
  return {
    rows: rows.length,
    readyInMs: (_read, carried) => {
      if (!wantsNext(carried)) return 0;
      const next = rows[offered];
      return next ? Math.max(0, dueInMs(next)) : NO_MORE_AFTER_MS;
    },
    read: (_read, carried) => {
      if (wantsNext(carried)) {
        if (offered === rows.length) isFinished = true;
        else offered++;
      }
      const row = rows[offered - 1];
      return isFinished || !row ? NO_MORE_ROWS : valuesFrom(row, columns);
    },
    set: () => REFUSED_UNKNOWN,
    command: () => REFUSED_UNKNOWN,
    column: (label) => {
      const index = columns.findIndex((column) => column.label === label || column.channel === label);
      const steps = rows[Math.max(0, offered - 1)]?.steps[index];
      const resolution = columns[index]?.resolution;
      return steps === undefined || resolution === undefined ? undefined : valueOf(steps, resolution);
    },
    get offered() {
      return offered;
    },
    get isFinished() {
      return isFinished;
    },
  };
}

function valuesFrom(row: Row, columns: readonly Column[]): Values {
  return new Map<string, DecodedValue>([
    ["row", row.number],
    ["recorded", row.recordedMs],
    ...columns.map(({ channel, resolution }, index): [string, DecodedValue] => {
      const steps = row.steps[index];
      return [channel, steps === undefined ? "no-sensor" : valueOf(steps, resolution)];
    }),
  ]);
}

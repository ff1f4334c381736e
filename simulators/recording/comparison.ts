/** Whether a recording arrived: each row stored once, in order, every value equal at its resolution. */
import type { Readings } from "@pump-station/cloud-bridge/api/contract.ts";
import { type Recording, type Row, valueOf } from "./recording.ts";

export interface Comparison {
  readonly rows: number;
  readonly values: number;
  /** What is different, at most so many that a person can read them. */
  readonly differences: readonly string[];
  readonly differencesInAll: number;
}

type StoredRow = Readings["rows"][number];
const DIFFERENCES_SHOWN = 10;

/** `stored`: in the order of the API. Samples without a row number (the board had none to give) don't count. */
export function compareRecording(recording: Recording, stored: Pick<Readings, "channels" | "rows">): Comparison {
  const differences: string[] = [];
  const column = new Map(stored.channels.map(({ name }, index) => [name, index + 3]));
  const at = (row: StoredRow, channel: string): number | string | undefined => row[column.get(channel) ?? -1];
  const rows = stored.rows.filter((row) => typeof at(row, "row") === "number");
  let values = 0;

  const compareValues = (wanted: Row, row: StoredRow): void => {
    const differ = (channel: string, is: unknown, was: unknown) =>
      differences.push(`row ${wanted.number}: ${channel} is ${String(is)}, recorded was ${String(was)}`);
    if (at(row, "recorded") !== wanted.recordedMs) differ("recorded", at(row, "recorded"), wanted.recordedMs);
    for (const [index, { channel, resolution }] of recording.columns.entries()) {
      const is = at(row, channel);
      const steps = wanted.steps[index];
      const isEqual =
        typeof is === "number" ? Math.round(is / resolution) === steps : steps === undefined && is === "no-sensor";
      values++;
      if (!isEqual) differ(channel, is, steps === undefined ? "empty" : valueOf(steps, resolution));
    }
  };

  const seen = new Map<number, number>();
  let before = 0;
  for (const row of rows) {
    const number = Number(at(row, "row"));
    seen.set(number, (seen.get(number) ?? 0) + 1);
    if (number < before) differences.push(`row ${number} is stored after row ${before}`);
    before = number;
    const wanted = recording.rows[number - 1];
    if (wanted) compareValues(wanted, row);
    else differences.push(`row ${number} is stored, the recording has ${recording.rows.length}`);
  }
  for (const { number } of recording.rows) {
    const times = seen.get(number) ?? 0;
    if (times !== 1) differences.push(`row ${number} is stored ${times} times`);
  }
  const shown = differences.slice(0, DIFFERENCES_SHOWN);
  return { rows: rows.length, values, differences: shown, differencesInAll: differences.length };
}

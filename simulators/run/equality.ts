/** Whether stored rows are what the hardware says that it sent: each value, in order, none left out in between. */
import type { Readings } from "@pump-station/cloud-bridge/api/contract.ts";
import type { JournalEntry } from "../station/evidence.ts";

export interface Matched {
  readonly rows: number;
  /** Why the longest run ended, for a reader who waits for more. */
  readonly difference: string;
}

type Row = Readings["rows"][number];

/** The time of a row and of its answer are taken in two processes, one right after the other. */
const APART_MS_MAX = 1_500;

/** The longest run of consecutive samples that equals consecutive answers at each channel's resolution. */
export function longestMatch(readings: Pick<Readings, "rows" | "channels">, answers: readonly JournalEntry[]): Matched {
  let longest = 0;
  let difference = readings.rows.length === 0 ? "no rows are stored" : "";
  for (let start = 0; start < readings.rows.length; start++) {
    const first = readings.rows[start];
    if (!first) continue;
    for (let answer = 0; answer < answers.length; answer++) {
      const run = matchFrom(readings, answers, start, answer);
      if (run.rows > longest || difference === "") difference = run.difference;
      longest = Math.max(longest, run.rows);
    }
  }
  return { rows: longest, difference };
}

function matchFrom(
  { rows, channels }: Pick<Readings, "rows" | "channels">,
  answers: readonly JournalEntry[],
  start: number,
  answer: number,
): Matched {
  for (let count = 0; ; count++) {
    const row = rows[start + count];
    const sent = answers[answer + count];
    if (!row || !sent) return { rows: count, difference: "there is no more to compare yet" };
    const before = count > 0 ? rows[start + count - 1] : undefined;
    if (before && (before[1] !== row[1] || before[2] + 1 !== row[2])) {
      return { rows: count, difference: `sequence ${row[2]} follows ${before[2]}` };
    }
    const difference = differenceOf(row, sent, channels);
    if (difference !== undefined) return { rows: count, difference };
  }
}

function differenceOf(row: Row, sent: JournalEntry, channels: Readings["channels"]): string | undefined {
  const [time, , sequence, ...values] = row;
  if (Math.abs(time - sent.atMs) > APART_MS_MAX) return `sequence ${sequence} is of another time than any answer`;
  for (const [index, { name, resolution }] of channels.entries()) {
    const stored = values[index];
    const wanted = sent.values[name];
    if (!isSame(stored, wanted, resolution)) return `sequence ${sequence}: ${name} is ${stored}, sent was ${wanted}`;
  }
  return undefined;
}

/** Equal in steps of the resolution; a missing value has to be missing for the same reason. */
export const isSame = (
  stored: number | string | undefined,
  sent: number | string | undefined,
  resolution: number,
): boolean =>
  typeof stored === "number" && typeof sent === "number"
    ? Math.round(stored / resolution) === Math.round(sent / resolution)
    : stored === sent;

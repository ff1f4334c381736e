/** What readings cost the flash before they run: an estimate from `npm run bench -- flash`, 20 channels every 10 s. */

import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";

export interface FlashPace {
  /** ms that may be lost by a power cut; each commit costs flash. */
  readonly commitEveryMs: number;
  /** How often a file system's journal takes the time of change at most; left out: it doesn't. */
  readonly journalEveryMs?: number;
}

export interface FlashEstimate {
  readonly bytesPerDay: number;
  /** Of those: the file system's journal. */
  readonly journalBytesPerDay: number;
}

const DAY_MS = 86_400_000;
/** A commit writes its pages whatever is in it, and their bytes beside. Fits 10, 30 and 60 s within a tenth. */
const BYTES_PER_COMMIT = 6_400;
const BYTES_PER_READING = 24;
/** Two blocks and its own commit block, and now and then the inode's; measured with `--real-time 240`. */
const BYTES_PER_JOURNAL = 12_600;

export function estimateFlash(
  day: { readonly samples: number; readonly readings: number },
  { commitEveryMs, journalEveryMs }: FlashPace,
): FlashEstimate {
  const commits = Math.min(DAY_MS / commitEveryMs, day.samples);
  const journals = journalEveryMs === undefined ? 0 : Math.min(commits, DAY_MS / journalEveryMs);
  const journalBytesPerDay = journals * BYTES_PER_JOURNAL;
  return {
    bytesPerDay: commits * BYTES_PER_COMMIT + day.readings * BYTES_PER_READING + journalBytesPerDay,
    journalBytesPerDay,
  };
}

/** A day. */
export const samplesOf = ({ paused, aggregate, everyMs }: Device): number =>
  paused === undefined ? DAY_MS / (aggregate?.everyMs ?? everyMs) : 0;

export const samplesPerDay = ({ devices }: Station): number =>
  devices.reduce((sum, device) => sum + samplesOf(device), 0);

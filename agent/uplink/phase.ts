/** When a station uploads within its interval: by its name, so that a thousand of them spread over all of it. */
import { createHash } from "node:crypto";

/** A demo or a technician who watches wants no spread. */
export const UNSPREAD_INTERVAL_MAX_MS = 10_000;
/** Stations whose broker went away together come back over this time. */
const RECONNECT_SPREAD_MS = 10_000;

/** 0 ≤ x < 1, the same for ever for one name. */
export function fractionOf(station: string): number {
  return createHash("sha256").update(station).digest().readUInt32BE(0) / 2 ** 32;
}

/** The next upload after `nowMs`, in ms since boot. */
export function nextUploadAt(nowMs: number, intervalMs: number, station: string): number {
  if (intervalMs <= UNSPREAD_INTERVAL_MAX_MS) return nowMs + intervalMs;
  const phaseMs = fractionOf(station) * intervalMs;
  return (Math.floor((nowMs - phaseMs) / intervalMs) + 1) * intervalMs + phaseMs;
}

/** The first readings of a new station: after so long each device has been asked, and whoever set it up sees them. */
const FIRST_UPLOAD_MS = 30_000;

/**
 * The first upload of a process, in ms since boot. A station that starts again goes on in its phase, so that a restart
 * costs no message of its own; but what should have gone before goes at once, and a new station shows itself.
 */
export function firstUploadAt(
  nowMs: number,
  intervalMs: number,
  station: string,
  { isNew, waitingHours }: { readonly isNew: boolean; readonly waitingHours: number },
): number {
  if (intervalMs <= UNSPREAD_INTERVAL_MAX_MS || waitingHours * 3_600_000 >= intervalMs) return nowMs;
  const inPhase = nextUploadAt(nowMs, intervalMs, station);
  return isNew ? Math.min(inPhase, nowMs + FIRST_UPLOAD_MS) : inPhase;
}

/** What a lost connection waits on top of its back-off. */
export const reconnectSpreadMs = (intervalMs: number, station: string): number =>
  intervalMs <= UNSPREAD_INTERVAL_MAX_MS ? 0 : fractionOf(station) * RECONNECT_SPREAD_MS;

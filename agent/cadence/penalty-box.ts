import { PENALTY_AFTER_MISSES, PROBE_EVERY_MAX_MS } from "../limits.ts";
import { isMissing, type MissingReason, type Sample } from "../reading.ts";
import type { Log } from "../world.ts";

/** Probing starts at this even for a device that is polled faster. */
const PROBE_EVERY_MIN_MS = 1_000;

/** A device that doesn't answer costs the others on its port an answer time per try; so it is tried ever more rarely. */
export interface PenaltyBox {
  /** What the device was asked for and gave. */
  onValues(values: Sample["values"], nowMs: number, everyMs: number): void;
  isProbed(): boolean;
  /** When to try next; undefined: the device isn't in the box. */
  probeAtMs(everyMs: number): number | undefined;
}

export function createPenaltyBox(device: string, log: Log): PenaltyBox {
  let misses = 0;
  let probeEveryMs = 0;
  let lastMs = 0;
  const isProbed = (): boolean => misses >= PENALTY_AFTER_MISSES;
  return {
    isProbed,
    onValues: (values, nowMs, everyMs) => {
      if (!values.every(isSilence)) {
        if (isProbed()) log("info", "device-answers-again", { device });
        misses = 0;
        return;
      }
      misses++;
      lastMs = nowMs;
      if (!isProbed()) return;
      if (misses === PENALTY_AFTER_MISSES) log("warn", "device-does-not-answer", { device, misses });
      const before = misses === PENALTY_AFTER_MISSES ? Math.max(everyMs, PROBE_EVERY_MIN_MS) : probeEveryMs;
      probeEveryMs = Math.min(2 * before, PROBE_EVERY_MAX_MS);
    },
    // A device that is polled less often than once a minute is not probed more often than that.
    probeAtMs: (everyMs) => (isProbed() ? lastMs + Math.max(probeEveryMs, everyMs) : undefined),
  };
}

/**
 * Only these cost the others time. A port that is absent is known at once, and should be back at once; a device that
 * refuses or has no sensor has answered.
 */
const SILENT: ReadonlySet<MissingReason> = new Set(["timeout", "nack", "checksum", "malformed", "busy"]);
const isSilence = (value: Sample["values"][number]): boolean => isMissing(value) && SILENT.has(value.missing);

/** Time as the kernel tells it, and whether anything vouches for the wall clock. */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { BUILD_DATE_MS } from "../limits.ts";
import type { Clock } from "../world.ts";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";
/** systemd-timesyncd touches it when it has synchronised; /run is empty after a boot. */
const TIMESYNCD_DONE = "/run/systemd/timesync/synchronized";
/** chronyd writes its drift file only while synchronised, so one written since the boot is its word. */
const CHRONYD_RUNS = "/run/chrony";
const CHRONYD_DRIFT_FILES = ["/var/lib/chrony/chrony.drift", "/var/lib/chrony/drift"];
/** Synchronisation comes once in a boot; looking at four paths for every sample would be waste. */
const TRUST_ASKED_EVERY_MS = 2_000;

export interface ClockOptions {
  /** "always" for development machines and containers, whose host keeps the time. */
  readonly trustClock?: "when-synchronised" | "always";
  /** Stands before the paths above, for tests. */
  readonly root?: string;
}

/**
 * `bootMs` is CLOCK_MONOTONIC, whose origin on Linux is the boot: the same for every process of that boot. A machine
 * without /proc gets a random boot id per process, so that its times are never mixed with those of another process.
 */
export function createClock(options: ClockOptions = {}): Clock {
  const root = options.root ?? "";
  const bootMs = (): number => Number(process.hrtime.bigint()) / 1e6;
  let trusted = options.trustClock === "always";
  let askedMs = Number.NEGATIVE_INFINITY;
  return {
    bootId: readBootId(`${root}${BOOT_ID}`),
    bootMs,
    wallMs: () => Date.now(),
    isWallTrusted: () => {
      if (Date.now() < BUILD_DATE_MS) return false;
      // Never taken back: a clock that was right once in this boot drifts by seconds a day at most.
      if (trusted || bootMs() - askedMs < TRUST_ASKED_EVERY_MS) return trusted;
      askedMs = bootMs();
      trusted = isSynchronised(root, Date.now() - bootMs());
      return trusted;
    },
  };
}

function readBootId(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return randomUUID();
  }
}

function isSynchronised(root: string, bootWallMs: number): boolean {
  if (existsSync(`${root}${TIMESYNCD_DONE}`)) return true;
  if (!existsSync(`${root}${CHRONYD_RUNS}`)) return false;
  return CHRONYD_DRIFT_FILES.some((path) => {
    const writtenMs = statSync(`${root}${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return writtenMs > bootWallMs && writtenMs <= Date.now();
  });
}

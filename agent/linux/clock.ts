/**
 * Time as the kernel tells it, and whether anything vouches for the wall clock.
 *
 * `bootMs` is CLOCK_BOOTTIME: CLOCK_MONOTONIC, which Node has, and the time that the machine was suspended, which
 * /proc/uptime tells. Wall time is boot time plus an offset that somebody has vouched for: it follows the wall clock
 * while that one slews (NTP, a smeared leap second), and follows a step only when it is vouched for anew. A clock that
 * a person or a bug has set wrong changes nothing.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { BUILD_DATE_MS } from "../limits.ts";
import type { Clock } from "../world.ts";
import { createVouchers } from "./clock-vouchers.ts";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";
const UPTIME = "/proc/uptime";
/** Synchronisation comes once in a boot; looking at four paths for every sample would be waste. */
const TRUST_ASKED_EVERY_MS = 2_000;
/** The offset between wall and monotonic time has moved: slewed by now, stepped, or the machine was suspended. */
const MOVED_MS = 20;
/** /proc/uptime counts hundredths of a second; less than this is no suspend. */
const SUSPENDED_MS_MIN = 100;
/** A change above this, and above what slewing can do since the last look (chrony: at most a tenth), is a step. */
const STEP_MS = 500;
const SLEW_MAX = 0.1;
const READ_TRIALS = 3;

export interface ClockOptions {
  /** "always" for development machines and containers, whose host keeps the time. */
  readonly trustClock?: "when-synchronised" | "always";
  /** Touched by whoever sets the clock from another source: the modem's network time, GPS. */
  readonly setFile?: string;
  /** What a former process was told: wall time in ms since 1970, and wall - boot then (state/known-time.ts). */
  readonly known?: { readonly bootId: string; readonly wallMs: number; readonly offsetMs: number } | undefined;
  /** Stands before the paths above, for tests. */
  readonly root?: string;
  /** What `chronyc -c tracking` prints, for tests. */
  readonly askChrony?: () => Promise<string>;
}

/** A machine without /proc gets a random boot id per process, so that its times are never mixed with another's. */
export function createClock(options: ClockOptions = {}): Clock {
  const root = options.root ?? "";
  const bootId = readBootId(`${root}${BOOT_ID}`);
  const isAlways = options.trustClock === "always";
  const known = options.known;
  const boot = createBootTime(`${root}${UPTIME}`);
  const vouchers = createVouchers(root, options.setFile, options.askChrony);
  // A wall clock of another boot may begin anywhere, but time hasn't run backwards.
  const passedMs = Math.max(BUILD_DATE_MS, known && known.bootId !== bootId ? known.wallMs : 0);
  const startedMs = boot.ms();
  // Vouched for in this boot, by this process or a former one.
  let offsetMs = known?.bootId === bootId ? known.offsetMs : undefined;
  let isHeld = false;
  let followedMs = startedMs;
  let askedMs = Number.NEGATIVE_INFINITY;

  const isAskDue = (nowMs: number): boolean => {
    if (nowMs - askedMs < TRUST_ASKED_EVERY_MS) return false;
    askedMs = nowMs;
    return true;
  };
  const follow = (seenMs: number, nowMs: number): void => {
    offsetMs = seenMs;
    followedMs = nowMs;
    isHeld = false;
  };

  /** Brings the offset up to date; it stays undefined while nobody has vouched for one. */
  const look = (): number => {
    const { nowMs, wallMs } = readBoth(boot);
    const seenMs = wallMs - nowMs;
    const isPossible = wallMs >= passedMs;
    if (offsetMs === undefined) {
      if (isPossible && (isAlways || (isAskDue(nowMs) && vouchers.isSet(seenMs)))) follow(seenMs, nowMs);
      return nowMs;
    }
    const slewMs = isHeld ? 0 : SLEW_MAX * (nowMs - followedMs);
    if (Math.abs(seenMs - offsetMs) <= STEP_MS + slewMs || (isAlways && isPossible)) follow(seenMs, nowMs);
    else if (!isHeld) {
      vouchers.onStep(seenMs + followedMs);
      isHeld = true;
      askedMs = Number.NEGATIVE_INFINITY;
    }
    if (isHeld && isPossible && isAskDue(nowMs) && vouchers.isSetSinceStep()) follow(seenMs, nowMs);
    return nowMs;
  };

  return {
    bootId,
    bootMs: () => boot.ms(),
    wallMs: () => {
      const nowMs = look();
      if (offsetMs !== undefined) return Math.round(nowMs + offsetMs);
      return Math.max(Date.now(), Math.round(passedMs + nowMs - startedMs));
    },
    isWallTrusted: () => {
      look();
      return offsetMs !== undefined;
    },
  };
}

/** Both clocks at one moment: a process that was put aside between the two would see a step. */
function readBoth(boot: { ms(): number }): { readonly nowMs: number; readonly wallMs: number } {
  for (let trial = 1; ; trial++) {
    const beforeMs = Date.now();
    const nowMs = boot.ms();
    const wallMs = Date.now();
    if (wallMs - beforeMs < MOVED_MS || trial === READ_TRIALS) return { nowMs, wallMs };
  }
}

/** CLOCK_MONOTONIC stands still while the machine is suspended; wall time doesn't, and gives away that it was. */
function createBootTime(uptimePath: string): { ms(): number } {
  let suspendedMs = 0;
  let leadMs = Number.NaN;
  const suspendedNowMs = (): number => {
    // Uptime first: being put aside between the two must not count as a suspend.
    const uptimeMs = readUptimeMs(uptimePath);
    return uptimeMs === undefined ? 0 : uptimeMs - monotonicMs();
  };
  return {
    ms: () => {
      const nowMs = monotonicMs();
      const seenMs = Date.now() - nowMs;
      // The first comparison is with NaN.
      if (!(Math.abs(seenMs - leadMs) < MOVED_MS)) {
        leadMs = seenMs;
        const seen = suspendedNowMs();
        if (seen - suspendedMs >= SUSPENDED_MS_MIN) suspendedMs = seen;
      }
      return nowMs + suspendedMs;
    },
  };
}

const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** undefined without /proc; a container's file system may show less than the kernel's time, which changes nothing. */
function readUptimeMs(path: string): number | undefined {
  try {
    const seconds = Number(readFileSync(path, "utf8").split(" ")[0]);
    return Number.isFinite(seconds) ? 1_000 * seconds : undefined;
  } catch {
    return undefined;
  }
}

function readBootId(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return randomUUID();
  }
}

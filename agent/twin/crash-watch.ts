/**
 * Settings that end the process. A version that was being applied when it ended is refused at once; when processes end
 * out of order CRASHES_MAX times within CRASHES_WITHIN_MS, whatever they were doing, the last settings with which one
 * lived for SETTLED_AFTER_MS run. A power cut looks the same, so a refused version is tried once more after a while.
 *
 * Times are of the boot's own clock. A reboot counts as an end out of order only where the process before it hadn't
 * settled: nobody can say how long the station was off, and a power cut after a month says nothing about settings.
 */
import { CRASHES_MAX, CRASHES_WITHIN_MS, REFUSED_RETRY_MS, REFUSED_TRIES_MAX, SETTLED_AFTER_MS } from "../limits.ts";
import type { Clock, Log } from "../world.ts";
import type { Memory, ProcessMark, Refused } from "./memory.ts";
import type { Versioned } from "./mirror.ts";
import { isSame } from "./patch-between.ts";

export interface CrashWatch {
  /** Once, before anything is applied. */
  started(): void;
  /** In order. */
  ended(): void;
  /** Another document runs from now on. */
  adopted(): void;
  /** To be called every now and then. Whether the refused version is to be tried once more. */
  look(): boolean;
  /** Ends out of order that aren't forgotten yet. */
  readonly crashes: number;
}

export function createCrashWatch(deps: {
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: Memory;
}): CrashWatch {
  const { clock, log, memory } = deps;
  let since = clock.bootMs();

  const refuse = (because: string, instead: Versioned | undefined): void => {
    const { current, refused } = memory.now;
    if (!current) return;
    const before = refused && isSameVersion(refused, current) ? refused.tries : 1;
    const next: Refused = { ...current, because, instead, tries: before, isRetried: false };
    log("error", "twin-version-refused", { version: current.version, because });
    memory.change({ trying: undefined, refused: next });
  };

  const refuseAfterCrashes = (): void => {
    const { current, refused, settled, lastGood } = memory.now;
    const isRefusedAlready = current && refused && isSameVersion(refused, current) && !refused.isRetried;
    if (!current || isRefusedAlready) return;
    const instead = settled ?? (lastGood && !isSame(lastGood.desired, current.desired) ? lastGood : undefined);
    // The last good ones run already: whatever ends the process, it isn't these.
    if (instead && isSame(instead.desired, current.desired)) return;
    const minutes = CRASHES_WITHIN_MS / 60_000;
    refuse(`the agent ended ${CRASHES_MAX} times within ${minutes} min of version ${current.version}`, instead);
  };

  const settle = (): void => {
    const { process, crashes = [], settled, current, refused } = memory.now;
    const isRefused = current && refused && isSameVersion(refused, current);
    const runs = isRefused && !refused.isRetried ? refused.instead : current;
    const isNew = runs !== undefined && !(settled && isSame(settled.desired, runs.desired));
    if (process?.isSettled && crashes.length === 0 && !isNew && !refused?.isRetried) return;
    memory.change({
      ...(process && { process: { ...process, isSettled: true } }),
      crashes: [],
      ...(isNew && { settled: runs }),
      ...(refused?.isRetried && { refused: undefined }),
    });
  };

  return {
    started: () => {
      const mark: ProcessMark = { boot: clock.bootId, at: clock.bootMs() };
      const { process: before, trying } = memory.now;
      const isCrash = before !== undefined && (before.boot === mark.boot || !before.isSettled);
      const crashes = [...(memory.now.crashes ?? []).filter(isNotLongBefore(mark)), ...(isCrash ? [mark] : [])];
      memory.change({ process: mark, crashes: crashes.slice(-CRASHES_MAX) });
      if (isCrash) log("warn", "process-ended-out-of-order", { times: crashes.length });
      if (trying !== undefined) refuse(`the agent ended while version ${trying} was applied`, memory.now.lastGood);
      else if (crashes.length >= CRASHES_MAX) refuseAfterCrashes();
    },
    ended: () => void memory.change({ process: undefined, trying: undefined }),
    adopted: () => {
      since = clock.bootMs();
    },
    look: () => {
      const livedMs = clock.bootMs() - since;
      if (livedMs < SETTLED_AFTER_MS) return false;
      settle();
      const { refused, current } = memory.now;
      if (!refused || !current || !isSameVersion(refused, current) || refused.isRetried) return false;
      if (refused.tries >= REFUSED_TRIES_MAX || livedMs < REFUSED_RETRY_MS) return false;
      log("info", "twin-version-tried-again", { version: refused.version });
      memory.change({ refused: { ...refused, tries: refused.tries + 1, isRetried: true } });
      since = clock.bootMs();
      return true;
    },
    get crashes() {
      return memory.now.crashes?.length ?? 0;
    },
  };
}

/** Another boot's may be any time ago, but for that since this boot began. */
const isNotLongBefore =
  (now: ProcessMark) =>
  (crash: ProcessMark): boolean =>
    now.at - (crash.boot === now.boot ? crash.at : 0) < CRASHES_WITHIN_MS;

export const isSameVersion = (a: Versioned, b: Versioned): boolean =>
  a.version === b.version && isSame(a.desired, b.desired);

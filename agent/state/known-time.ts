/**
 * The newest wall time that was vouched for, on disk: in the next boot a clock that shows less is wrong, certificates
 * are judged by it before the clock is set, and a later process of this boot knows what the former one was told.
 */
import type { Clock, Log, Timers } from "../world.ts";
import type { StateDocument } from "./state-store.ts";

/** One small file an hour is a thousandth of what readings cost the flash. */
const SAVE_EVERY_MS = 3_600_000;
const LOOK_EVERY_MS = 10_000;
/** An offset that has moved by more has been corrected, and is worth keeping at once. */
const CORRECTED_MS = 1_000;

/** Wall time that was vouched for, as it is kept on disk for the next process and the next boot. */
export interface KnownTime {
  readonly bootId: string;
  /** ms since 1970 UTC */
  readonly wallMs: number;
  /** wall - boot, then. */
  readonly offsetMs: number;
}

export interface KnownTimeDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly document: StateDocument<KnownTime>;
}

/** Looks at once and every ten seconds; returns a stop. */
export function keepKnownTime({ clock, timers, log, document }: KnownTimeDeps): () => void {
  let wasTrusted: boolean | undefined;
  let saved: { readonly atMs: number; readonly offsetMs: number } | undefined;
  let cancel = (): void => {};

  const save = (): void => {
    const [nowMs, wallMs] = [clock.bootMs(), clock.wallMs()];
    const offsetMs = Math.round(wallMs - nowMs);
    const isFresh = saved && nowMs - saved.atMs < SAVE_EVERY_MS;
    if (saved && isFresh && Math.abs(offsetMs - saved.offsetMs) < CORRECTED_MS) return;
    if (saved && Math.abs(offsetMs - saved.offsetMs) >= CORRECTED_MS)
      log("warn", "clock-corrected", { byMs: offsetMs - saved.offsetMs });
    saved = { atMs: nowMs, offsetMs };
    try {
      document.save({ bootId: clock.bootId, wallMs, offsetMs });
    } catch (error) {
      // A disk that can't be written costs this memory, nothing else.
      log("error", "known-time-not-saved", { error: String(error) });
    }
  };

  const look = (): void => {
    const isTrusted = clock.isWallTrusted();
    if (isTrusted !== wasTrusted) log("info", isTrusted ? "clock-trusted" : "clock-not-set", { now: clock.wallMs() });
    wasTrusted = isTrusted;
    if (isTrusted) save();
    cancel = timers.after(LOOK_EVERY_MS, look);
  };
  look();
  return () => cancel();
}

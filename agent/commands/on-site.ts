/**
 * On-site mode: somebody works at the station. Nothing that the cloud wants moves hardware, alarms carry a mark so that
 * they page nobody, and the mode ends by itself. Its end is counted on monotonic time and kept on disk with the boot:
 *
 *   same boot                     goes on to the same end
 *   another boot, clock set       goes on to the same end by the wall clock
 *   another boot, clock not set   nobody knows how long the board was off: errs on the short side, at most 15 min per
 *                                 boot and never more in all than was asked for; the wall clock's end holds once it is set
 */
import { ON_SITE_MS_MAX, ON_SITE_UNSURE_MS } from "../limits.ts";
import { createIntlOffset, timeOfDay, type ZoneOffset } from "../time-zone/time-zone.ts";
import type { Clock, Log, Timers } from "../world.ts";

export interface OnSiteStatus {
  /** ms since 1970; left out while the clock isn't set. */
  readonly until?: number;
  readonly leftMs: number;
  /** Who began it: "here", or whoever asked from the cloud. */
  readonly by: string;
  /** Begun at the station itself: only there it ends early. */
  readonly isOurs: boolean;
  /** After a reboot without a clock: it ends sooner than was asked for. */
  readonly isUnsure?: true;
}

export interface OnSiteFile {
  load(): unknown;
  save(document: Saved): void;
}

export interface OnSite {
  now(): OnSiteStatus | undefined;
  /** Begins, or sets another end. `forMs` at most 24 h. Returns false when it couldn't be kept on disk; it holds all the same. */
  begin(forMs: number, by: string, isOurs: boolean): boolean;
  /** No-op when nobody is on site. */
  end(because: string): void;
  /** For whom a write is refused: "on-site until 15:30, ended by itself then". */
  obstacle(): string | undefined;
}

/** null: nobody is on site. */
interface Saved {
  readonly onSite: Kept | null;
}
interface Kept {
  readonly bootId: string;
  readonly untilBootMs: number;
  readonly untilWallMs?: number;
  /** What is left in all for boots that don't know the time. */
  readonly unsureMs: number;
  readonly by: string;
  readonly isOurs: boolean;
  readonly isUnsure?: true;
}

export interface OnSiteDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly file: OnSiteFile;
  readonly timeZone: () => string;
  /** Default: ICU's. */
  readonly zoneOffset?: ZoneOffset;
  /** It has begun, got another end, or ended; in words. */
  readonly onChange: (isOnSite: boolean, because: string) => void;
}

/** How soon an end is seen that came by a clock that was set meanwhile. */
const LOOK_MS = 10_000;

/** `resume` tells of what ended while no process ran: call it once everything that is told can take it. */
export function createOnSite(deps: OnSiteDeps): OnSite & { resume(): void } {
  const { clock, timers, log, zoneOffset = createIntlOffset() } = deps;
  let kept: Kept | undefined;
  let cancel = (): void => {};

  const save = (): boolean => {
    try {
      deps.file.save({ onSite: kept ?? null });
      return true;
    } catch (error) {
      // What the file system says has a code; everything else is a bug.
      if (!(error instanceof Error && "code" in error)) throw error;
      log("error", "on-site-not-saved", { error: error.message });
      return false;
    }
  };
  const leftMs = (): number => (kept ? Math.max(0, kept.untilBootMs - clock.bootMs()) : 0);
  const look = (): void => {
    cancel();
    if (!kept) return;
    const surer = dated(kept, clock);
    if (surer !== kept) {
      kept = surer;
      save();
    }
    if (leftMs() <= 0) return end("its time is over");
    cancel = timers.after(Math.min(LOOK_MS, leftMs()), look);
  };
  const end = (because: string): void => {
    if (!kept) return;
    kept = undefined;
    cancel();
    save();
    log("info", "on-site-ended", { because });
    deps.onChange(false, because);
  };
  const untilText = (): string => {
    const wall = clock.wallMs() + leftMs();
    if (!clock.isWallTrusted()) return `for ${Math.ceil(leftMs() / 60_000)} min`;
    return `until ${timeOfDay(wall, deps.timeZone(), zoneOffset)}`;
  };

  return {
    now: () => {
      if (!kept || leftMs() <= 0) return undefined;
      const { by, isOurs, isUnsure } = kept;
      const until = clock.isWallTrusted() ? { until: endOnWall(kept, clock) } : {};
      return { ...until, leftMs: Math.round(leftMs()), by, isOurs, ...(isUnsure && { isUnsure }) };
    },
    begin: (forMs, by, isOurs) => {
      const ms = Math.min(forMs, ON_SITE_MS_MAX);
      kept = {
        bootId: clock.bootId,
        untilBootMs: clock.bootMs() + ms,
        ...(clock.isWallTrusted() && { untilWallMs: Math.round(clock.wallMs() + ms) }),
        unsureMs: ms,
        by,
        isOurs,
      };
      const isSaved = save();
      look();
      log("info", "on-site-begun", { minutes: Math.round(ms / 60_000), by });
      deps.onChange(true, `${untilText()}, by ${by}`);
      return isSaved;
    },
    end,
    obstacle: () => (leftMs() > 0 ? `on-site ${untilText()}, ended by itself then` : undefined),
    resume: () => {
      kept = resumed(deps.file.load(), clock);
      if (!kept) return;
      save();
      look();
    },
  };
}

/** The end as it was said, where it was said by a clock. */
const endOnWall = ({ untilBootMs, untilWallMs, isUnsure }: Kept, clock: Clock): number =>
  untilWallMs !== undefined && !isUnsure ? untilWallMs : Math.round(clock.wallMs() + untilBootMs - clock.bootMs());

function resumed(document: unknown, clock: Clock): Kept | undefined {
  const kept = keptFrom(document);
  if (!kept || kept.bootId === clock.bootId) return kept;
  // An unset clock is behind, if anything: what it says is over is over.
  const isOver = kept.untilWallMs !== undefined && clock.wallMs() >= kept.untilWallMs;
  const grantMs = isOver ? 0 : Math.min(ON_SITE_UNSURE_MS, kept.unsureMs);
  const { bootId } = clock;
  const unsure: Kept = {
    ...kept,
    bootId,
    untilBootMs: clock.bootMs() + grantMs,
    unsureMs: kept.unsureMs - grantMs,
    isUnsure: true,
  };
  return dated(unsure, clock);
}

/** Once the clock is set, an end by the wall clock is better than a guess. The same object when nothing is known better. */
function dated(kept: Kept, clock: Clock): Kept {
  if (!kept.isUnsure || kept.untilWallMs === undefined || !clock.isWallTrusted()) return kept;
  const leftMs = Math.min(kept.untilWallMs - clock.wallMs(), ON_SITE_MS_MAX);
  const { bootId, untilWallMs, unsureMs, by, isOurs } = kept;
  return { bootId, untilBootMs: clock.bootMs() + leftMs, untilWallMs, unsureMs, by, isOurs };
}

/** Undefined for none, and for what nobody can make sense of: that ends on the short side, too. */
function keptFrom(document: unknown): Kept | undefined {
  const kept = (document as Partial<Saved> | undefined)?.onSite;
  if (!kept) return undefined;
  const isWhole =
    [kept.untilBootMs, kept.unsureMs].every((ms) => Number.isFinite(ms)) && typeof kept.bootId === "string";
  return isWhole ? kept : undefined;
}

/**
 * Somebody watches: uploads come every few seconds, for half an hour at most. Ends by itself, also when nobody says so,
 * and isn't begun while the month's budget makes the station do without something.
 */
import { LIVE_MS_MAX } from "../limits.ts";
import type { LiveOutcome } from "../outcome.ts";
import type { Clock, Timers } from "../world.ts";

export interface Live {
  /** undefined: nobody watches any more. `untilMs`: ms since 1970. */
  set(wanted: { readonly everyMs: number; readonly untilMs: number } | undefined): LiveOutcome;
  /** undefined: nobody watches. */
  everyMs(): number | undefined;
  /** The month's budget became short. */
  end(): void;
}

/** The clocks of a station and of who asks are never quite the same. */
const SLACK_MS = 60_000;

export function createLive(deps: {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Why it can't be now: the step that the budget makes necessary. */
  readonly obstacle: () => string | undefined;
  readonly onChange: () => void;
}): Live {
  const { clock } = deps;
  let everyMs: number | undefined;
  let cancelEnd = (): void => undefined;

  const become = (next: number | undefined): void => {
    if (next === everyMs) return;
    everyMs = next;
    deps.onChange();
  };
  const end = (): void => {
    cancelEnd();
    become(undefined);
  };

  return {
    set: (wanted) => {
      end();
      if (!wanted) return { state: "over" };
      if (!clock.isWallTrusted()) return { state: "waits", reason: "no clock can be trusted yet" };
      const forMs = wanted.untilMs - clock.wallMs();
      if (forMs <= 0) return { state: "over" };
      if (forMs > LIVE_MS_MAX + SLACK_MS) {
        return { state: "refused", reason: `until lies more than ${LIVE_MS_MAX / 60_000} min ahead` };
      }
      const obstacle = deps.obstacle();
      if (obstacle !== undefined) return { state: "waits", reason: obstacle };
      const runsMs = Math.min(forMs, LIVE_MS_MAX);
      cancelEnd = deps.timers.after(runsMs, end);
      become(wanted.everyMs);
      return { state: "runs", forMs: runsMs };
    },
    everyMs: () => everyMs,
    end,
  };
}

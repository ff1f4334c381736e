/** The upload interval as it runs: due times on monotonic time, and the hours at which uploads may happen. */
import type { Clock } from "../world.ts";
import { nextUploadAt } from "./phase.ts";
import type { Schedule } from "./sender.ts";
import type { UploadWindows } from "./windows.ts";

export interface UplinkSchedule extends Schedule {
  setInterval(ms: number): void;
  /** The interval is over, and what waits may go at this hour. */
  isDue(): boolean;
  /** Everything that waits may go, whatever the hour, until `settle`. */
  force(): void;
  settle(): void;
  /** What waits is due now, as far as the hour allows. */
  hurry(): void;
  readonly intervalMs: number;
}

export function createSchedule(
  deps: { readonly clock: Clock },
  config: {
    readonly station: string;
    readonly intervalMs: number;
    readonly windows?: UploadWindows;
    /** ms since boot; left out: at once. */
    readonly firstAt?: number;
  },
): UplinkSchedule {
  const { clock } = deps;
  let intervalMs = config.intervalMs;
  let nextAt = config.firstAt ?? clock.bootMs();
  let forced = false;

  const isOpen = (): boolean => {
    if (forced || !config.windows || !clock.isWallTrusted()) return true;
    return config.windows.isOpen(clock.wallMs());
  };

  const isDue = (): boolean => clock.bootMs() >= nextAt && isOpen();

  return {
    get nextAt() {
      return nextAt;
    },
    get intervalMs() {
      return intervalMs;
    },
    isOpen,
    isDue,
    takeDue: () => {
      // A closed window leaves the interval due, so that the first moment of the next window takes it.
      if (!isDue()) return false;
      nextAt = nextUploadAt(clock.bootMs(), intervalMs, config.station);
      return true;
    },
    setInterval: (ms) => {
      intervalMs = ms;
      nextAt = Math.min(nextAt, nextUploadAt(clock.bootMs(), ms, config.station));
    },
    force: () => {
      forced = true;
      nextAt = clock.bootMs();
    },
    settle: () => {
      forced = false;
    },
    hurry: () => {
      nextAt = clock.bootMs();
    },
  };
}

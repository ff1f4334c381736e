/**
 * How the loops beside a connection (uplink, twin) wait: until a time, or until somebody says that there is something
 * to do. A wake that comes while nobody waits isn't lost: the next wait returns at once.
 */
import type { Timers } from "../world.ts";

export interface Waker {
  wake(): void;
  /** Resolves after `ms`, at a wake, or when aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createWaker(deps: { readonly timers: Timers }): Waker {
  let woken = false;
  let release: (() => void) | undefined;

  return {
    wake: () => {
      woken = true;
      release?.();
    },
    wait: async (ms, signal) => {
      if (!woken && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const end = () => {
            cancel();
            signal.removeEventListener("abort", end);
            release = undefined;
            resolve();
          };
          const cancel = deps.timers.after(ms, end);
          signal.addEventListener("abort", end, { once: true });
          release = end;
        });
      }
      woken = false;
    },
  };
}

/**
 * When staged samples become durable. Flash wear is decided by commits per day, so samples are committed together;
 * but the first sample of a process is committed at once (a station in a reboot loop still leaves a trace), and the
 * interval doubles from there up to its setting.
 */
import type { Timers } from "../world.ts";
import type { SampleBuffer } from "./buffer.ts";

const FIRST_INTERVAL_MS = 250;

export interface Committer {
  /** A sample was staged. */
  staged(): void;
  /** From the next commit on; what is staged already isn't held back any longer than it was to be. */
  setInterval(ms: number): void;
  /** Commits what is staged and stops. */
  stop(): void;
}

export function createCommitter(
  deps: { readonly timers: Timers; readonly buffer: Pick<SampleBuffer, "commit"> },
  config: { readonly intervalMs: number },
): Committer {
  let fullMs = config.intervalMs;
  let intervalMs = 0;
  let cancel: (() => void) | undefined;

  const commit = (): void => {
    cancel = undefined;
    deps.buffer.commit();
    intervalMs = Math.min(Math.max(intervalMs * 2, FIRST_INTERVAL_MS), fullMs);
  };
  return {
    staged: () => {
      if (cancel) return;
      if (intervalMs === 0) commit();
      else cancel = deps.timers.after(intervalMs, commit);
    },
    setInterval: (ms) => {
      fullMs = ms;
      intervalMs = Math.min(intervalMs, ms);
    },
    stop: () => {
      cancel?.();
      commit();
    },
  };
}

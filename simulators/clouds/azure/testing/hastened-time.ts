/** Real time that runs faster, so that minutes of silence and deadlines pass in a moment beside real sockets. */
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import type { Clock, Timers } from "@pump-station/agent/world.ts";

export interface HastenedTime {
  readonly clock: Clock & { skewMs: number; isTrusted: boolean };
  readonly timers: Timers;
}

export function createHastenedTime(factor: number): HastenedTime {
  const startedAt = Date.now();
  const passedMs = (): number => (Date.now() - startedAt) * factor;
  const real = createTimers();
  const clock = {
    bootId: "hastened",
    skewMs: 0,
    isTrusted: true,
    bootMs: passedMs,
    wallMs: () => startedAt + passedMs() + clock.skewMs,
    isWallTrusted: () => clock.isTrusted,
  };
  return {
    clock,
    timers: {
      after: (ms, run) => real.after(ms / factor, run),
      sleep: (ms, signal) => real.sleep(ms / factor, signal),
    },
  };
}

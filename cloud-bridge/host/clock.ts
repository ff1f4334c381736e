import { randomBytes } from "node:crypto";
import type { Chance, Clock, Timers } from "../world.ts";

export const createClock = (): Clock => ({
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
});

/** setTimeout counts in 32 bits; a day-long wait fits, a longer one is cut to 24 days. */
const TIMEOUT_MAX = 2 ** 31 - 1;

export const createTimers = (): Timers => ({
  after: (ms, run) => {
    if (ms <= 0) {
      const immediate = setImmediate(run);
      return () => clearImmediate(immediate);
    }
    const timeout = setTimeout(run, Math.min(ms, TIMEOUT_MAX));
    return () => clearTimeout(timeout);
  },
});

export const createChance = (): Chance => ({ bytes: (count) => new Uint8Array(randomBytes(count)) });

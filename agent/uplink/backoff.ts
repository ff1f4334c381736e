/**
 * Exponential back-off with full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter", 2015): the wait is
 * drawn from 0 to a ceiling that doubles, so that stations that lost the cloud together don't come back together.
 */
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS } from "../limits.ts";
import type { Chance } from "../world.ts";

export interface Backoff {
  /** ms to wait before the next attempt. */
  next(): number;
  reset(): void;
}

export function createBackoff(deps: { readonly chance: Chance }): Backoff {
  let ceiling = BACKOFF_FIRST_MS;
  return {
    next: () => {
      const wait = deps.chance.fraction() * ceiling;
      ceiling = Math.min(ceiling * 2, BACKOFF_MAX_MS);
      return wait;
    },
    reset: () => {
      ceiling = BACKOFF_FIRST_MS;
    },
  };
}

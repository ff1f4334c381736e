/** Pauses between attempts that somebody decides about: doubling up to hours, so that a board that was thrown out is quiet. */
import { ENROL_PAUSE_FIRST_MS, ENROL_PAUSE_MAX_MS } from "../limits.ts";
import type { Chance } from "../world.ts";

export interface Pauses {
  /** At most so much, default: hours. */
  next(maxMs?: number): number;
  reset(): void;
}

export function createPauses({ chance }: { readonly chance: Chance }): Pauses {
  let pauseMs = ENROL_PAUSE_FIRST_MS;
  return {
    next: (maxMs = ENROL_PAUSE_MAX_MS) => {
      // Half of it is certain, so that "up to hours" doesn't mean "now and then at once".
      const waitMs = Math.min(pauseMs, maxMs) * (0.5 + chance.fraction() / 2);
      pauseMs = Math.min(pauseMs * 2, ENROL_PAUSE_MAX_MS);
      return waitMs;
    },
    reset: () => {
      pauseMs = ENROL_PAUSE_FIRST_MS;
    },
  };
}

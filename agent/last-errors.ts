/** The newest kinds of errors that were logged, each with its last time and its count: for the twin and `status`. */
import type { JsonObject } from "./wire/twin-document.ts";
import type { Clock, Log } from "./world.ts";

/** A handful fits a twin; more kinds at a time are one trouble with many faces. */
const KINDS_MAX = 5;

export interface LastErrors {
  readonly log: Log;
  /** `at`: ISO 8601 to the minute, as the clock is now; left out while nobody vouches for it. */
  facts(): JsonObject;
}

export function createLastErrors(deps: { readonly clock: Clock; readonly log: Log }): LastErrors {
  const { clock } = deps;
  /** Newest last. */
  const kinds = new Map<string, { readonly bootMs: number; readonly n: number }>();
  return {
    log: (level, event, fields) => {
      deps.log(level, event, fields);
      if (level !== "error") return;
      const n = (kinds.get(event)?.n ?? 0) + 1;
      kinds.delete(event);
      kinds.set(event, { bootMs: clock.bootMs(), n });
      const oldest = kinds.keys().next().value;
      if (kinds.size > KINDS_MAX && oldest !== undefined) kinds.delete(oldest);
    },
    facts: () =>
      Object.fromEntries(
        [...kinds].map(([event, { bootMs, n }]) => [
          event,
          { ...(clock.isWallTrusted() && { at: timeOf(clock, bootMs) }), n },
        ]),
      ),
  };
}

const timeOf = (clock: Clock, bootMs: number): string =>
  `${new Date(clock.wallMs() + bootMs - clock.bootMs()).toISOString().slice(0, 16)}Z`;

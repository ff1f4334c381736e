/** How long an output may be away from its safe state: as long as a command says, and never longer than `at-most`. */
import type { Clock, Timers } from "../world.ts";

export interface OutputLimit {
  /** It leaves the safe state, or is told again to be away from it: `at-most` counts from when it left, `forMs` from now. */
  begin(forMs: number | undefined): void;
  /** It is safe. */
  ended(): void;
  /** Its time was up, and nobody has asked for the safe state since. */
  isSpent(): boolean;
  forgive(): void;
}

/** `onEnd`: make it safe now. "spent": `at-most` is over; "done": a command's own time is. */
export function createOutputLimit(
  { clock, timers }: { readonly clock: Clock; readonly timers: Timers },
  atMostMs: number,
  onEnd: (why: "spent" | "done") => void,
): OutputLimit {
  let leftMs: number | undefined;
  let isSpent = false;
  let cancel = (): void => {};
  return {
    begin: (forMs) => {
      const nowMs = clock.bootMs();
      leftMs ??= nowMs;
      const untilSpentMs = Math.max(0, leftMs + atMostMs - nowMs);
      const isOwn = forMs !== undefined && forMs <= untilSpentMs;
      cancel();
      cancel = timers.after(isOwn ? forMs : untilSpentMs, () => {
        if (!isOwn) isSpent = true;
        onEnd(isOwn ? "done" : "spent");
      });
    },
    ended: () => {
      leftMs = undefined;
      cancel();
    },
    isSpent: () => isSpent,
    forgive: () => {
      isSpent = false;
    },
  };
}

/**
 * Half-saved files never go live. Editors save in different ways (vim renames, nano and cp truncate and write, scp writes
 * as bytes arrive), and none of them says when it is done: so a file is read when it has stayed the same for a while,
 * and one that looks cut when it has stayed so for longer.
 */
import { SETTLE_CUT_MS, SETTLE_MS } from "../limits.ts";
import type { Timers } from "../world.ts";

export interface Settling {
  /** Something was written; looks again until it stays the same. */
  changed(): void;
  /** Nothing more is called for what was written so far. */
  cancel(): void;
}

/** `texts`: of every file that counts, as it is now. `isCut` judges the same. */
export function createSettling(
  deps: { readonly timers: Timers },
  watched: { texts(): string; isCut(): boolean },
  onSettled: () => void,
): Settling {
  let cancel = (): void => {};
  const wait = (before: string, sameForMs: number): void => {
    cancel();
    cancel = deps.timers.after(SETTLE_MS, () => {
      const now = watched.texts();
      const sameFor = now === before ? sameForMs + SETTLE_MS : 0;
      if (sameFor === 0 || (sameFor < SETTLE_CUT_MS && watched.isCut())) return wait(now, sameFor);
      onSettled();
    });
  };
  return {
    changed: () => wait(watched.texts(), 0),
    cancel: () => cancel(),
  };
}

/**
 * Whether this may be a part of what is being saved: nothing, no line end, or the beginning of what stood there before.
 * One that was cut at a line end and edited before it can't be told from a whole one.
 */
export function looksCut(text: string | undefined, before: string | undefined): boolean {
  if (text !== undefined && text === before) return false;
  if (text === undefined || text.trim() === "" || !text.endsWith("\n")) return true;
  return before !== undefined && before.length > text.length && before.startsWith(text);
}

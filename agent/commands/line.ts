/** One after the other: who comes gets a turn in the order of coming, or hears in time that there was none. */
import type { Timers } from "../world.ts";

export interface Line {
  /** Those who wait and the one whose turn it is. */
  readonly length: number;
  /** Resolves with what ends the turn; with undefined when none came within `withinMs`, and none will. */
  turn(withinMs: number): Promise<(() => void) | undefined>;
}

export function createLine(timers: Timers): Line {
  const waiting: (() => void)[] = [];
  let isBusy = false;

  const leave = (): void => {
    const next = waiting.shift();
    if (next) next();
    else isBusy = false;
  };
  return {
    get length() {
      return waiting.length + (isBusy ? 1 : 0);
    },
    turn: (withinMs) => {
      if (!isBusy) {
        isBusy = true;
        return Promise.resolve(leave);
      }
      return new Promise((resolve) => {
        const begin = (): void => {
          cancel();
          resolve(leave);
        };
        const cancel = timers.after(withinMs, () => {
          waiting.splice(waiting.indexOf(begin), 1);
          resolve(undefined);
        });
        waiting.push(begin);
      });
    },
  };
}

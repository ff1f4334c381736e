/** The readings of the last so many milliseconds, oldest first: (newest − over, newest], bounded in number. */
import { FILTER_VALUES_MAX } from "../limits.ts";

export interface TimeWindow {
  /** `weightMs`: how long the reading stands for. Times only rise. */
  add(bootMs: number, value: number, weightMs: number): void;
  clear(): void;
  readonly size: number;
  oldest(): { readonly bootMs: number; readonly value: number } | undefined;
  /** Σ value · weight / Σ weight; undefined while it is empty. */
  mean(): number | undefined;
}

/**
 * `onGone` hears of each value that left. More than FILTER_VALUES_MAX are not kept, whatever the cadence: then the
 * oldest goes before its time and the window is shorter.
 */
export function createTimeWindow(overMs: number, onGone: (value: number) => void = () => {}): TimeWindow {
  let times: number[] = [];
  let values: number[] = [];
  let weights: number[] = [];
  /** Where the oldest stands; what is before it is cut off now and then, in one go. */
  let head = 0;

  const drop = (): void => {
    const gone = values[head++];
    if (gone !== undefined) onGone(gone);
    if (head < 64 || head * 2 < times.length) return;
    [times, values, weights] = [times.slice(head), values.slice(head), weights.slice(head)];
    head = 0;
  };

  return {
    add: (bootMs, value, weightMs) => {
      while (head < times.length && (times[head] ?? 0) <= bootMs - overMs) drop();
      if (times.length - head >= FILTER_VALUES_MAX) drop();
      times.push(bootMs);
      values.push(value);
      weights.push(weightMs);
    },
    clear: () => {
      while (head < times.length) drop();
    },
    get size() {
      return times.length - head;
    },
    oldest: () => {
      const [bootMs, value] = [times[head], values[head]];
      return bootMs === undefined || value === undefined ? undefined : { bootMs, value };
    },
    mean: () => {
      let sum = 0;
      let weight = 0;
      for (let at = head; at < values.length; at++) {
        sum += (values[at] ?? 0) * (weights[at] ?? 0);
        weight += weights[at] ?? 0;
      }
      // Two readings of one instant stand for no time: the newest counts.
      return weight > 0 ? sum / weight : values.at(-1);
    },
  };
}

/**
 * How long each reading of a channel stands for: the time since the reading before it, whatever that one brought, so
 * that a mean doesn't lean towards the time in which the device was asked more often. The first stands for `firstMs`.
 */
export function createReadingTime(firstMs: number, mostMs: number): (bootMs: number) => number {
  let lastMs: number | undefined;
  return (bootMs) => {
    const standsForMs = lastMs === undefined ? firstMs : bootMs - lastMs;
    lastMs = bootMs;
    return Math.min(mostMs, Math.max(0, standsForMs));
  };
}

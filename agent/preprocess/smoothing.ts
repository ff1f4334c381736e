/**
 * Steps that make measured values steadier. A missing reading passes as its reason at once: it does not count in the
 * window, and the readings before it don't stand in for it.
 */
import { type ChannelValue, isLeftOut, isMissing, missing } from "../reading.ts";
import { createReadingTime, createTimeWindow } from "./time-window.ts";

/** Takes a channel's readings in the order of their times; gives what goes on to the next step. */
export type Step = (value: ChannelValue, bootMs: number) => ChannelValue;

/** The middle value by number; of an even number the mean of the middle two. */
export function createMedian(overMs: number): Step {
  const sorted: number[] = [];
  const window = createTimeWindow(overMs, (gone) => sorted.splice(placeIn(sorted, gone), 1));
  return (value, bootMs) => {
    if (isMissing(value)) return value;
    window.add(bootMs, value, 0);
    sorted.splice(placeIn(sorted, value), 0, value);
    const [low, high] = [sorted[(sorted.length - 1) >> 1] ?? value, sorted[sorted.length >> 1] ?? value];
    return low === high ? low : low + (high - low) / 2;
  };
}

/** The first place whose value is not less. */
function placeIn(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Each value counts as much as the time it stands for. `firstMs`: how long the very first stands for. */
export function createAverage(overMs: number, firstMs: number): Step {
  const window = createTimeWindow(overMs);
  const readingTime = createReadingTime(firstMs, overMs);
  return (value, bootMs) => {
    if (isLeftOut(value)) return value;
    const standsForMs = readingTime(bootMs);
    if (isMissing(value)) return value;
    window.add(bootMs, value, standsForMs);
    return window.mean() ?? value;
  };
}

/** y += (1 − e^(−Δt/τ)) · (x − y): after τ, 63 % of a step has come through, however often it is read. */
export function createExponentialAverage(timeConstantMs: number): Step {
  let before: { readonly value: number; readonly bootMs: number } | undefined;
  return (value, bootMs) => {
    if (isMissing(value)) return value;
    const share = before ? 1 - Math.exp(-(bootMs - before.bootMs) / timeConstantMs) : 1;
    const smoothed = before ? before.value + share * (value - before.value) : value;
    before = { value: smoothed, bootMs };
    return smoothed;
  };
}

export const createClamp =
  (low: number, high: number): Step =>
  (value) =>
    isMissing(value) ? value : Math.min(high, Math.max(low, value));

/** 3 · 0.1 is 0.30000000000000004: fifteen digits are what is meant. */
export const createRound =
  (step: number): Step =>
  (value) =>
    isMissing(value) ? value : Number((Math.round(value / step) * step).toPrecision(15));

/** A value far from the last good one is implausible, until that one is too old to judge by. */
export function createSkipJumps({ by, withinMs }: { readonly by: number; readonly withinMs: number }): Step {
  let good: { readonly value: number; readonly bootMs: number } | undefined;
  return (value, bootMs) => {
    if (isMissing(value)) return value;
    if (good && bootMs - good.bootMs < withinMs && Math.abs(value - good.value) > by) return missing("implausible");
    good = { value, bootMs };
    return value;
  };
}

/** Steps that decide whether a reading counts, whatever its value: for states as for measured values. */
import { type ChannelValue, isLeftOut, isMissing, missing } from "../reading.ts";
import type { Step } from "./smoothing.ts";

/**
 * The first value of each slot on the grid of monotonic time, and the first reason why there is none, so that a failure
 * is told at once; the rest is left out.
 */
export function createThrottle(everyMs: number): Step {
  let valueSlot: number | undefined;
  let reasonSlot: number | undefined;
  return (value, bootMs) => {
    if (isLeftOut(value)) return value;
    const slot = Math.floor(bootMs / everyMs);
    if (slot === (isMissing(value) ? reasonSlot : valueSlot)) return missing("left-out");
    if (isMissing(value)) reasonSlot = slot;
    else valueSlot = slot;
    return value;
  };
}

/** Why there is no value is told only after so long without one; "stale" when nothing says why. */
export function createTimeout(afterMs: number): Step {
  let lastMs: number | undefined;
  return (value, bootMs) => {
    lastMs = isMissing(value) ? (lastMs ?? bootMs) : bootMs;
    if (!isMissing(value)) return value;
    if (bootMs - lastMs < afterMs) return missing("left-out");
    return isLeftOut(value) ? missing("stale") : value;
  };
}

/**
 * A new state counts when it was seen for so long without another in between; until then the one before it stands. The
 * first counts at once, at the start and after so long without any: there is nothing that it could be mistaken for.
 * A missing reading passes as its reason, and is neither for nor against a state.
 */
export function createDebounce(forMs: number): Step {
  let settled: number | undefined;
  let candidate: { readonly value: number; readonly sinceMs: number } | undefined;
  let seenMs = Number.NEGATIVE_INFINITY;

  const settle = (value: number): ChannelValue => {
    settled = value;
    candidate = undefined;
    return value;
  };

  return (value, bootMs) => {
    if (isMissing(value)) {
      if (!isLeftOut(value) && bootMs - seenMs > forMs) settled = candidate = undefined;
      return value;
    }
    seenMs = bootMs;
    if (settled === undefined || value === settled) return settle(value);
    if (candidate?.value !== value) candidate = { value, sinceMs: bootMs };
    return bootMs - candidate.sinceMs >= forMs ? settle(value) : settled;
  };
}

/** Whether the times of a filter's steps can work with how often there is a reading: one rule for files and the cloud. */
import type { FilterStep } from "./preprocessing.ts";

/** What an hour of one reading a second makes, and some: the agent keeps no more of one window (its `limits.ts`). */
export const FILTER_WINDOW_READINGS_MAX = 4_000;

export type TimeProblem =
  | { readonly kind: "too-full"; readonly count: number }
  | { readonly kind: "too-short"; readonly timeMs: number; readonly intervalMs: number };

/** `intervalMs`: between two readings that come to the step. */
export function timeProblem(step: FilterStep, intervalMs: number): TimeProblem | undefined {
  const timeMs = timeOf(step);
  if (timeMs === undefined) return undefined;
  const isWindow = step.do === "median" || step.do === "average";
  if (isWindow && timeMs / intervalMs > FILTER_WINDOW_READINGS_MAX)
    return { kind: "too-full", count: Math.ceil(timeMs / intervalMs) };
  if (timeMs < intervalMs || (isWindow && timeMs === intervalMs)) return { kind: "too-short", timeMs, intervalMs };
  return undefined;
}

/** What comes after a throttle sees readings this rarely. */
export const intervalAfter = (step: FilterStep, intervalMs: number): number =>
  step.do === "throttle" ? Math.max(intervalMs, step.everyMs) : intervalMs;

function timeOf(step: FilterStep): number | undefined {
  switch (step.do) {
    case "median":
    case "average":
      return step.overMs;
    case "throttle":
      return step.everyMs;
    case "timeout":
      return step.afterMs;
    case "debounce":
      return step.forMs;
    case "skip-jumps":
      return step.withinMs;
    default:
      return undefined;
  }
}

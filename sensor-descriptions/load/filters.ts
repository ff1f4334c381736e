/** `filter:`: the steps of a channel, in the channel's unit, and whether they make sense for it. */
import type * as z from "zod";
import { say } from "../messages.ts";
import type { Channel } from "../model.ts";
import type { FilterStep } from "../preprocessing.ts";
import { readDuration, readIn, spokenDuration } from "../quantities.ts";
import type { filterSteps } from "../schema/preprocess.ts";
import { likelyUnits } from "../units.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

export type StepsShape = z.output<typeof filterSteps>;
type StepShape = StepsShape[number];

/** What an hour of one reading a second makes, and some: the agent keeps no more of one window (its `limits.ts`). */
export const FILTER_WINDOW_READINGS_MAX = 4_000;

const FOR_STATES: readonly (keyof StepShape)[] = ["debounce", "throttle", "timeout"];
const FOR_COUNTERS: readonly (keyof StepShape)[] = ["throttle", "timeout"];
const MIXING: readonly (keyof StepShape)[] = ["median", "average", "exponential-average"];

/** `fastestMs`: the shortest time between two readings; undefined where only the station file will say it. */
export function filterOf(
  judge: Judge,
  at: Path,
  shape: StepsShape,
  channel: Channel,
  fastestMs: number | undefined,
): FilterStep[] {
  let intervalMs = fastestMs;
  return shape.flatMap((one, index) => {
    const place = [...at, index];
    const keys = Object.keys(one) as (keyof StepShape)[];
    const [key] = keys;
    if (key === undefined || keys.length > 1) {
      judge.report(place, say.severalSteps(keys));
      return [];
    }
    if (!isForKind(judge, [...place, key], key, channel)) return [];
    const step = stepOf(judge, [...place, key], one, channel);
    if (!step) return [];
    checkTimes(judge, [...place, key], key, step, intervalMs);
    // What comes after a throttle sees readings this rarely.
    if (step.do === "throttle") intervalMs = intervalMs && Math.max(intervalMs, step.everyMs);
    return [step];
  });
}

function isForKind(judge: Judge, at: Path, key: keyof StepShape, { name, kind, unit }: Channel): boolean {
  if (kind === "state" && !FOR_STATES.includes(key)) judge.report(at, say.stepOfState(key, name), "key");
  else if (kind === "counter" && !FOR_COUNTERS.includes(key)) judge.report(at, say.stepOfCounter(key, name), "key");
  else if (kind === "gauge" && key === "debounce") judge.report(at, say.debounceOfNumber(name), "key");
  else {
    if (unit === "deg" && MIXING.includes(key)) judge.report(at, say.degreesMixed(name), "key");
    return true;
  }
  return false;
}

function stepOf(judge: Judge, at: Path, one: StepShape, channel: Channel): FilterStep | undefined {
  if (one.median !== undefined) return { do: "median", overMs: one.median };
  if (one.average !== undefined) return { do: "average", overMs: one.average };
  if (one.throttle !== undefined) return { do: "throttle", everyMs: one.throttle };
  if (one.timeout !== undefined) return { do: "timeout", afterMs: one.timeout };
  if (one.debounce !== undefined) return { do: "debounce", forMs: one.debounce };
  const timeConstantMs = one["exponential-average"];
  if (timeConstantMs !== undefined) return { do: "exponential-average", timeConstantMs };
  if (one.round) {
    const step = judge.quantity(at, one.round, channel.unit, "difference");
    if (step !== undefined && !(step > 0)) judge.report(at, say.outOfRange(one.round.text, "more than 0", "any"));
    return step !== undefined && step > 0 ? { do: "round", step } : undefined;
  }
  if (one["skip-jumps"] !== undefined) return jumpOf(judge, at, one["skip-jumps"], channel);
  return one.clamp && clampOf(judge, at, one.clamp, channel);
}

function clampOf(
  judge: Judge,
  at: Path,
  range: NonNullable<StepShape["clamp"]>,
  { unit }: Channel,
): FilterStep | undefined {
  // In a device file the unit stands beside it; in a station file nothing tells mbar from kPa.
  if (range.unit === "" && unit !== "") {
    const readings = likelyUnits(unit).map((likely) => `${range.text} ${likely}`);
    return void judge.report(at, say.bareNumber(range.text, readings));
  }
  const ends = judge.range(at, range, unit);
  return ends && { do: "clamp", ...ends };
}

/** "5 °C within 10s" */
function jumpOf(judge: Judge, at: Path, text: string, { unit }: Channel): FilterStep | undefined {
  const [, amount, time] = /^(.+?)\s+within\s+(.+)$/.exec(text) ?? [];
  if (amount === undefined || time === undefined) return void judge.report(at, say.noJump(text));
  const by = judge.take(at, readIn(amount, unit, "difference"));
  const withinMs = judge.take(at, readDuration(time));
  return by === undefined || withinMs === undefined ? undefined : { do: "skip-jumps", by, withinMs };
}

function checkTimes(
  judge: Judge,
  at: Path,
  key: keyof StepShape,
  step: FilterStep,
  intervalMs: number | undefined,
): void {
  if (intervalMs === undefined) return;
  const timeMs = timeOf(step);
  if (timeMs === undefined) return;
  const isWindow = step.do === "median" || step.do === "average";
  if (isWindow && timeMs / intervalMs > FILTER_WINDOW_READINGS_MAX) {
    const count = Math.ceil(timeMs / intervalMs);
    judge.report(at, say.windowTooFull(key, count, FILTER_WINDOW_READINGS_MAX));
  } else if (timeMs < intervalMs || (isWindow && timeMs === intervalMs)) {
    judge.report(at, say.windowTooShort(key, spokenDuration(timeMs), spokenDuration(intervalMs)));
  }
}

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

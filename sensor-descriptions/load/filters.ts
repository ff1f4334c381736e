/** `filter:`: the steps of a channel, in the channel's unit, and whether they make sense for it. */
import type * as z from "zod";
import { say } from "../messages.ts";
import type { Channel } from "../model.ts";
import type { FilterStep } from "../preprocessing.ts";
import { readDuration, readIn, spokenDuration } from "../quantities.ts";
import type { filterSteps } from "../schema/preprocess.ts";
import { FILTER_WINDOW_READINGS_MAX, intervalAfter, timeProblem } from "../step-times.ts";
import { likelyUnits } from "../units.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

export type StepsShape = z.output<typeof filterSteps>;
type StepShape = StepsShape[number];

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
    intervalMs = intervalMs && intervalAfter(step, intervalMs);
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
  const problem = intervalMs === undefined ? undefined : timeProblem(step, intervalMs);
  if (problem?.kind === "too-full") judge.report(at, say.windowTooFull(key, problem.count, FILTER_WINDOW_READINGS_MAX));
  if (problem?.kind === "too-short")
    judge.report(at, say.windowTooShort(key, spokenDuration(problem.timeMs), spokenDuration(problem.intervalMs)));
}

/**
 * Values that are fine one by one and can't run side by side: a clamp whose ends cross, an alarm that would end where it
 * begins, a window that no reading fits or too many do. Judged as the device would run, the file's values included; what
 * the cloud wants of it is refused, never what the file says. Pure.
 */
import { limitedBy, restsBetween } from "@pump-station/sensor-descriptions/alarm-limits.ts";
import type { Alarm, Device } from "@pump-station/sensor-descriptions/model.ts";
import type { FilterStep } from "@pump-station/sensor-descriptions/preprocessing.ts";
import { STEP_NUMBERS, stepsWith } from "@pump-station/sensor-descriptions/step-numbers.ts";
import {
  FILTER_WINDOW_READINGS_MAX,
  intervalAfter,
  timeProblem,
} from "@pump-station/sensor-descriptions/step-times.ts";
import type { AlarmTuning, DeviceTuning } from "../tuning.ts";
import type { DeclaredSetting } from "./setting-rows.ts";

export interface WantedSetting {
  readonly declared: DeclaredSetting;
  readonly value: number;
}

/** Reasons by key. */
export function problemsSideBySide(device: Device, wanted: readonly WantedSetting[]): ReadonlyMap<string, string> {
  const tuning = wanted.reduce<DeviceTuning>((all, { declared, value }) => declared.into(all, value), {});
  const problems = new Map<string, string>();
  const refuseGroup = (group: string, reason: string): void => {
    for (const { declared } of wanted) if (declared.group === group) problems.set(declared.key, reason);
  };
  const fastestMs = Math.min(
    tuning.everyMs ?? device.everyMs,
    device.faster ? (tuning.fasterMs ?? device.faster.everyMs) : Infinity,
  );
  for (const [channel, numbers] of tuning.steps ?? []) {
    const steps = stepsWith(device.filters?.get(channel) ?? [], numbers);
    const clamp = steps.find((step) => step.do === "clamp");
    if (clamp?.do === "clamp" && clamp.low >= clamp.high)
      refuseGroup(`clamp ${channel}`, `clamp-low ${clamp.low} has to be below clamp-high ${clamp.high}`);
    for (const name of numbers.keys()) {
      const problem = problemOfTime(steps, name, fastestMs);
      if (problem !== undefined) problems.set(`${name}-${channel}`, problem);
    }
  }
  for (const alarm of device.alarms) {
    const problem = problemOfLimits(alarm, tuning.alarms?.get(alarm.name));
    if (problem !== undefined) refuseGroup(`alarm ${alarm.name}`, problem);
  }
  return problems;
}

function problemOfTime(steps: readonly FilterStep[], name: string, fastestMs: number): string | undefined {
  const row = STEP_NUMBERS.find((one) => one.name === name);
  const at = row?.is === "time" ? steps.findIndex((step) => row.of(step) !== undefined) : -1;
  const step = steps[at];
  if (!step) return undefined;
  const intervalMs = steps.slice(0, at).reduce((ms, before) => intervalAfter(before, ms), fastestMs);
  const problem = timeProblem(step, intervalMs);
  if (problem?.kind === "too-full")
    return `would keep ${problem.count} readings; at most ${FILTER_WINDOW_READINGS_MAX}`;
  return problem && `there is a reading only every ${intervalMs / 1000} s: this can't work`;
}

function problemOfLimits({ when, until }: Alarm, tuned: AlarmTuning | undefined): string | undefined {
  if (!until || (!tuned?.when && !tuned?.until) || !restsBetween(when, until)) return undefined;
  const [begins, ends] = [limitedBy(when, tuned.when), limitedBy(until, tuned.until)];
  return restsBetween(begins, ends) ? undefined : `"${ends.text}" would end it where "${begins.text}" begins it`;
}

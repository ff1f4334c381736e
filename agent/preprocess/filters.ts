/**
 * The steps of each channel's `filter:`, in the order of the description, and then the rates of change, which are
 * channels of their own. A filter never gives an old value a new time, and never a value where there was none.
 */
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import type { FilterStep } from "@pump-station/sensor-descriptions/preprocessing.ts";
import { type ChannelValue, isUnchanged, missing, type Sample } from "../reading.ts";
import { createDebounce, createThrottle, createTimeout } from "./gates.ts";
import { createRate } from "./rate.ts";
import {
  createAverage,
  createClamp,
  createExponentialAverage,
  createMedian,
  createRound,
  createSkipJumps,
  type Step,
} from "./smoothing.ts";

export interface Filters {
  /** A sample of `channels`, corrected; out comes one of `channelsBeforeWindows`, with the same time. */
  take(sample: Sample): Sample;
  /** Of the newest sample: each channel's values behind the steps of its filter. */
  newest(): readonly (readonly ChannelValue[])[];
}

export function createFilters(device: Device): Filters {
  const { channels, filters, rates = [], aggregate } = device;
  if (!aggregate && (filters?.size ?? 0) === 0 && rates.length === 0)
    return { take: (sample) => sample, newest: () => [] };
  const steps = channels.map(({ name }) => (filters?.get(name) ?? []).map((step) => createStep(step, device.everyMs)));
  const derived = rates.map((rate) => {
    const at = channels.findIndex(({ name }) => name === rate.of);
    return { at, step: createRate(rate, channels[at]?.kind === "counter") };
  });
  const newest: ChannelValue[][] = steps.map(() => []);
  return {
    newest: () => newest,
    take: (sample) => {
      const { bootMs } = sample;
      const values = channels.map((_, at) => {
        const read: ChannelValue = sample.values[at] ?? missing("malformed");
        const own = steps[at] ?? [];
        const behind = newest[at] ?? [];
        let value = own.length > 0 || aggregate ? noNews(read) : read;
        for (const [i, step] of own.entries()) behind[i] = value = step(value, bootMs);
        return value;
      });
      const more = derived.map(({ at, step }) => step(noNews(values[at] ?? missing("malformed")), bootMs));
      return { ...sample, values: [...values, ...more] };
    },
  };
}

/** "Unchanged" is said of what the device sends, which is not what a filter or a window made of it. */
const noNews = (value: ChannelValue): ChannelValue => (isUnchanged(value) ? missing("left-out") : value);

function createStep(step: FilterStep, everyMs: number): Step {
  switch (step.do) {
    case "median":
      return createMedian(step.overMs);
    case "average":
      return createAverage(step.overMs, everyMs);
    case "exponential-average":
      return createExponentialAverage(step.timeConstantMs);
    case "clamp":
      return createClamp(step.low, step.high);
    case "round":
      return createRound(step.step);
    case "skip-jumps":
      return createSkipJumps(step);
    case "throttle":
      return createThrottle(step.everyMs);
    case "timeout":
      return createTimeout(step.afterMs);
    case "debounce":
      return createDebounce(step.forMs);
  }
}

/**
 * One sample per window of time instead of all of them. Windows lie on the grid of monotonic time; a window's sample
 * carries the time of the last sample in it, and is complete when the first sample of the next window comes.
 */
import type { Aggregation, Channel, Device } from "@pump-station/sensor-descriptions/model.ts";
import { type ChannelValue, isMissing, missing, type Sample } from "../reading.ts";

export interface Aggregator {
  take(sample: Sample): Sample[];
  flush(): Sample[];
}

/** Without `aggregate` in the description every sample passes. */
export function createAggregator(device: Device): Aggregator {
  const { aggregate, channels } = device;
  if (!aggregate) return { take: (sample) => [sample], flush: () => [] };
  const by = channels.map((channel) => aggregate.by.get(channel.name) ?? usualAggregation(channel));
  let window: Sample[] = [];

  const flush = (): Sample[] => {
    const [first] = window;
    const last = window.at(-1);
    if (!first || !last) return [];
    const values = channels.map((_, at) => aggregated(by[at] ?? "last", window, at));
    window = [];
    return [{ ...last, values }];
  };

  return {
    flush,
    take: (sample) => {
      const first = window[0];
      const isSameWindow =
        first !== undefined &&
        Math.floor(first.bootMs / aggregate.everyMs) === Math.floor(sample.bootMs / aggregate.everyMs) &&
        !hasStateChange(channels, window, sample);
      const ended = isSameWindow ? [] : flush();
      window.push(sample);
      return ended;
    },
  };
}

const usualAggregation = ({ kind }: Channel): Aggregation => (kind === "gauge" ? "mean" : "last");

/** A state that lasted a moment must not vanish in a window: its change ends the window. */
function hasStateChange(channels: readonly Channel[], window: readonly Sample[], sample: Sample): boolean {
  return channels.some(({ kind }, at) => {
    const now = sample.values[at];
    if (kind !== "state" || now === undefined || isMissing(now)) return false;
    const before = window.findLast(({ values }) => typeof values[at] === "number")?.values[at];
    return before !== undefined && before !== now;
  });
}

/** Over the values that there are; without any, the newest reason. */
function aggregated(by: Aggregation, window: readonly Sample[], at: number): ChannelValue {
  const values = window.flatMap(({ values }) => {
    const value = values[at];
    return typeof value === "number" ? [value] : [];
  });
  const last = values.at(-1);
  if (last === undefined) return window.at(-1)?.values[at] ?? missing("malformed");
  const sum = values.reduce((total, value) => total + value, 0);
  switch (by) {
    case "mean":
      return sum / values.length;
    case "min":
      return values.reduce((least, value) => Math.min(least, value));
    case "max":
      return values.reduce((most, value) => Math.max(most, value));
    case "sum":
      return sum;
    case "last":
      return last;
  }
}

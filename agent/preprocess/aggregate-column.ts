/** One kept channel in the windows of aggregation: takes the readings of a window, gives its one value. */
import type { Channel } from "@pump-station/sensor-descriptions/model.ts";
import type { Aggregate } from "@pump-station/sensor-descriptions/preprocessing.ts";
import { type ChannelValue, isLeftOut, isMissing, type Missing, missing } from "../reading.ts";
import { createVectorMean } from "../vector-mean.ts";

export interface Column {
  /** All channels' values of one sample, and how long each stands for (ms). */
  take(values: readonly ChannelValue[], standForMs: readonly number[]): void;
  /** Over the values that there are, which must stand for `leastMs`; without any, the newest reason. */
  end(leastMs: number): ChannelValue;
}

export function createColumn(how: Aggregate, channels: readonly Channel[]): Column {
  const at = channels.findIndex(({ name }) => name === how.of);
  const weightAt = channels.findIndex(({ name }) => name === how.weight);
  const channel = channels[at];
  const start = () => createTally(how, channel);
  let tally = start();
  let coveredMs = 0;
  let hasValue = false;
  let reason: Missing | undefined;

  return {
    take: (values, standForMs) => {
      const value = values[at] ?? missing("malformed");
      const weight = weightAt < 0 ? 1 : (values[weightAt] ?? missing("malformed"));
      if (isMissing(value)) {
        // "Left out" is told only when nothing says more.
        if (!isLeftOut(value) || reason === undefined) reason = value;
      } else if (isMissing(weight)) reason = weight;
      else {
        hasValue = true;
        coveredMs += standForMs[at] ?? 0;
        tally.add(value, standForMs[at] ?? 0, weight);
      }
    },
    end: (leastMs) => {
      const isEnough = how.by === "last" || coveredMs >= leastMs;
      const result = !hasValue ? (reason ?? missing("malformed")) : isEnough ? tally.result() : missing("too-few");
      [tally, coveredMs, hasValue, reason] = [start(), 0, false, undefined];
      return result;
    },
  };
}

interface Tally {
  add(value: number, standsForMs: number, weight: number): void;
  result(): ChannelValue;
}

function createTally({ by }: Aggregate, channel: Channel | undefined): Tally {
  if (by === "mean") return createMean();
  if (by !== "vector mean") return createFold(FOLDS[by]);
  const vector = createVectorMean(channel?.resolution ?? 1, (channel?.range?.low ?? 0) < 0);
  return {
    add: (value, standsForMs, weight) => vector.add(value, standsForMs * Math.max(0, weight)),
    result: () => vector.result(),
  };
}

/** Each value counts as much as the time it stands for. */
function createMean(): Tally {
  let [sum, total, last] = [0, 0, 0];
  return {
    add: (value, standsForMs) => {
      sum += value * standsForMs;
      total += standsForMs;
      last = value;
    },
    result: () => (total > 0 ? sum / total : last),
  };
}

function createFold(fold: (before: number, value: number) => number): Tally {
  let folded: number | undefined;
  return {
    add: (value) => {
      folded = folded === undefined ? value : fold(folded, value);
    },
    result: () => folded ?? missing("malformed"),
  };
}

const FOLDS = {
  min: (before: number, value: number) => Math.min(before, value),
  max: (before: number, value: number) => Math.max(before, value),
  sum: (before: number, value: number) => before + value,
  last: (_: number, value: number) => value,
};

/** Many samples of one stream become one. Pure. */
import { type ChannelValue, isLeftOut, isMissing, isUnchanged, missing } from "../reading.ts";
import { createVectorMean } from "../vector-mean.ts";
import type { Fold } from "../wire/averaged.ts";
import type { SchemaChannel } from "../wire/schema.ts";

/** One sample of the window, in the order of time. */
export interface Part {
  readonly values: readonly ChannelValue[];
  /** How many samples it stands for itself. */
  readonly samples: number;
}

/**
 * "Unchanged" is said of a value that is about to vanish among others: what it says is put in its place. `before`: each
 * channel's last number, as far as it is known; the same of the parts comes back as `held`.
 */
export function withoutUnchanged(
  parts: readonly Part[],
  before: readonly ChannelValue[] | undefined,
): { readonly parts: readonly Part[]; readonly held: readonly ChannelValue[] } {
  let held = before ?? [];
  const said = parts.map(({ values, samples }) => {
    const own = values.map((value, at) => (isUnchanged(value) ? (held[at] ?? value) : value));
    held = own.map((value, at) => (isMissing(value) ? (held[at] ?? UNCHANGED) : value));
    return { values: own, samples };
  });
  return { parts: said, held };
}
const UNCHANGED = missing("unchanged");

/** One value a channel: over the values that there are, by the channel's fold; without any, the newest reason. */
export function foldParts(
  parts: readonly Part[],
  channels: readonly SchemaChannel[],
  folds: readonly Fold[],
): ChannelValue[] {
  return channels.map((channel, at) => {
    const fold = folds[at] ?? { by: "last" };
    const weightAt = channels.findIndex(({ name }) => name === fold.weight);
    const weighed = parts.flatMap(({ values, samples }): Weighed[] => {
      const value = values[at];
      const weight = weightAt < 0 ? 1 : values[weightAt];
      if (value === undefined || isMissing(value) || weight === undefined || isMissing(weight)) return [];
      return [{ value, weight: samples * Math.max(0, weight) }];
    });
    return weighed.length > 0 ? folded(fold, weighed, channel) : newestReason(parts, at);
  });
}

interface Weighed {
  readonly value: number;
  readonly weight: number;
}

function folded({ by }: Fold, weighed: readonly Weighed[], { resolution }: SchemaChannel): ChannelValue {
  const values = weighed.map(({ value }) => value);
  if (by === "min") return Math.min(...values);
  if (by === "max") return Math.max(...values);
  if (by === "sum") return values.reduce((sum, value) => sum + value, 0);
  if (by === "mean") return meanOf(weighed);
  if (by === "last") return values.at(-1) ?? missing("malformed");
  const vector = createVectorMean(resolution, Math.min(...values) < 0);
  for (const { value, weight } of weighed) vector.add(value, weight);
  return vector.result();
}

/** Never outside of what it is the mean of, whatever the rounding. */
function meanOf(weighed: readonly Weighed[]): number {
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0);
  const mean = weighed.reduce((sum, { value, weight }) => sum + value * (weight / total), 0);
  const values = weighed.map(({ value }) => value);
  return Math.max(Math.min(...values), Math.min(Math.max(...values), mean));
}

/** "Left out" is told only when nothing says more. */
function newestReason(parts: readonly Part[], at: number): ChannelValue {
  const reasons = parts.flatMap(({ values }) => {
    const value = values[at];
    return value !== undefined && isMissing(value) ? [value] : [];
  });
  return reasons.findLast((reason) => !isLeftOut(reason)) ?? reasons.at(-1) ?? missing("malformed");
}

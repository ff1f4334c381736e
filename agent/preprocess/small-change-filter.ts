/**
 * Keeps what has changed. A reading that differs less from the last one kept than the channel's small change becomes
 * "unchanged"; a sample in which nothing has changed is not kept at all. Compared is with the last reading kept, not
 * with the last one seen, so that a slow drift passes in steps. States and channels without a small change are
 * unchanged only when equal, which loses nothing. What a filter left out stays left out: it is neither changed nor not.
 */
import type { Channel, Device } from "@pump-station/sensor-descriptions/model.ts";
import type { FilterStep } from "@pump-station/sensor-descriptions/preprocessing.ts";
import { type ChannelValue, isLeftOut, isMissing, isUnchanged, missing, type Sample } from "../reading.ts";

export interface SmallChangeFilter {
  /** undefined: nothing in it is worth keeping. */
  take(sample: Sample): Sample | undefined;
  /** Why the newest sample was or wasn't kept; undefined without any `small-change`. */
  newest(): SmallChangeDecision | undefined;
}

export interface SmallChangeDecision {
  readonly bootMs: number;
  readonly kept: "heartbeat" | "changed" | "no";
  readonly channels: readonly {
    readonly now: ChannelValue;
    /** The last one kept, and its time. */
    readonly before: ChannelValue | undefined;
    readonly beforeMs: number | undefined;
    readonly limit: number;
    readonly isChanged: boolean;
  }[];
}

/** `channels`: the columns of the samples. Without any `small-change` in the description every sample passes as it is. */
export function createSmallChangeFilter(device: Device, channels: readonly Channel[]): SmallChangeFilter {
  if (device.smallChange.size === 0) return { take: (sample) => sample, newest: () => undefined };
  const limits = channels.map(({ name, kind }) => (kind === "state" ? 0 : (device.smallChange.get(name) ?? 0)));
  const isThinned = channels.map(({ name }) => (device.filters?.get(name) ?? []).some(leavesOut));
  const kept: (ChannelValue | undefined)[] = channels.map(() => undefined);
  const keptMs: (number | undefined)[] = channels.map(() => undefined);
  let wholeMs = Number.NEGATIVE_INFINITY;
  let judged: Judged | undefined;

  const keep = (at: number, value: ChannelValue, bootMs: number): void => {
    kept[at] = value;
    keptMs[at] = bootMs;
  };

  const keepWhole = (sample: Sample): Sample => {
    wholeMs = sample.bootMs;
    for (const [at, value] of sample.values.entries()) if (!isLeftOut(value)) keep(at, value, sample.bootMs);
    return sample;
  };
  /** A report that came between two polls says nothing of the other channels: such a sample is no whole one. */
  const isSaid = (value: ChannelValue, at: number): boolean =>
    !isUnchanged(value) && (!isLeftOut(value) || (isThinned[at] ?? false));
  const isWhole = ({ values }: Sample): boolean => values.every(isSaid);

  return {
    newest: () => judged && decisionOf(judged, limits),
    take: (sample) => {
      judged = { sample, before: kept.slice(), beforeMs: keptMs.slice(), wasDue: false };
      if (isWhole(sample) && sample.bootMs - wholeMs >= device.heartbeatMs) {
        judged.wasDue = true;
        return keepWhole(sample);
      }
      const changed = sample.values.map((value, at) => hasChanged(kept[at], value, limits[at] ?? 0));
      if (!changed.includes(true)) return undefined;
      if (!changed.includes(false)) return keepWhole(sample);
      const values = sample.values.map((value, at) => {
        // A reason stays said: "unchanged" after "timeout" would read as if a value had come.
        if (changed[at] || (isMissing(value) && !isUnchanged(value))) {
          if (!isLeftOut(value)) keep(at, value, sample.bootMs);
          return value;
        }
        return missing("unchanged");
      });
      return { ...sample, values };
    },
  };
}

/** What a decision was made of; put into words only when somebody asks. */
interface Judged {
  readonly sample: Sample;
  readonly before: readonly (ChannelValue | undefined)[];
  readonly beforeMs: readonly (number | undefined)[];
  wasDue: boolean;
}

function decisionOf({ sample, before, beforeMs, wasDue }: Judged, limits: readonly number[]): SmallChangeDecision {
  const channels = sample.values.map((now, at) => {
    const limit = limits[at] ?? 0;
    return { now, before: before[at], beforeMs: beforeMs[at], limit, isChanged: hasChanged(before[at], now, limit) };
  });
  const isKept = channels.some(({ isChanged }) => isChanged);
  return { bootMs: sample.bootMs, kept: wasDue ? "heartbeat" : isKept ? "changed" : "no", channels };
}

const leavesOut = (step: FilterStep): boolean => step.do === "throttle" || step.do === "timeout";

function hasChanged(before: ChannelValue | undefined, now: ChannelValue, limit: number): boolean {
  if (isUnchanged(now) || isLeftOut(now)) return false;
  if (before === undefined) return true;
  if (isMissing(before) || isMissing(now))
    return !(isMissing(before) && isMissing(now) && before.missing === now.missing && before.code === now.code);
  return limit > 0 ? Math.abs(now - before) >= limit : now !== before;
}

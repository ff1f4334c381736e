/**
 * Keeps what has changed. A reading that differs less from the last one kept than the channel's small change becomes
 * "unchanged"; a sample in which nothing has changed is not kept at all. Compared is with the last reading kept, not
 * with the last one seen, so that a slow drift passes in steps. States and channels without a small change are
 * unchanged only when equal, which loses nothing.
 */
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { type ChannelValue, isMissing, missing, type Sample } from "../reading.ts";

export interface SmallChangeFilter {
  /** undefined: nothing in it is worth keeping. */
  take(sample: Sample): Sample | undefined;
}

/** Without any `small-change` in the description every sample passes as it is. */
export function createSmallChangeFilter(device: Device): SmallChangeFilter {
  if (device.smallChange.size === 0) return { take: (sample) => sample };
  const limits = device.channels.map(({ name, kind }) => (kind === "state" ? 0 : (device.smallChange.get(name) ?? 0)));
  const kept: (ChannelValue | undefined)[] = device.channels.map(() => undefined);
  let wholeMs = Number.NEGATIVE_INFINITY;

  const keepWhole = (sample: Sample): Sample => {
    wholeMs = sample.bootMs;
    for (const [at, value] of sample.values.entries()) kept[at] = value;
    return sample;
  };
  /** A report that came between two polls says nothing of the other channels: such a sample is no whole one. */
  const isWhole = (sample: Sample): boolean => !sample.values.some(isUnchanged);

  return {
    take: (sample) => {
      if (isWhole(sample) && sample.bootMs - wholeMs >= device.heartbeatMs) return keepWhole(sample);
      const changed = sample.values.map((value, at) => hasChanged(kept[at], value, limits[at] ?? 0));
      if (!changed.includes(true)) return undefined;
      if (!changed.includes(false)) return keepWhole(sample);
      const values = sample.values.map((value, at) => {
        // A reason stays said: "unchanged" after "timeout" would read as if a value had come.
        if (changed[at] || (isMissing(value) && !isUnchanged(value))) {
          kept[at] = value;
          return value;
        }
        return missing("unchanged");
      });
      return { ...sample, values };
    },
  };
}

const isUnchanged = (value: ChannelValue): boolean => isMissing(value) && value.missing === "unchanged";

function hasChanged(before: ChannelValue | undefined, now: ChannelValue, limit: number): boolean {
  if (isUnchanged(now)) return false;
  if (before === undefined) return true;
  if (isMissing(before) || isMissing(now))
    return !(isMissing(before) && isMissing(now) && before.missing === now.missing && before.code === now.code);
  return limit > 0 ? Math.abs(now - before) >= limit : now !== before;
}

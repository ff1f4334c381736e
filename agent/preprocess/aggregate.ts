/**
 * One sample per window of time instead of all of them. Windows lie on the grid of monotonic time; a window's sample
 * carries the time of the last sample in it, and is complete when the first sample of the next window comes. What a
 * window keeps is bounded, however many samples fall into it.
 */
import { aggregatesOf, channelsBeforeWindows } from "@pump-station/sensor-descriptions/kept-channels.ts";
import type { Channel, Device } from "@pump-station/sensor-descriptions/model.ts";
import { isLeftOut, isMissing, type Sample } from "../reading.ts";
import { createColumn } from "./aggregate-column.ts";
import { createReadingTime } from "./time-window.ts";

export interface Aggregator {
  /** A sample of `channelsBeforeWindows`; out come samples of `keptChannels`. */
  take(sample: Sample): Sample[];
  flush(): Sample[];
}

/** Without `aggregate` in the description every sample passes, without what is read for formulas alone. */
export function createAggregator(device: Device): Aggregator {
  const { aggregate } = device;
  if (!aggregate) return { take: keptAlone(device), flush: () => [] };
  const channels = channelsBeforeWindows(device);
  const columns = aggregatesOf(device).map((how) => createColumn(how, channels));
  const times = channels.map(() => createReadingTime(device.everyMs, aggregate.everyMs));
  const states = createStateWatch(channels);
  let window: Window | undefined;
  let beforeMs: number | undefined;

  /** Of a window that began and ended on the grid, time in which nothing was read counts, too. */
  const end = (isEndOnGrid: boolean): Sample[] => {
    if (!window) return [];
    const { last, fromMs, isFromGrid } = window;
    const spanMs = isFromGrid && isEndOnGrid ? aggregate.everyMs : last.bootMs - fromMs;
    const values = columns.map((column) => column.end((aggregate.atLeast ?? 0) * spanMs));
    window = undefined;
    states.forget();
    return [{ ...last, values }];
  };

  return {
    flush: () => end(false),
    take: (sample) => {
      const slot = Math.floor(sample.bootMs / aggregate.everyMs);
      const isNextSlot = window !== undefined && window.slot !== slot;
      const isCut = !isNextSlot && window !== undefined && states.isChangedBy(sample);
      const ended = isNextSlot || isCut ? end(isNextSlot) : [];
      window ??= {
        slot,
        fromMs: beforeMs ?? sample.bootMs - device.everyMs,
        isFromGrid: isNextSlot,
        last: sample,
      };
      window.last = sample;
      beforeMs = sample.bootMs;
      states.take(sample);
      const standsForMs = sample.values.map((value, at) => (isLeftOut(value) ? 0 : (times[at]?.(sample.bootMs) ?? 0)));
      for (const column of columns) column.take(sample.values, standsForMs);
      return ended;
    },
  };
}

function keptAlone(device: Device): Aggregator["take"] {
  const channels = channelsBeforeWindows(device);
  if (!channels.some(({ isInternal }) => isInternal)) return (sample) => [sample];
  return (sample) => [{ ...sample, values: sample.values.filter((_, at) => !channels[at]?.isInternal) }];
}

interface Window {
  readonly slot: number;
  /** What its first sample stands for begins here. */
  readonly fromMs: number;
  readonly isFromGrid: boolean;
  last: Sample;
}

/** A state that lasted a moment must not vanish in a window: its change ends the window. */
function createStateWatch(channels: readonly Channel[]) {
  const places = channels.flatMap(({ kind }, at) => (kind === "state" ? [at] : []));
  const known = new Map<number, number>();
  return {
    isChangedBy: ({ values }: Sample): boolean =>
      places.some((at) => {
        const now = values[at];
        const before = known.get(at);
        return now !== undefined && !isMissing(now) && before !== undefined && before !== now;
      }),
    take: ({ values }: Sample): void => {
      for (const at of places) {
        const value = values[at];
        if (value !== undefined && !isMissing(value)) known.set(at, value);
      }
    },
    forget: (): void => known.clear(),
  };
}

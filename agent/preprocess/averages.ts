/**
 * One sample for each window of time, of the same channels: the mean of its numbers, the newest state and counter. For
 * when a month's bytes won't do; what a description asks for by `aggregate:` is done before and by its own rules.
 * A state that changes ends its window, as there. Windows lie on the grid of monotonic time.
 */
import { type ChannelValue, isMissing, type Sample } from "../reading.ts";

export interface Averages {
  /** What is complete now, oldest first. */
  take(sample: Sample): Sample[];
  flush(): Sample[];
}

/** `kinds`: of the sample's values, in their order. */
export function createAverages(kinds: readonly ("gauge" | "counter" | "state")[], windowMs: number): Averages {
  let window: Window | undefined;

  const end = (): Sample[] => {
    if (!window) return [];
    const { newest, sums } = window;
    window = undefined;
    return [{ ...newest, values: newest.values.map((value, at) => meanOf(sums[at]) ?? value) }];
  };
  const isStateChangedBy = ({ values }: Sample): boolean =>
    kinds.some((kind, at) => kind === "state" && isChange(window?.newest.values[at], values[at]));

  return {
    flush: end,
    take: (sample) => {
      const slot = Math.floor(sample.bootMs / windowMs);
      const ended = window && (window.slot !== slot || isStateChangedBy(sample)) ? end() : [];
      const before = window;
      const values = sample.values.map((value, at) => known(value, before?.newest.values[at]));
      const sums = kinds.map((kind, at) => added(kind, before?.sums[at], sample.values[at]));
      window = { slot, newest: { ...sample, values }, sums };
      return ended;
    },
  };
}

interface Sum {
  readonly total: number;
  readonly count: number;
}

interface Window {
  readonly slot: number;
  /** The newest sample, with values of earlier ones of its window where it has none. */
  readonly newest: Sample;
  /** Of gauges. */
  readonly sums: readonly (Sum | undefined)[];
}

const meanOf = (sum: Sum | undefined): number | undefined => (sum ? sum.total / sum.count : undefined);

const isChange = (before: ChannelValue | undefined, now: ChannelValue | undefined): boolean =>
  before !== undefined && now !== undefined && !isMissing(before) && !isMissing(now) && before !== now;

const known = (value: ChannelValue, before: ChannelValue | undefined): ChannelValue =>
  isMissing(value) && before !== undefined ? before : value;

function added(kind: string, sum: Sum | undefined, value: ChannelValue | undefined): Sum | undefined {
  if (kind !== "gauge" || value === undefined || isMissing(value)) return sum;
  return { total: (sum?.total ?? 0) + value, count: (sum?.count ?? 0) + 1 };
}

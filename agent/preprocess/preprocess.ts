/**
 * What a device's numbers mean and which of them are worth keeping: correct → plausible → filter → rates → aggregate →
 * small-change filter. Pure: the same samples in give the same samples out. Alarms and interlocks branch off after
 * "plausible" (`alarms.ts`): a filter must not delay them.
 */
import { keptChannels } from "@pump-station/sensor-descriptions/kept-channels.ts";
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { isLeftOut, type Sample } from "../reading.ts";
import { createAggregator } from "./aggregate.ts";
import { createFilters } from "./filters.ts";
import { meantSample } from "./meant-sample.ts";
import { createSmallChangeFilter } from "./small-change-filter.ts";
import type { Trace } from "./way.ts";

export interface Preprocess {
  /** A sample as the source gave it; what is to be kept (of `keptChannels`), oldest first. */
  take(sample: Sample): Sample[];
  /** What an unfinished window holds, for the end of the process. */
  flush(): Sample[];
  /** What became of the newest sample; undefined before the first. */
  newest(): Trace | undefined;
  /** The newest one of `keptChannels`, whether or not it was worth keeping; undefined before the first window's end. */
  made(): Sample | undefined;
}

/** The pipeline of one device, in the state of one that has seen nothing. */
export function createPreprocess(device: Device): Preprocess {
  const filters = createFilters(device);
  const aggregator = createAggregator(device);
  const smallChanges = createSmallChangeFilter(device, keptChannels(device));
  let made: Sample | undefined;
  const worthKeeping = (samples: readonly Sample[]): Sample[] => {
    made = samples.at(-1) ?? made;
    return samples.flatMap((sample) => smallChanges.take(sample) ?? []);
  };
  let newest: Pick<Trace, "read" | "meant" | "filtered"> | undefined;
  return {
    made: () => made,
    newest: () => newest && { ...newest, steps: filters.newest(), decision: smallChanges.newest() },
    take: (sample) => {
      const meant = meantSample(device, sample);
      const filtered = filters.take(meant);
      newest = { read: sample, meant, filtered };
      return filtered.values.every(isLeftOut) ? [] : worthKeeping(aggregator.take(filtered));
    },
    flush: () => worthKeeping(aggregator.flush()),
  };
}

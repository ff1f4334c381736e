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

export interface Preprocess {
  /** A sample as the source gave it; what is to be kept (of `keptChannels`), oldest first. */
  take(sample: Sample): Sample[];
  /** What an unfinished window holds, for the end of the process. */
  flush(): Sample[];
}

/** The pipeline of one device, in the state of one that has seen nothing. */
export function createPreprocess(device: Device): Preprocess {
  const filters = createFilters(device);
  const aggregator = createAggregator(device);
  const smallChanges = createSmallChangeFilter(device, keptChannels(device));
  const worthKeeping = (samples: readonly Sample[]): Sample[] =>
    samples.flatMap((sample) => smallChanges.take(sample) ?? []);
  return {
    take: (sample) => {
      const filtered = filters.take(meantSample(device, sample));
      return filtered.values.every(isLeftOut) ? [] : worthKeeping(aggregator.take(filtered));
    },
    flush: () => worthKeeping(aggregator.flush()),
  };
}

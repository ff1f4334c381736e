/**
 * What a device's numbers mean and which of them are worth keeping: correct → plausible → aggregate → small-change
 * filter. Pure: the same samples in give the same samples out.
 */
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import type { Sample } from "../reading.ts";
import { createAggregator } from "./aggregate.ts";
import { meantSample } from "./meant-sample.ts";
import { createSmallChangeFilter } from "./small-change-filter.ts";

export interface Preprocess {
  /** A sample as the source gave it; what is to be kept, oldest first. */
  take(sample: Sample): Sample[];
  /** What an unfinished window holds, for the end of the process. */
  flush(): Sample[];
}

/** The pipeline of one device, in the state of one that has seen nothing. */
export function createPreprocess(device: Device): Preprocess {
  const aggregator = createAggregator(device);
  const filter = createSmallChangeFilter(device);
  const filtered = (samples: readonly Sample[]): Sample[] => samples.flatMap((sample) => filter.take(sample) ?? []);
  return {
    take: (sample) => filtered(aggregator.take(meantSample(device, sample))),
    flush: () => filtered(aggregator.flush()),
  };
}

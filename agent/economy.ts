/**
 * What a step of the month's budget does to samples on their way to the buffer: coarser resolution, averages in place of
 * samples. Alarms don't pass here. The schema says the resolution, so whoever decodes needs to know of no step.
 */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { type Averages, createAverages } from "./preprocess/averages.ts";
import type { Sample } from "./reading.ts";
import { foldsFrom, schemaFrom } from "./stream-schema.ts";
import type { DegradationStep } from "./uplink/degradation.ts";
import type { Fold } from "./wire/averaged.ts";
import type { StreamSchema } from "./wire/schema.ts";

export interface Economy {
  /** What a device's samples mean now. */
  schemaOf(device: Device): StreamSchema;
  /** Another description runs. */
  use(station: Station): void;
  /** Another step begins: what a window held is kept first, in its own resolution. */
  begin(step: DegradationStep): void;
  take(sample: Sample): void;
  /** What unfinished windows hold. */
  flush(): void;
}

export function createEconomy(
  deps: {
    readonly declare: (schema: StreamSchema, folds: readonly Fold[]) => void;
    readonly keep: (sample: Sample) => void;
  },
  first: DegradationStep,
): Economy {
  let step = first;
  let station: Station | undefined;
  let averages = new Map<string, Averages>();

  const schemaOf = (device: Device): StreamSchema => coarser(schemaFrom(device), step.resolutionFactor);
  const flush = (): void => {
    for (const one of averages.values()) for (const sample of one.flush()) deps.keep(sample);
  };
  const setUp = (): void => {
    const { averageMs } = step;
    averages = new Map();
    for (const device of station?.devices ?? []) {
      const schema = schemaOf(device);
      deps.declare(schema, foldsFrom(device));
      if (averageMs === undefined || isRareAlready(device, averageMs)) continue;
      averages.set(
        device.name,
        createAverages(
          schema.channels.map(({ kind }) => kind),
          averageMs,
        ),
      );
    }
  };

  return {
    schemaOf,
    use: (next) => {
      flush();
      station = next;
      setUp();
    },
    begin: (next) => {
      flush();
      step = next;
      setUp();
    },
    take: (sample) => {
      for (const kept of averages.get(sample.device)?.take(sample) ?? [sample]) deps.keep(kept);
    },
    flush,
  };
}

/** Its own windows are as long: an average of one sample says nothing new, later. */
const isRareAlready = ({ everyMs, aggregate }: Device, averageMs: number): boolean =>
  (aggregate?.everyMs ?? everyMs) >= averageMs;

/** Ten times a decimal step is a decimal step: no 0.7000000000000001. */
function coarser(schema: StreamSchema, factor: number): StreamSchema {
  if (factor === 1) return schema;
  const channels = schema.channels.map((channel) =>
    channel.kind === "gauge"
      ? { ...channel, resolution: Number((channel.resolution * factor).toPrecision(12)) }
      : channel,
  );
  return { ...schema, channels };
}

import { aggregatesOf, keptChannels } from "@pump-station/sensor-descriptions/kept-channels.ts";
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import type { Fold } from "./wire/averaged.ts";
import type { StreamSchema } from "./wire/schema.ts";

/** What a device's samples mean, once preprocessed, to whoever decodes them: derived from its description, nothing written twice. */
export const schemaFrom = (device: Device): StreamSchema => ({
  stream: device.name,
  channels: keptChannels(device).map(({ name, kind, unit, resolution, states }) => ({
    name,
    kind,
    unit,
    resolution,
    ...(states ? { states: [...states].sort(([a], [b]) => a - b) } : {}),
  })),
});

/**
 * How each of these channels becomes one value of a longer window, where there is no room for all: the largest gust of
 * gusts, the last of states and counters.
 */
export const foldsFrom = (device: Device): Fold[] =>
  aggregatesOf(device).map(({ by, weight }) => ({ by, ...(weight !== undefined && { weight }) }));

import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import type { StreamSchema } from "./wire/schema.ts";

/** What a device's samples mean to whoever decodes them: derived from its description, nothing written twice. */
export const schemaFrom = (device: Device): StreamSchema => ({
  stream: device.name,
  channels: device.channels.map(({ name, kind, unit, resolution, states }) => ({
    name,
    kind,
    unit,
    resolution,
    ...(states ? { states: [...states].sort(([a], [b]) => a - b) } : {}),
  })),
});

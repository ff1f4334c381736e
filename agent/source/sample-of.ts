import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import type { ChannelValue, Sample } from "../reading.ts";

/** One entry per channel of the device, in its order. */
export function sampleOf(device: Device, bootMs: number, valueOf: (channel: string) => ChannelValue): Sample {
  return { device: device.name, bootMs, values: device.channels.map(({ name }) => valueOf(name)) };
}

import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { meantValue, missing, type Sample } from "../reading.ts";

/** The sample with the station file's corrections added, and "implausible" where a channel's range is left. */
export function meantSample(device: Device, sample: Sample): Sample {
  const values = device.channels.map(({ name, range }, at) =>
    meantValue(sample.values[at] ?? missing("malformed"), device.correct.get(name) ?? 0, range),
  );
  return { ...sample, values };
}

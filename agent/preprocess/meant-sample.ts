import { corrected } from "@pump-station/sensor-descriptions/correction.ts";
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { meantValue, missing, type Sample } from "../reading.ts";

/** The sample as the station file's corrections make it, and "implausible" where a channel's range is left. */
export function meantSample(device: Device, sample: Sample): Sample {
  const values = device.channels.map(({ name, range }, at) =>
    meantValue(sample.values[at] ?? missing("malformed"), corrected(device.correct.get(name)), range),
  );
  return { ...sample, values };
}

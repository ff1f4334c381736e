import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { isMissing, meantValue, type Sample } from "../reading.ts";

/** What conditions are judged on: the sample's values, corrected; undefined where missing or implausible. */
export function valuesMeantBy(device: Device, sample: Sample): (channel: string) => number | undefined {
  return (name) => {
    const at = device.channels.findIndex((channel) => channel.name === name);
    const value = sample.values[at];
    if (value === undefined) return undefined;
    const meant = meantValue(value, device.correct.get(name) ?? 0, device.channels[at]?.range);
    return isMissing(meant) ? undefined : meant;
  };
}

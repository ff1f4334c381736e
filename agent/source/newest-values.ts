import { corrected } from "@pump-station/sensor-descriptions/correction.ts";
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { isMissing, meantValue, type Sample } from "../reading.ts";

/** What conditions are judged on: the sample's values, corrected; undefined where missing or implausible. */
export function valuesMeantBy(device: Device, sample: Sample): (channel: string) => number | undefined {
  return (name) => {
    const at = device.channels.findIndex((channel) => channel.name === name);
    const value = sample.values[at];
    if (value === undefined) return undefined;
    const meant = meantValue(value, corrected(device.correct.get(name)), device.channels[at]?.range);
    return isMissing(meant) ? undefined : meant;
  };
}

/** Values of settings, whatever the device: whether one can be set, and whether it is what is read back. */
import type { Device, Setting } from "@pump-station/sensor-descriptions/model.ts";
import { isMissing, type Sample } from "../reading.ts";

/** Why the value can't be set, whatever the device says. */
export function whyUnfit({ name, range, step, unit }: Setting, value: number): string | undefined {
  if (!Number.isFinite(value) || value < range.low || value > range.high)
    return `${name} ${value}: outside of ${range.low} to ${range.high} ${unit}`.trimEnd();
  if (step === undefined || isMultiple(value, step) || isMultiple(value - range.low, step)) return undefined;
  return `${name} ${value}: not a multiple of ${step} ${unit}`.trimEnd();
}

const isMultiple = (value: number, step: number): boolean => Math.abs(value / step - Math.round(value / step)) < 1e-6;

/** As the device says it, without correction: that is what was written. Text: why there is none. */
export function rawValue(device: Device, sample: Sample, name: string): number | string {
  const value = sample.values[device.channels.findIndex((channel) => channel.name === name)];
  if (value === undefined) return `no channel ${name}`;
  return isMissing(value) ? value.missing : value;
}

export function isEqual({ channels }: Device, { readBack }: Setting, a: number, b: number): boolean {
  const resolution = channels.find(({ name }) => name === readBack)?.resolution ?? 0;
  return Math.abs(a - b) <= resolution / 2;
}

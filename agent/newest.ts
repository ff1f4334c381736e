/** The newest sample of each device, for `read` and `status`: a value never gets a newer time than its own. */
import type { Channel, Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { spokenUnit } from "@pump-station/sensor-descriptions/units.ts";
import { type ChannelValue, isMissing, type Sample } from "./reading.ts";
import type { LiveValue } from "./status.ts";
import type { Clock } from "./world.ts";

export interface Newest {
  take(device: Device, sample: Sample): void;
  of(device: string): Sample | undefined;
  /** Another description runs: samples of devices that are gone or have other channels now are forgotten. */
  keep(station: Station): void;
  /** All devices of the station, or one, or one channel of it. Throws Error that names what there is. */
  values(station: Station, device?: string, channel?: string): LiveValue[];
  /** "good", "waiting" before the first sample, or the reason why the newest one has no value at all. */
  health(device: string): string;
}

export function createNewest(clock: Clock): Newest {
  const taken = new Map<string, { readonly device: Device; readonly sample: Sample }>();
  const of = (device: string): Sample | undefined => taken.get(device)?.sample;
  return {
    take: (device, sample) => void taken.set(device.name, { device, sample }),
    of,
    keep: (station) => {
      for (const [name, { device }] of taken) {
        const now = station.devices.find((other) => other.name === name);
        if (!now || !hasSameChannels(device, now)) taken.delete(name);
      }
    },
    health: (device) => healthOf(of(device)),
    values: (station, name, channel) =>
      chosen(station.devices, name, "device").flatMap((device) => {
        const sample = of(device.name);
        if (!sample) return [];
        const ageMs = Math.max(0, Math.round(clock.bootMs() - sample.bootMs));
        return chosen(device.channels, channel, "channel").map((one) => ({
          device: device.name,
          channel: one.name,
          unit: spokenUnit(one.unit),
          ageMs,
          ...spoken(sample.values[device.channels.indexOf(one)], one),
        }));
      }),
  };
}

const hasSameChannels = (one: Device, other: Device): boolean =>
  one.channels.length === other.channels.length &&
  one.channels.every(({ name, unit }, at) => name === other.channels[at]?.name && unit === other.channels[at].unit);

function healthOf(sample: Sample | undefined): string {
  if (!sample) return "waiting";
  const [first] = sample.values;
  const isDead = sample.values.every((value) => isMissing(value) && value.missing !== "unchanged");
  return isDead && first !== undefined && isMissing(first) ? first.missing : "good";
}

function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  name: string | undefined,
  what: string,
): readonly T[] {
  if (name === undefined) return all;
  const one = all.find((candidate) => candidate.name === name);
  if (!one)
    throw new Error(`there is no ${what} "${name}"; there are: ${all.map((candidate) => candidate.name).join(", ")}`);
  return [one];
}

function spoken(
  value: ChannelValue | undefined,
  { states, resolution }: Channel,
): Pick<LiveValue, "value" | "missing"> {
  if (value === undefined) return { value: null, missing: "malformed" };
  if (isMissing(value)) {
    return { value: null, missing: value.code === undefined ? value.missing : `${value.missing} (${value.code})` };
  }
  return { value: states?.get(value) ?? atResolution(value, resolution) };
}

/** 20.900000000000002 at a resolution of 0.1 is 20.9: what is sent is what is shown. */
function atResolution(value: number, resolution: number): number {
  const steps = Math.round(value / resolution);
  return Number((steps * resolution).toPrecision(15));
}

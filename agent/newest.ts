/**
 * The newest values of each device, for `read` and `status`: a value never gets a newer time than its own, and what a
 * sample calls "unchanged" stays what it was, of the time that it was.
 */
import { keptChannels } from "@pump-station/sensor-descriptions/kept-channels.ts";
import type { Channel, Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { spokenUnit } from "@pump-station/sensor-descriptions/units.ts";
import { type ChannelValue, isMissing, missing, type Sample } from "./reading.ts";
import type { LiveValue } from "./status.ts";
import type { Clock } from "./world.ts";

export interface Newest {
  take(device: Device, sample: Sample): void;
  of(device: string): Sample | undefined;
  /** ms since boot at which the value at this place of `of(device)` was read; undefined where there is none. */
  readMs(device: string, at: number): number | undefined;
  /** Another description runs: samples of devices that are gone or have other channels now are forgotten. */
  keep(station: Station): void;
  /** All devices of the station, or one, or one channel of it. Throws Error that names what there is. */
  values(station: Station, device?: string, channel?: string, work?: AtWork): LiveValue[];
  /** "good", "waiting" before the first sample, or the reason why the newest one has no value at all. */
  health(device: string): string;
}

/** What runs knows beside the readings themselves. */
export interface AtWork {
  /** How often the device is read now. */
  everyMs(device: Device): number;
  /** The newest sample of what leaves the station (`keptChannels`); undefined before there is one. */
  made(device: Device): Sample | undefined;
}

/** A value older than so many of its device's intervals is no longer what is. */
const STALE_INTERVALS = 3;

export function createNewest(clock: Clock): Newest {
  const taken = new Map<string, Taken>();
  const of = (device: string): Sample | undefined => taken.get(device)?.sample;
  return {
    take: (device, sample) => void taken.set(device.name, merged(device, taken.get(device.name), sample)),
    of,
    readMs: (device, at) => taken.get(device)?.bootMs[at],
    keep: (station) => {
      for (const [name, { device }] of taken) {
        const now = station.devices.find((other) => other.name === name);
        if (!now || !hasSameChannels(device, now)) taken.delete(name);
      }
    },
    health: (device) => healthOf(of(device)),
    values: (station, name, channel, work) =>
      chosen(station.devices, name, "device").flatMap((device) => {
        const newest = taken.get(device.name);
        if (!newest) return [];
        const everyMs = work?.everyMs(device) ?? device.everyMs;
        const all = [
          ...readValues(newest, everyMs),
          ...(work ? madeValues(device, newest.sample, everyMs, work.made(device)) : []),
        ];
        return chosen(all, channel, "channel").map((one) => liveValue(device, one, clock.bootMs()));
      }),
  };
}

interface Taken {
  readonly device: Device;
  readonly sample: Sample;
  /** Of each value. */
  readonly bootMs: readonly number[];
}

function merged(device: Device, before: Taken | undefined, sample: Sample): Taken {
  const isKept = (at: number): boolean => {
    const value = sample.values[at];
    return value !== undefined && isMissing(value) && value.missing === "unchanged" && before !== undefined;
  };
  const kept = sample.values.map((value, at) => (isKept(at) ? (before?.sample.values[at] ?? value) : value));
  const bootMs = sample.values.map((_, at) => (isKept(at) ? before?.bootMs[at] : undefined) ?? sample.bootMs);
  return { device, sample: { ...sample, values: kept }, bootMs };
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

/** A channel with what is known of it. */
interface Known {
  readonly name: string;
  readonly channel: Channel;
  readonly value: ChannelValue | "waiting";
  readonly bootMs: number;
  readonly everyMs: number;
}

const readValues = ({ device, sample, bootMs }: Taken, everyMs: number): Known[] =>
  device.channels.map((channel, at) => ({
    name: channel.name,
    channel,
    value: sample.values[at] ?? missing("malformed"),
    bootMs: bootMs[at] ?? sample.bootMs,
    everyMs,
  }));

/** Rates of change and aggregates, which are made on the station: the channels that no reading has. */
function madeValues(device: Device, sample: Sample, everyMs: number, made: Sample | undefined): Known[] {
  const windowMs = device.aggregate?.everyMs ?? 0;
  return keptChannels(device).flatMap((channel, at) =>
    device.channels.some(({ name }) => name === channel.name)
      ? []
      : {
          name: channel.name,
          channel,
          value: made ? (made.values[at] ?? missing("malformed")) : "waiting",
          bootMs: made?.bootMs ?? sample.bootMs,
          everyMs: Math.max(everyMs, windowMs),
        },
  );
}

function liveValue(device: Device, { channel, value, bootMs, everyMs }: Known, nowMs: number): LiveValue {
  const ageMs = Math.max(0, Math.round(nowMs - bootMs));
  const said = value === "waiting" ? { value: null, missing: value } : spoken(value, channel);
  const isStale = ageMs > STALE_INTERVALS * everyMs;
  return {
    device: device.name,
    channel: channel.name,
    unit: spokenUnit(channel.unit),
    ageMs,
    ...said,
    quality: said.missing ?? (isStale ? "stale" : "good"),
  };
}

function spoken(value: ChannelValue, { states, resolution }: Channel): Pick<LiveValue, "value" | "missing"> {
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

/**
 * Every setting of the station itself that the cloud may set, in one table: its name in the twin, range, default, what it
 * does. Settings of a device's hardware are not here: its description declares them.
 *
 *   upload: { NAME: value }                         of the station; default: agent.yaml
 *   devices: { pump: { NAME: value } }              of a device; default: station.yaml and the device's file
 *   devices: { pump: { NAME-CHANNEL: value } }      of a channel of it
 *
 * A value is answered in the words in which it was asked for. null: the file's again.
 */
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { KEEP_ALIVE_S_MAX, KEEP_ALIVE_S_MIN } from "../limits.ts";
import type { DeviceTuning, UploadPolicy } from "../tuning.ts";
import { windowsFromText } from "../wire/upload-windows.ts";

export type SettingValue = number | string;

type Shape =
  /** Both ends included; `word`: may be said instead of a number. */
  | {
      readonly kind: "number";
      readonly low: number;
      readonly high: number;
      readonly unit: string;
      readonly word?: string;
    }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "upload-windows" };

interface Known {
  readonly name: string;
  readonly shape: Shape;
  /** One sentence, for whoever sets it. */
  readonly describe: string;
}

export interface UploadSetting extends Known {
  readonly of: "upload";
  /** Set wrongly the station may be heard no more: on trial until the cloud has heard it since. */
  readonly isOnTrial: boolean;
  into(value: SettingValue): UploadPolicy;
}

export interface DeviceSetting extends Known {
  readonly of: "device" | "channel";
  /** What the description says, in the twin's unit; undefined where it declares no such thing. */
  own(device: Device, channel: string): number | undefined;
  /** Added to what is tuned already. */
  into(tuning: DeviceTuning, value: number, channel: string): DeviceTuning;
}

const ofSeconds = (low: number, high: number, word?: string): Shape => ({
  kind: "number",
  low,
  high,
  unit: "s",
  ...(word !== undefined && { word }),
});
const DAY_S = 86_400;

export const UPLOAD_SETTINGS: readonly UploadSetting[] = [
  {
    of: "upload",
    name: "interval",
    shape: ofSeconds(1, DAY_S),
    describe: "how often readings are sent",
    isOnTrial: false,
    into: (value) => ({ intervalMs: Number(value) * 1000 }),
  },
  {
    of: "upload",
    name: "windows",
    shape: { kind: "upload-windows" },
    describe:
      'hours at which readings are sent, in the station\'s time zone: "sat sun 02:30-05:00; 12:00-13:00" or "always"',
    isOnTrial: true,
    into: (value) => ({ windows: windowsFromText(String(value)) ?? [] }),
  },
  {
    of: "upload",
    name: "budget",
    shape: { kind: "number", low: 1, high: 1_000_000, unit: "MB/month" },
    describe: "bytes of the network interface; what is done without to stay below, economy says",
    isOnTrial: true,
    into: (value) => ({ budgetBytes: Number(value) * 1e6 }),
  },
  {
    of: "upload",
    name: "keep-alive",
    shape: ofSeconds(KEEP_ALIVE_S_MIN, KEEP_ALIVE_S_MAX, "learn"),
    describe: "after so much silence the connection is pinged; learn: as long as the network bears",
    isOnTrial: true,
    into: (value) => ({ keepAlive: value === "learn" ? "learn" : Number(value) * 1000 }),
  },
  {
    of: "upload",
    name: "connection",
    shape: { kind: "choice", choices: ["by-cost", "standing"] },
    describe: "whether the connection is left between uploads where that is cheaper",
    isOnTrial: true,
    into: (value) => ({ connection: value === "standing" ? "standing" : "by-cost" }),
  },
  {
    of: "upload",
    name: "commit-interval",
    shape: ofSeconds(0.1, 600),
    describe: "what a power cut may cost; longer spares the flash",
    isOnTrial: false,
    into: (value) => ({ commitIntervalMs: Number(value) * 1000 }),
  },
];

const withChannel = (map: ReadonlyMap<string, number> | undefined, channel: string, value: number) =>
  new Map([...(map ?? []), [channel, value]]);

export const DEVICE_SETTINGS: readonly DeviceSetting[] = [
  {
    of: "device",
    name: "every",
    shape: ofSeconds(0.1, DAY_S),
    describe: "how often the device is asked",
    own: ({ everyMs }) => everyMs / 1000,
    into: (tuning, value) => ({ ...tuning, everyMs: value * 1000 }),
  },
  {
    of: "device",
    name: "faster",
    shape: ofSeconds(0.1, DAY_S),
    describe: "how often it is asked while the condition of its faster: holds",
    own: ({ faster }) => faster && faster.everyMs / 1000,
    into: (tuning, value) => ({ ...tuning, fasterMs: value * 1000 }),
  },
  {
    of: "device",
    name: "heartbeat",
    shape: ofSeconds(1, 7 * DAY_S),
    describe: "one whole reading is kept at least this often, however little changes (where there is a small-change)",
    own: ({ heartbeatMs, smallChange }) => (smallChange.size > 0 ? heartbeatMs / 1000 : undefined),
    into: (tuning, value) => ({ ...tuning, heartbeatMs: value * 1000 }),
  },
  {
    of: "device",
    name: "window",
    shape: ofSeconds(1, DAY_S),
    describe: "length of the windows of its aggregate:",
    own: ({ aggregate }) => aggregate && aggregate.everyMs / 1000,
    into: (tuning, value) => ({ ...tuning, windowMs: value * 1000 }),
  },
  {
    of: "channel",
    name: "small-change",
    shape: { kind: "number", low: 0, high: 1e9, unit: "" },
    describe: "readings that differ less from the last one kept are not kept; in the channel's unit",
    own: ({ smallChange }, channel) => smallChange.get(channel),
    into: (tuning, value, channel) => ({ ...tuning, smallChange: withChannel(tuning.smallChange, channel, value) }),
  },
  {
    of: "channel",
    name: "throttle",
    shape: ofSeconds(0.1, DAY_S),
    describe: "at most one reading of the channel is kept in this time (where its filter: has a throttle)",
    own: ({ filters }, channel) => {
      const step = filters?.get(channel)?.find((one) => one.do === "throttle");
      return step?.do === "throttle" ? step.everyMs / 1000 : undefined;
    },
    into: (tuning, value, channel) => ({
      ...tuning,
      throttleMs: withChannel(tuning.throttleMs, channel, value * 1000),
    }),
  },
];

/** What agent.yaml says, by name; a budget only where there is one. */
export type OwnUpload = Readonly<Record<string, SettingValue>>;

/** Of a key in `devices: { pump: … }`; undefined where the description declares no such thing. */
export function deviceSetting(
  device: Device,
  key: string,
): { readonly known: DeviceSetting; readonly channel: string; readonly own: number } | undefined {
  for (const known of DEVICE_SETTINGS) {
    const channel = known.of === "device" ? "" : key.slice(known.name.length + 1);
    if (
      key !== (known.of === "device" ? known.name : `${known.name}-${channel}`) ||
      (known.of === "channel" && !channel)
    )
      continue;
    const own = known.own(device, channel);
    if (own !== undefined) return { known, channel, own };
  }
  return undefined;
}

/** All that a device has, by key: "every", "small-change-temperature". */
export const deviceKeys = (device: Device): readonly string[] =>
  DEVICE_SETTINGS.flatMap(({ name, of }) =>
    of === "device"
      ? [name]
      : [...new Set([...device.smallChange.keys(), ...(device.filters?.keys() ?? [])])].map(
          (channel) => `${name}-${channel}`,
        ),
  ).filter((key) => deviceSetting(device, key) !== undefined);

/** Why a value can't be used; undefined when it can. */
export function problemWith(shape: Shape, value: unknown): string | undefined {
  switch (shape.kind) {
    case "number":
      if (shape.word !== undefined && value === shape.word) return undefined;
      return outOfRange(value, shape, shape.unit, shape.word);
    case "choice":
      return typeof value === "string" && shape.choices.includes(value)
        ? undefined
        : `not one of ${shape.choices.join(", ")}`;
    case "upload-windows":
      return typeof value === "string" && windowsFromText(value) !== undefined
        ? undefined
        : 'write it like "sat sun 02:30-05:00; 12:00-13:00", or "always"';
  }
}

export function outOfRange(
  value: unknown,
  range: { readonly low: number; readonly high: number },
  unit: string,
  word?: string,
): string | undefined {
  if (typeof value !== "number" || !Number.isFinite(value))
    return word === undefined ? "not a number" : `not a number, nor ${word}`;
  if (value >= range.low && value <= range.high) return undefined;
  return `${value} is outside of ${range.low} to ${range.high} ${unit}`.trim();
}

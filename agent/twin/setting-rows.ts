/** What a row of known-settings.ts is, and how the rows come about that a device has for each step, limit and alarm. Pure. */
import type { Alarm, Channel, Condition, Device } from "@pump-station/sensor-descriptions/model.ts";
import { numberIn, type StepNumber } from "@pump-station/sensor-descriptions/step-numbers.ts";
import type { AlarmTuning, DeviceTuning, UploadPolicy } from "../tuning.ts";
import {
  DAY_S,
  type NumberShape,
  ofSeconds,
  type Range,
  type SettingValue,
  type Shape,
  spokenShape,
} from "./setting-shape.ts";

interface Known {
  readonly name: string;
  /** One sentence, for whoever sets it. */
  readonly describe: string;
  /** Where the value stands that null falls back to. */
  readonly file: string;
}

export interface UploadSetting extends Known {
  readonly shape: Shape;
  /** Set wrongly the station may be heard no more: on trial until the cloud has heard it since. */
  readonly isOnTrial: boolean;
  into(value: SettingValue): UploadPolicy;
}

export interface DeviceSetting extends Known {
  /** For people, where the range depends on the channel. */
  readonly values: string;
  /** Each one that a device's description declares; a setting of what it doesn't declare isn't there. */
  on(device: Device): readonly DeclaredSetting[];
}

export interface DeclaredSetting {
  /** In the twin: "small-change-temperature". */
  readonly key: string;
  readonly describe: string;
  readonly shape: NumberShape;
  /** What the description says, in the twin's unit. */
  readonly own: number;
  /** Those of a device that have to fit each other: clamp-low and clamp-high, the limits of an alarm. */
  readonly group?: string;
  /** Added to what is tuned already. */
  into(tuning: DeviceTuning, value: number): DeviceTuning;
}

export interface ObjectSetting extends Known {
  readonly fields: readonly { readonly name: string; readonly is: "number" | "time" | "text" | "yes or no" }[];
}

type Own = (device: Device) => number | undefined;
type IntoNumber = (tuning: DeviceTuning, value: number) => DeviceTuning;

/** One setting of the whole device, in seconds or what `shape` says; the model has its times in ms. */
export const ofDevice = (
  row: Known & { readonly shape: NumberShape; readonly own: Own; readonly into: IntoNumber },
): DeviceSetting => ({
  ...row,
  values: spokenShape(row.shape),
  on: (device) => {
    const own = row.own(device);
    const { name: key, describe, shape, into } = row;
    return own === undefined ? [] : [{ key, describe, shape, own, into }];
  },
});

const STEP_WORDS: Readonly<Record<string, string>> = {
  median: "the middle one of the readings of this time counts",
  average: "the mean of the readings of this time counts",
  "exponential-average": "after this time, 63 % of a change has come through",
  "clamp-low": "what is below becomes this; less than clamp-high",
  "clamp-high": "what is above becomes this; more than clamp-low",
  round: "to whole steps of this size; not finer than in the file, whose steps are sent",
  "skip-jumps": "what is further from the reading before is implausible",
  "skip-jumps-within": "a reading older than this isn't compared with",
  throttle: "at most one reading of the channel is kept in this time",
  timeout: "that there is no value is told only after this time",
  debounce: "a state counts when it held for this time",
};

/** A number of a channel's `filter:`, for each channel that has the step. */
export const ofStep = (number: StepNumber): DeviceSetting => {
  const isTime = number.is === "time";
  const scale = isTime ? 1000 : 1;
  const describe = STEP_WORDS[number.name] ?? "";
  return {
    name: `${number.name}-CHANNEL`,
    describe,
    values: isTime ? `seconds, ${STEP_TIME.low} to ${STEP_TIME.high}` : "in the channel's unit",
    file: `\`${number.name.replace(/-(low|high|within)$/, "")}\` in the channel's \`filter:\``,
    on: ({ filters, channels }) =>
      [...(filters ?? [])].flatMap(([name, steps]): DeclaredSetting[] => {
        const own = numberIn(steps, number);
        if (own === undefined) return [];
        return [
          {
            key: `${number.name}-${name}`,
            describe,
            own: own / scale,
            shape: isTime ? STEP_TIME : shapeOfStep(number, channelOf(channels, name), own),
            ...(number.name.startsWith("clamp-") && { group: `clamp ${name}` }),
            into: (tuning, value) => ({ ...tuning, steps: withStep(tuning.steps, name, number.name, value * scale) }),
          },
        ];
      }),
  };
};
export const STEP_TIME = ofSeconds(0.1, DAY_S);

function shapeOfStep({ name, is }: StepNumber, channel: Channel | undefined, own: number): NumberShape {
  const unit = channel?.unit ?? "";
  if (is === "value") return { kind: "number", unit, ...including(channel?.range ?? ANY, own) };
  // What is sent counts in the file's steps: finer ones would get lost.
  if (name === "round") return { kind: "number", unit, low: own, high: ANY.high };
  return { kind: "number", unit, low: Math.min(own, channel?.resolution ?? own), high: ANY.high };
}

/** An amount nobody means, but a number that stays one in a twin. */
export const ANY: Range = { low: -1e9, high: 1e9 };
const including = ({ low, high }: Range, own: number): Range => ({
  low: Math.min(low, own),
  high: Math.max(high, own),
});
export const channelOf = (channels: readonly Channel[], name: string) =>
  channels.find((channel) => channel.name === name);

const COMPARED: Readonly<Record<string, string>> = { "at least": "at-least", "at most": "at-most" };

/** The numbers of one of an alarm's conditions. */
export const ofLimits = (part: "when" | "until"): DeviceSetting => {
  const prefix = part === "until" ? "until-" : "";
  const describe =
    part === "when"
      ? "where the alarm begins"
      : "where it ends: its distance to where it begins keeps it from flapping";
  return {
    name: `alarm-ALARM-${prefix}CHANNEL-above`,
    describe: `${describe}; also -below, -at-least, -at-most, as its \`${part}:\` compares`,
    values: "in the channel's unit, within its `range:`",
    file: `\`${part}:\` of the alarm`,
    on: (device) => device.alarms.flatMap((alarm) => limitsOf(device, alarm, part, prefix, describe)),
  };
};

function limitsOf(
  { channels }: Device,
  alarm: Alarm,
  part: "when" | "until",
  prefix: string,
  describe: string,
): DeclaredSetting[] {
  const condition: Condition | undefined = alarm[part];
  const seen = new Map<string, number>();
  return (condition?.limits ?? []).map(({ channel: name, comparison, value }, at) => {
    const key = `alarm-${alarm.name}-${prefix}${name}-${COMPARED[comparison] ?? comparison}`;
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    const channel = channelOf(channels, name);
    return {
      key: count === 1 ? key : `${key}-${count}`,
      describe: `${describe}; in the file: ${condition?.text ?? ""}`,
      own: value,
      group: `alarm ${alarm.name}`,
      shape: { kind: "number", unit: channel?.unit ?? "", ...including(channel?.range ?? ANY, value) },
      into: (tuning, limit) => {
        const limits = new Map([...(tuning.alarms?.get(alarm.name)?.[part] ?? []), [at, limit] as const]);
        return withAlarm(tuning, alarm.name, { [part]: limits });
      },
    };
  });
}

export const withEntry = <V>(map: ReadonlyMap<string, V> | undefined, key: string, value: V): ReadonlyMap<string, V> =>
  new Map([...(map ?? []), [key, value] as const]);

const withStep = (steps: DeviceTuning["steps"], channel: string, name: string, value: number) =>
  withEntry(steps, channel, withEntry(steps?.get(channel), name, value));

export const withAlarm = (tuning: DeviceTuning, alarm: string, change: AlarmTuning): DeviceTuning => ({
  ...tuning,
  alarms: withEntry(tuning.alarms, alarm, { ...tuning.alarms?.get(alarm), ...change }),
});

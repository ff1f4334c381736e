/** The way of a device's newest sample in words, channel by channel: for `explain`. */
import { channelsBeforeWindows, keptChannels } from "@pump-station/sensor-descriptions/kept-channels.ts";
import type { Channel, Device } from "@pump-station/sensor-descriptions/model.ts";
import type { Correction, FilterStep } from "@pump-station/sensor-descriptions/preprocessing.ts";
import { spokenDuration } from "@pump-station/sensor-descriptions/quantities.ts";
import { spokenUnit } from "@pump-station/sensor-descriptions/units.ts";
import { type ChannelValue, isMissing, type Sample } from "../reading.ts";
import type { SmallChangeDecision } from "./small-change-filter.ts";

/** What preprocessing remembers of the newest sample. */
export interface Trace {
  /** As the source gave it. */
  readonly read: Sample;
  readonly meant: Sample;
  /** Per channel, behind each of its filter's steps. */
  readonly steps: readonly (readonly ChannelValue[])[];
  readonly filtered: Sample;
  /** Of the newest sample that got there: with windows, an earlier one. */
  readonly decision: SmallChangeDecision | undefined;
}

export interface ChannelWay {
  readonly channel: string;
  readonly steps: readonly { readonly step: string; readonly says: string }[];
}

export function wayOf(device: Device, trace: Trace, nowMs: number): readonly ChannelWay[] {
  const before = channelsBeforeWindows(device);
  return keptChannels(device).map((channel, at) => {
    // What is read for formulas alone stands before the windows, and is not kept.
    const beforeAt = before.findIndex(({ name }) => name === channel.name);
    const own = device.channels[beforeAt];
    const filtered = trace.filtered.values[beforeAt];
    return {
      channel: channel.name,
      steps: [
        ...(own ? readSteps(device, own, trace, beforeAt) : []),
        ...(!own && beforeAt >= 0 ? [{ step: "rate", says: spoken(filtered, channel) }] : []),
        ...windowStep(device, channel, trace),
        ...decisionStep(device, channel, trace.decision, at, nowMs),
      ],
    };
  });
}

type Steps = ChannelWay["steps"];

function readSteps(device: Device, channel: Channel, { read, meant, steps }: Trace, at: number): Steps {
  const [was, is] = [read.values[at], meant.values[at]];
  const correction = device.correct.get(channel.name);
  const corrected = correction !== undefined && is !== undefined && !isMissing(is);
  const filters = device.filters?.get(channel.name) ?? [];
  return [
    { step: "read", says: spoken(was, channel) },
    ...(corrected
      ? [{ step: "corrected", says: `${correctionText(correction, channel)}: ${spoken(is, channel)}` }]
      : []),
    ...(channel.range && was !== undefined && !isMissing(was)
      ? [{ step: "plausible", says: plausibleText(channel, is) }]
      : []),
    ...filters.map((filter, i) => ({
      step: "filter",
      says: `${filterText(filter, channel)}: ${spoken(steps[at]?.[i], channel)}`,
    })),
  ];
}

function correctionText(correction: Correction, channel: Channel): string {
  if (typeof correction === "number") return `${correction < 0 ? "−" : "+"} ${withUnit(Math.abs(correction), channel)}`;
  return "points" in correction ? `by ${correction.points.length} points` : "by a polynomial";
}

function plausibleText({ range }: Channel, is: ChannelValue | undefined): string {
  const ends = `${range?.low ?? ""} to ${range?.high ?? ""}`;
  return is !== undefined && isMissing(is) ? `no: outside of ${ends}` : `yes: within ${ends}`;
}

function filterText(step: FilterStep, channel: Channel): string {
  switch (step.do) {
    case "median":
    case "average":
      return `${step.do} over ${spokenDuration(step.overMs)}`;
    case "exponential-average":
      return `exponential average, ${spokenDuration(step.timeConstantMs)}`;
    case "clamp":
      return `kept within ${step.low} to ${step.high}`;
    case "round":
      return `rounded to ${withUnit(step.step, channel)}`;
    case "skip-jumps":
      return `jumps of more than ${withUnit(step.by, channel)} skipped`;
    case "throttle":
      return `at most one per ${spokenDuration(step.everyMs)}`;
    case "timeout":
      return `missing only after ${spokenDuration(step.afterMs)}`;
    case "debounce":
      return `a state has to hold for ${spokenDuration(step.forMs)}`;
  }
}

function windowStep(device: Device, channel: Channel, { read }: Trace): Steps {
  const { aggregate } = device;
  if (!aggregate) return [];
  const leftMs = aggregate.everyMs - (read.bootMs % aggregate.everyMs);
  const by = aggregate.by.get(channel.name)?.by ?? "as usual";
  return [
    {
      step: "window",
      says: `${by} over ${spokenDuration(aggregate.everyMs)}; the window ends ${Math.ceil(leftMs / 1_000)} s after this reading`,
    },
  ];
}

function decisionStep(
  device: Device,
  channel: Channel,
  decision: SmallChangeDecision | undefined,
  at: number,
  nowMs: number,
): Steps {
  const step = device.aggregate ? "last window kept?" : "kept?";
  if (device.smallChange.size === 0) return [{ step, says: "yes: no small change is described" }];
  const one = decision?.channels[at];
  if (decision === undefined || one === undefined) return [{ step, says: "not yet: nothing has come so far" }];
  const { now, before, beforeMs, limit, isChanged } = one;
  const when =
    beforeMs === undefined
      ? ""
      : ` of ${spokenDuration(Math.max(0, Math.round((nowMs - beforeMs) / 1_000)) * 1_000)} ago`;
  const why = before === undefined ? "the first one" : comparison(now, before, limit, channel, when);
  if (isChanged) return [{ step, says: `yes: ${why}` }];
  if (decision.kept === "heartbeat") return [{ step, says: `yes, as heartbeat, although ${why}` }];
  return [{ step, says: `no, unchanged: ${why}` }];
}

function comparison(now: ChannelValue, before: ChannelValue, limit: number, channel: Channel, when: string): string {
  if (isMissing(now) || isMissing(before) || limit === 0)
    return `${spoken(now, channel)} after ${spoken(before, channel)}, the last one kept,${when}`;
  const difference = Math.abs(now - before);
  const than = difference >= limit ? "at least" : "less than";
  return `it differs by ${withUnit(difference, channel)}, ${than} ${withUnit(limit, channel)}, from the last one kept, ${withUnit(before, channel)}${when}`;
}

export function spoken(value: ChannelValue | undefined, channel: Channel): string {
  if (value === undefined) return "nothing";
  if (isMissing(value)) return `no value: ${value.missing}${value.code === undefined ? "" : ` (${value.code})`}`;
  return channel.states?.get(value) ?? withUnit(value, channel);
}

const withUnit = (value: number, { unit }: Channel): string =>
  `${Number(value.toPrecision(10))}${unit === "" ? "" : ` ${spokenUnit(unit)}`}`;

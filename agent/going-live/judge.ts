/**
 * Is a description worse than the one before? Judged per device that stands in both under the same name and type and
 * is paused in neither, and only where it answered before: what was bad before and is bad now is no reason.
 */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import type { Answers, DeviceAnswers } from "./answers.ts";
import type { Fate } from "./status.ts";

/** Of every device of either station, in the order of `next`, then those that are gone. */
export function fatesOf(before: Station, next: Station, answered: Answers): ReadonlyMap<string, Fate> {
  const old = new Map(before.devices.map((device) => [device.name, device]));
  const fates = new Map<string, Fate>();
  for (const device of next.devices) {
    fates.set(device.name, fateOf(old.get(device.name), device, answered.get(device.name)));
  }
  for (const name of old.keys()) if (!fates.has(name)) fates.set(name, "removed");
  return fates;
}

function fateOf(old: Device | undefined, next: Device, answered: DeviceAnswers | undefined): Fate {
  if (!old) return "new";
  if (old.type !== next.type) return "re-typed";
  if (next.paused !== undefined || old.paused !== undefined) return "paused";
  if (!answered || answered.type !== old.type) return "unknown-before";
  return hasGood(answered) ? "judged" : "bad-before";
}

const hasGood = ({ channels }: DeviceAnswers): boolean => [...channels.values()].includes("good");

/** Why the device is worse now, in words after its name; undefined when it isn't. `now` is undefined for one never heard. */
export function worseBecause(before: DeviceAnswers, now: DeviceAnswers | undefined): string | undefined {
  if (!now) return "was not read once";
  const states = [...now.channels.values()];
  const [firstReason = "no answer"] = now.reasons.values();
  if (states.length > 0 && states.every((state) => state === "silent")) return `no longer answers (${firstReason})`;
  const lost = [...before.channels].filter(([name, state]) => state === "good" && now.channels.get(name) === "silent");
  const [first] = lost;
  if (first) {
    const names = lost.map(([name]) => name).join(", ");
    return `no longer gives ${names} (${now.reasons.get(first[0]) ?? "no answer"})`;
  }
  if (states.length > 0 && !states.includes("good")) return `gives nothing plausible any more (${firstReason})`;
  return undefined;
}

/** Channels that were plausible and aren't now, while others still are: worth a word, no reason to go back. */
export const implausibleNow = (before: DeviceAnswers, now: DeviceAnswers): readonly string[] =>
  [...before.channels]
    .filter(([name, state]) => state === "good" && now.channels.get(name) === "implausible")
    .map(([name]) => name);

const LISTED: Partial<Record<Fate, string>> = {
  new: "new",
  removed: "removed",
  paused: "paused in one of the two",
  "re-typed": "of another type now",
  "unknown-before": "not polled before",
  "bad-before": "didn't answer before either",
};

/** Why a device wasn't judged; undefined when it was. */
export const notJudgedBecause = (fate: Fate): string | undefined => LISTED[fate];

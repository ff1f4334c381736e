/**
 * Desired documents, read against the description: what is wanted, and what is refused with which reason. Pure.
 * A refused value counts as absent, so that what runs follows from the document alone, before and after a restart.
 */
import type { Device, Setting, Station } from "@pump-station/sensor-descriptions/model.ts";
import { nearestWord } from "@pump-station/sensor-descriptions/spelling.ts";
import { isObject, type Json, type JsonObject } from "../wire/twin-document.ts";
import { declaredSettings } from "./declared-settings.ts";
import { LIVE_EVERY, UPLOAD_SETTINGS } from "./known-settings.ts";
import { createRefusals, type Refusals } from "./refusals.ts";
import type { DeclaredSetting, UploadSetting } from "./setting-rows.ts";
import { outOfRange, problemWith, type SettingValue } from "./setting-shape.ts";
import { problemsSideBySide, type WantedSetting } from "./side-by-side.ts";

export type Wanted = {
  /** "devices/pump/target" */
  readonly path: string;
} & (
  | {
      readonly kind: "setting";
      readonly device: string;
      readonly setting: string;
      /** In the setting's unit. */
      readonly value: number;
      /** Of a value that was said by its name ("on"): what runs is reported by its name, too. */
      readonly states?: ReadonlyMap<number, string>;
    }
  | {
      readonly kind: "tuning";
      readonly device: string;
      readonly declared: DeclaredSetting;
      readonly value: number;
    }
  | { readonly kind: "upload"; readonly known: UploadSetting; readonly value: SettingValue }
  /** Uploads every `value` seconds until then, ms since 1970. */
  | { readonly kind: "live"; readonly value: number; readonly untilMs: number }
);

export interface Reading extends Refusals {
  readonly wanted: readonly Wanted[];
}

export function readDesired(station: Station, desired: JsonObject): Reading {
  const wanted: Wanted[] = [];
  const refusals = createRefusals();
  const { refuse } = refusals;
  const take: Take = (keys, value, problem, make) => {
    if (problem !== undefined || typeof value !== "number") refuse(keys, problem ?? "not a number");
    else wanted.push(make(value));
  };

  for (const [key, value] of Object.entries(desired)) {
    // A description is followed by what is made for it (update/).
    if (OF_THE_CLOUD.has(key) || key === "description") continue;
    if (key === "devices" && isObject(value)) readDevices(station, value, take, refuse);
    else if (key === "upload" && isObject(value)) readUpload(value, wanted, refuse);
    else if (key === "live" && isObject(value)) readLive(value, take, refuse);
    else refuse([key], ["devices", "upload", "live"].includes(key) ? "not an object" : "no such key");
  }
  return { wanted, ...refusals.all() };
}

/** Azure's own, beside what was written. */
const OF_THE_CLOUD = new Set(["$version", "$metadata"]);

type Refuse = (keys: readonly string[], reason: string) => void;
type Take = (
  keys: readonly string[],
  value: Json,
  problem: string | undefined,
  make: (value: number) => Wanted,
) => void;

function readDevices(station: Station, devices: JsonObject, take: Take, refuse: Refuse): void {
  for (const [name, value] of Object.entries(devices)) {
    const device = station.devices.find((other) => other.name === name);
    if (!device) {
      const known = station.devices.map((other) => other.name).join(", ");
      refuse(["devices", name], `no such device; there are ${known}`.slice(0, 120));
    } else if (!isObject(value)) refuse(["devices", name], "not an object");
    else readDevice(device, value, take, refuse);
  }
}

function readDevice(device: Device, values: JsonObject, take: Take, refuse: Refuse): void {
  const tuned: WantedSetting[] = [];
  for (const [name, value] of Object.entries(values)) {
    const keys = ["devices", device.name, name];
    const setting = device.settings.find((other) => other.name === name);
    if (setting) {
      const states = typeof value === "string" ? statesOf(device, setting) : undefined;
      const number = states ? numberOf(states, value) : value;
      const make = (wanted: number): Wanted => ({
        path: keys.join("/"),
        kind: "setting",
        device: device.name,
        setting: name,
        value: wanted,
        ...(states && { states }),
      });
      const known = [...(states?.values() ?? [])].join(", ");
      const problem = number === undefined ? `no such state; there are ${known}`.slice(0, 120) : undefined;
      take(keys, number ?? value, problem ?? problemOf(setting, number ?? value), make);
    } else {
      const declared = declaredSettings(device).get(name);
      const problem = declared ? problemWith(declared.shape, value) : whyUndeclared(device, name);
      if (declared && problem === undefined && typeof value === "number") tuned.push({ declared, value });
      else refuse(keys, problem ?? "");
    }
  }
  takeTuned(device, tuned, take);
}

function takeTuned(device: Device, tuned: readonly WantedSetting[], take: Take): void {
  const problems = problemsSideBySide(device, tuned);
  for (const { declared, value } of tuned) {
    const keys = ["devices", device.name, declared.key];
    const path = keys.join("/");
    const make = (wanted: number): Wanted => ({ path, kind: "tuning", device: device.name, declared, value: wanted });
    take(keys, value, problems.get(declared.key), make);
  }
}

/** Corrections are wiring: interlocks go by corrected values, and who corrects a sensor stands before it. */
function whyUndeclared(device: Device, name: string): string {
  if (name.startsWith("correct-")) return "corrections are the station file's alone (a new description changes them)";
  const known = [...device.settings.map((setting) => setting.name), ...declaredSettings(device).keys()];
  const near = nearestWord(name, known);
  const advice = near === undefined ? `there are ${known.join(", ")}` : `did you mean ${near}?`;
  return `no such setting; ${advice}`.slice(0, 120);
}

/** Names of a setting's numbers: those of the channel in which it is read back. */
export const statesOf = (device: Device, { readBack }: Setting): ReadonlyMap<number, string> | undefined =>
  device.channels.find(({ name }) => name === readBack)?.states;

const numberOf = (states: ReadonlyMap<number, string>, value: Json): number | undefined =>
  [...states].find(([, name]) => name === value)?.[0];

function readUpload(upload: JsonObject, wanted: Wanted[], refuse: Refuse): void {
  for (const [name, value] of Object.entries(upload)) {
    const keys = ["upload", name];
    const known = UPLOAD_SETTINGS.find((one) => one.name === name);
    const problem = known ? problemWith(known.shape, value) : `no such setting; there are ${UPLOAD_NAMES}`;
    if (!known || problem !== undefined) refuse(keys, problem ?? "");
    else if (typeof value === "number" || typeof value === "string")
      wanted.push({ path: keys.join("/"), kind: "upload", known, value });
  }
}

const UPLOAD_NAMES = UPLOAD_SETTINGS.map(({ name }) => name).join(", ");

/** {every: seconds, until: ms since 1970, or text as in ISO 8601}; one setting, since neither means anything alone. */
function readLive(live: JsonObject, take: Take, refuse: Refuse): void {
  const { every = null, until = null, ...others } = live;
  const untilMs = typeof until === "string" ? Date.parse(until) : until;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) return refuse(["live"], `no such key ${unknown}; there are every and until`.slice(0, 120));
  if (typeof untilMs !== "number" || !Number.isFinite(untilMs)) return refuse(["live"], "until is no time");
  const problem = outOfRange(every, LIVE_EVERY, LIVE_EVERY.unit);
  take(["live"], every, problem && `every: ${problem}`, (value) => ({ path: "live", kind: "live", value, untilMs }));
}

/** Steps count from the range's lower end, as they do in an HTML number input. */
function problemOf(setting: Setting, value: Json): string | undefined {
  const problem = outOfRange(value, setting.range, setting.unit);
  if (problem !== undefined || setting.step === undefined || typeof value !== "number") return problem;
  const steps = (value - setting.range.low) / setting.step;
  if (Math.abs(steps - Math.round(steps)) < 1e-6) return undefined;
  return `${value} is not in steps of ${setting.step} from ${setting.range.low} ${setting.unit}`.trim();
}

/** The twin as rows that a person can read and change. Pure. */
import type { Json, JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { StreamChannel, Twin, TwinSetting } from "../api/contract.ts";
import { isRemoved } from "./removed.ts";
import { settingUnit } from "./setting-units.ts";

export type SettingValue = number | string | boolean;

export interface SettingRow {
  /** "devices/pump/target" */
  readonly path: string;
  /** "pump", or "station" for what belongs to no device. */
  readonly group: string;
  readonly name: string;
  readonly unit: string;
  /** Names of its states, where it is one of several; else a value is typed. */
  readonly choices: readonly string[];
  readonly desired: SettingValue | null;
  readonly reported: SettingValue | null;
  readonly answer: Answer;
  /** Of a device that left the description: what was set can be taken back, and nothing can be set. */
  readonly isRemoved: boolean;
  /** Of `live`: ms since 1970. */
  readonly until?: number;
}

export interface Answer {
  readonly kind: "file" | "applied" | "sent" | "waits" | "refused" | "failed";
  readonly words: string;
}

interface DeviceChannels {
  readonly device: string;
  readonly channels: readonly StreamChannel[];
}

/** Every setting that was set, that the station reports, or that each station has (cadence, upload interval). */
export function settingRows(twin: Twin, devices: readonly DeviceChannels[]): SettingRow[] {
  const settings = new Map<string, TwinSetting>();
  const isGone = (path: string): boolean => {
    const [root, device, name] = path.split("/");
    return root === "devices" && name !== undefined && isRemoved(twin, device ?? "");
  };
  for (const device of devices) settings.set(`devices/${device.device}/every`, unset(`devices/${device.device}/every`));
  settings.set("upload/interval", unset("upload/interval"));
  settings.set(LIVE, unset(LIVE));
  for (const setting of acknowledgedIn(twin.reported, "")) settings.set(setting.path, setting);
  for (const setting of twin.settings) settings.set(setting.path, setting);
  // A device or object that is refused as a whole is answered for at each of its values.
  const isWhole = (path: string): boolean => [...settings.keys()].some((other) => other.startsWith(`${path}/`));
  return [...settings.values()]
    .filter(({ path, desired }) => desired !== null || !isWhole(path))
    .filter(({ path, desired }) => desired !== null || !isGone(path))
    .map((setting) => ({ ...rowFrom(setting, devices, isGone(setting.path)), ...untilOf(setting, twin) }))
    .sort((a, b) => groupOrder(a) - groupOrder(b) || a.group.localeCompare(b.group) || nameOrder(a, b));
}

/** Desired as {every, until}: one row, and a control of its own. */
export const LIVE = "live";

function untilOf({ path, desired }: TwinSetting, twin: Twin): { readonly until?: number } {
  const { live } = twin.desired;
  if (path !== LIVE || desired === null || !isObject(live)) return {};
  const until = typeof live["until"] === "string" ? Date.parse(live["until"]) : live["until"];
  return typeof until === "number" && Number.isFinite(until) ? { until } : {};
}

const groupOrder = (row: SettingRow): number => (row.path.startsWith("devices/") ? 0 : 1);
/** A device's own settings before its cadence. */
const nameOrder = (a: SettingRow, b: SettingRow): number =>
  Number(a.name === "every") - Number(b.name === "every") || a.name.localeCompare(b.name);

const unset = (path: string): TwinSetting => ({
  path,
  desired: null,
  desiredVersion: 0,
  reported: null,
  ac: null,
  av: null,
  ad: null,
  converged: true,
});

/** Acknowledged values ({value, ac, av, ad}) anywhere in the reported document. */
function acknowledgedIn(document: JsonObject, path: string): TwinSetting[] {
  return Object.entries(document).flatMap(([key, value]): TwinSetting[] => {
    const here = path ? `${path}/${key}` : key;
    if (!isObject(value)) return [];
    if (typeof value["ac"] !== "number" || !("value" in value)) return acknowledgedIn(value, here);
    const { ac, av, ad } = value;
    const answered = { ac, av: typeof av === "number" ? av : null, ad: typeof ad === "string" ? ad : null };
    return [{ ...unset(here), reported: scalarFrom(value["value"]), ...answered }];
  });
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const scalarFrom = (value: Json | undefined): SettingValue | null =>
  typeof value === "number" || typeof value === "string" || typeof value === "boolean" ? value : null;

function rowFrom(setting: TwinSetting, devices: readonly DeviceChannels[], isGone: boolean): SettingRow {
  const parts = setting.path.split("/");
  const isOfDevice = parts[0] === "devices" && parts.length > 2;
  const group = isOfDevice ? (parts[1] ?? "") : "station";
  const name = isOfDevice ? parts.slice(2).join(" ") : parts.join(" ");
  const channels = devices.find((device) => device.device === group)?.channels ?? [];
  const states = channels.find((channel) => channel.name === setting.path.split("/").at(-1))?.states ?? {};
  const { path, desired, reported } = setting;
  return {
    path,
    group,
    name,
    unit: settingUnit(path, channels),
    choices: Object.values(states),
    desired,
    reported,
    answer: answerOf(setting),
    isRemoved: isGone,
  };
}

const ANSWERS: Readonly<Record<number, { readonly kind: Answer["kind"]; readonly word: string }>> = {
  200: { kind: "applied", word: "applied" },
  202: { kind: "waits", word: "waits" },
  203: { kind: "applied", word: "the station's own value" },
  400: { kind: "refused", word: "refused" },
  500: { kind: "failed", word: "failed" },
};

/** The station's acknowledgement in words; an answer to an older request is no answer. */
export function answerOf(setting: TwinSetting): Answer {
  if (setting.desired === null) return { kind: "file", words: fileWords(setting) };
  const isAnswered = setting.ac !== null && (setting.av ?? 0) >= setting.desiredVersion;
  if (!isAnswered) return { kind: "sent", words: "sent, not answered yet" };
  const answer = ANSWERS[setting.ac ?? 0] ?? { kind: "failed", word: `answered ${setting.ac}` };
  // The station may have answered this version and run something else since: then it hasn't converged.
  const isApplied = answer.kind === "applied" && setting.converged;
  const kind = answer.kind === "applied" && !isApplied ? "waits" : answer.kind;
  const word = answer.kind === "applied" && !isApplied ? "applied, not running yet" : answer.word;
  return { kind, words: setting.ad ? `${word}: ${setting.ad}` : word };
}

const fileWords = (setting: TwinSetting): string =>
  setting.path === LIVE
    ? "nobody watches"
    : setting.reported === null
      ? "not set from here"
      : "from the station's file";

/** The merge patch that sets one value; null gives it back to the station's file. */
export function patchFrom(path: string, value: Json): JsonObject {
  return path.split("/").reduceRight<Json>((inner, key) => ({ [key]: inner }), value) as JsonObject;
}

export type ParsedValue = { readonly ok: SettingValue } | { readonly problem: string };

/** What was typed, as the kind of value that stands there now; numbers with a decimal comma too. */
export function valueFrom(typed: string, like: SettingValue | null): ParsedValue {
  const text = typed.trim();
  if (text === "") return { problem: "Type a value first." };
  if (typeof like === "string") return { ok: text };
  if (typeof like === "boolean" || /^(true|false)$/.test(text)) {
    return text === "true" || text === "false" ? { ok: text === "true" } : { problem: "This is either true or false." };
  }
  if (/^[+-]?\d+([.,]\d+)?$/.test(text)) return { ok: Number(text.replace(",", ".")) };
  return like === null && !/^[\d+\-.,]/.test(text) ? { ok: text } : { problem: `“${text}” is not a number.` };
}

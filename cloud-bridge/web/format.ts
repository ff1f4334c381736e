/** Numbers, units, times and reasons as a person reads them. Pure: locale and zone may be given, else the browser's. */
import type { MissingReason } from "@pump-station/agent/reading.ts";

export interface Manner {
  readonly locale?: string;
  readonly timeZone?: string;
}

/** Digits after the point that a resolution is worth: 0.1 → 1, 0.25 → 2, 10 → 0; at most 6. */
export function decimalsOf(resolution: number): number {
  if (!(resolution > 0)) return 0;
  for (let decimals = 0; decimals < 6; decimals++) {
    const scaled = resolution * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return 6;
}

export const numberText = (value: number, resolution: number, manner: Manner = {}): string => {
  const digits = decimalsOf(resolution);
  return value.toLocaleString(manner.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
};

export const countText = (count: number, manner: Manner = {}): string => count.toLocaleString(manner.locale);

/** "1 sample", "2 samples" */
export const countOf = (count: number, noun: string, manner: Manner = {}): string =>
  `${countText(count, manner)} ${noun}${count === 1 ? "" : "s"}`;

/** Payload bytes per reading, "–" before the first reading. */
export const bytesPerReadingText = (bytes: number, readings: number, manner: Manner = {}): string =>
  readings > 0 ? numberText(bytes / readings, 0.01, manner) : "–";

export function bytesText(bytes: number, manner: Manner = {}): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${numberText(bytes / 1e3, 0.1, manner)} kB`;
  if (bytes < 1e9) return `${numberText(bytes / 1e6, 0.1, manner)} MB`;
  return `${numberText(bytes / 1e9, 0.1, manner)} GB`;
}

/** UCUM names that people write otherwise. */
const UNITS: Readonly<Record<string, string>> = {
  Cel: "°C",
  degF: "°F",
  K: "K",
  Ohm: "Ω",
  deg: "°",
  "m/s2": "m/s²",
  m2: "m²",
  m3: "m³",
  "m3/h": "m³/h",
  "W/m2": "W/m²",
  um: "µm",
  us: "µs",
  uA: "µA",
  "%RH": "% RH",
  "{count}": "",
  "1": "",
};

export const unitText = (unit: string): string => UNITS[unit] ?? unit;

/** How long a span is, in its largest unit: "8 s", "3 min", "5 h", "12 d". */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** A station's clock may be a little ahead of the browser's: that is "now" too. */
export const ageText = (ms: number): string => (ms < 1500 ? "now" : `${durationText(ms)} ago`);

/** Of times that the station couldn't know: by how many ms at most they are too late; null: nobody can say. */
export const uncertainText = (ms: number | null): string =>
  ms === null
    ? "times are estimates: the station's clock isn't set yet"
    : `times are estimates, up to ${durationText(ms)} too late: the station's clock was never set then`;

/** "14:03:12" on the day of `now`, "3 May, 14:03:12" on another one. */
/** What a station reports of somebody working there; undefined when nobody does, or when it is over by now. */
export function onSiteText(reported: unknown, now: number, manner: Manner = {}): string | undefined {
  if (typeof reported !== "object" || reported === null) return undefined;
  const { until } = reported as { readonly until?: unknown };
  if (typeof until !== "number") return "somebody is on site";
  return until > now ? `somebody is on site until ${clockText(until, now, manner)}` : undefined;
}

export function clockText(time: number, now: number, manner: Manner = {}): string {
  const zone = manner.timeZone === undefined ? {} : { timeZone: manner.timeZone };
  const clock: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const day: Intl.DateTimeFormatOptions = { year: "numeric", month: "numeric", day: "numeric", ...zone };
  const dayOf = new Intl.DateTimeFormat("en", day);
  const isSameDay = dayOf.format(time) === dayOf.format(now);
  const shown: Intl.DateTimeFormatOptions = isSameDay ? clock : { day: "numeric", month: "short", ...clock };
  return new Intl.DateTimeFormat(manner.locale, { ...shown, ...zone }).format(time);
}

/** Labels of a time axis: seconds only where ticks are closer than a minute, days where they are a day apart. */
export function tickTexts(ticks: readonly number[], stepMs: number, manner: Manner = {}): string[] {
  const zone = manner.timeZone === undefined ? {} : { timeZone: manner.timeZone };
  const shown: Intl.DateTimeFormatOptions =
    stepMs >= 86_400_000
      ? { day: "numeric", month: "short" }
      : { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(stepMs < 60_000 ? { second: "2-digit" } : {}) };
  const format = new Intl.DateTimeFormat(manner.locale, { ...shown, ...zone });
  return ticks.map((tick) => format.format(tick));
}

const REASONS: Readonly<Record<MissingReason, string>> = {
  timeout: "no answer",
  nack: "not on the bus",
  checksum: "bad checksum",
  malformed: "unreadable answer",
  refused: "device refused",
  "port-absent": "port not there",
  "device-off": "device off",
  "no-sensor": "sensor unplugged",
  implausible: "implausible value",
  stale: "value too old",
  unchanged: "unchanged",
  busy: "port busy",
  "left-out": "left out by a filter",
  calm: "no wind, no direction",
  "too-few": "too few readings",
};

/** A reason's words; `refused` keeps the device's own number: "refused(3)", "refused:3" → "device refused (code 3)". */
export function reasonText(reason: string): string {
  const name = /^[a-z]+(?:-[a-z]+)*/.exec(reason)?.[0] ?? reason;
  const words = Object.hasOwn(REASONS, name) ? REASONS[name as MissingReason] : name;
  const code = /\d+/.exec(reason.slice(name.length))?.[0];
  return code === undefined ? words : `${words} (code ${code})`;
}

/** The small-change filter left it out: the value before still holds. Every other reason is a gap. */
export const isUnchanged = (reason: string): boolean => reason === "unchanged";

/** A filter of the station thinned the channel out here: no value, and no gap either. */
export const isLeftOut = (cell: number | string | null): boolean => cell === "left-out";

/** "too-hot" → "too hot" */
export const nameText = (name: string): string => name.replaceAll("-", " ");

/**
 * Hours at which uploads may happen, as agent.yaml and the twin say them.
 *
 *   agent.yaml   - { days: [sat, sun], from: "02:30", to: "05:00" }
 *   twin         "sat sun 02:30-05:00; 12:00-13:00"; "always": at any hour
 *
 * In the twin they are one text, since a setting there has one value, which is answered with one value.
 */
export const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

export interface UploadWindow {
  /** Days on which it opens; every day when left out. */
  readonly days?: readonly (typeof DAYS)[number][] | undefined;
  /** "HH:MM" */
  readonly from: string;
  /** "HH:MM"; at or before `from` it means the next day. */
  readonly to: string;
}

const ALWAYS = "always";
/** Two for each day, and some. */
const WINDOWS_MAX = 16;
const WINDOW = /^((?:(?:sun|mon|tue|wed|thu|fri|sat) +)*)((?:[01]\d|2[0-3]):[0-5]\d) *- *((?:[01]\d|2[0-3]):[0-5]\d)$/;

/** undefined for a text that says no windows. None in the list: at any hour. */
export function windowsFromText(text: string): readonly UploadWindow[] | undefined {
  if (text.trim() === ALWAYS) return [];
  const parts = text.split(";").map((part) => part.trim());
  if (parts.length > WINDOWS_MAX) return undefined;
  const windows = parts.map(windowFrom);
  return windows.some((window) => window === undefined) ? undefined : windows.flatMap((window) => window ?? []);
}

export const textFromWindows = (windows: readonly UploadWindow[]): string =>
  windows.length === 0
    ? ALWAYS
    : windows.map(({ days = [], from, to }) => [...days, `${from}-${to}`].join(" ")).join("; ");

function windowFrom(text: string): UploadWindow | undefined {
  const [, days, from, to] = WINDOW.exec(text) ?? [];
  if (from === undefined || to === undefined) return undefined;
  const named = DAYS.filter((day) => (days ?? "").split(/ +/).includes(day));
  return { ...(named.length > 0 && { days: named }), from, to };
}

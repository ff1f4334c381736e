/**
 * Hours at which uploads may happen, in the station's time zone: `{ days: ["sat", "sun"], from: "02:30", to: "05:00" }`.
 * Openings come from node-schedule's RecurrenceRule, asked as a pure function: its own timers never run here.
 * A window lasts as long as its wall times are apart on an ordinary day, also when clocks change while it is open.
 */
import schedule from "node-schedule";
import { DAYS, type UploadWindow } from "../wire/upload-windows.ts";

export { DAYS, type UploadWindow } from "../wire/upload-windows.ts";

export interface UploadWindows {
  /** ms since 1970 */
  isOpen(wallMs: number): boolean;
}

const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

interface Opening {
  readonly rule: schedule.RecurrenceRule;
  readonly days: readonly string[];
  readonly fromMinute: number;
  readonly minutes: number;
}

interface LocalTime {
  readonly day: string;
  /** Minutes since midnight. */
  readonly minute: number;
}

/** Throws RangeError for a time that isn't HH:MM or an unknown time zone. No windows at all: always open. */
export function createUploadWindows(windows: readonly UploadWindow[], timeZone: string): UploadWindows {
  const openings = windows.map((window) => openingOf(window, timeZone));
  const localTime = createLocalTime(timeZone);
  // Asking the rule takes milliseconds, and nothing changes within a minute.
  let asked = { minute: Number.NaN, open: false };
  return {
    isOpen: (wallMs) => {
      const minute = Math.floor(wallMs / MINUTE_MS);
      if (asked.minute !== minute) {
        const now = minute * MINUTE_MS;
        const open = openings.length === 0 || openings.some((opening) => isOpen(opening, now, localTime));
        asked = { minute, open };
      }
      return asked.open;
    },
  };
}

/** The time zone is the running description's, which may come later than the configuration and change; so may windows. */
export function createStationWindows(windows: () => readonly UploadWindow[], timeZone: () => string): UploadWindows {
  const made = () => ({ list: windows(), zone: timeZone(), windows: createUploadWindows(windows(), timeZone()) });
  let known = made();
  return {
    isOpen: (wallMs) => {
      if (timeZone() !== known.zone || windows() !== known.list) known = made();
      return known.windows.isOpen(wallMs);
    },
  };
}

function isOpen(opening: Opening, now: number, localTime: (ms: number) => LocalTime): boolean {
  const { rule, minutes, fromMinute } = opening;
  const opened = (rule.nextInvocationDate(new Date(now - minutes * MINUTE_MS)) as Date | null)?.getTime();
  if (opened !== undefined && opened <= now) {
    // In autumn an hour comes twice; the window opens in the first one only.
    return localTime(opened - HOUR_MS).minute !== fromMinute;
  }
  return isOpenAfterHole(opening, now, localTime);
}

/** In spring an hour is missing. node-schedule skips an opening that fell into it; it counts from the next valid minute. */
function isOpenAfterHole(opening: Opening, now: number, localTime: (ms: number) => LocalTime): boolean {
  const { day, minute } = localTime(now);
  const since = minute - opening.fromMinute;
  if (since < 0 || since >= opening.minutes || !opening.days.includes(day)) return false;
  return localTime(now - since * MINUTE_MS).minute !== opening.fromMinute;
}

function openingOf(window: UploadWindow, timeZone: string): Opening {
  const from = minutesFrom(window.from);
  const to = minutesFrom(window.to);
  const days = window.days ?? DAYS;
  const rule = new schedule.RecurrenceRule();
  rule.tz = timeZone;
  rule.hour = Math.floor(from / 60);
  rule.minute = from % 60;
  rule.second = 0;
  rule.dayOfWeek = days.map((day) => DAYS.indexOf(day));
  return { rule, days, fromMinute: from, minutes: to > from ? to - from : to - from + DAY_MINUTES };
}

function createLocalTime(timeZone: string): (ms: number) => LocalTime {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return {
      day: (parts.get("weekday") ?? "").toLowerCase(),
      minute: Number(parts.get("hour")) * 60 + Number(parts.get("minute")),
    };
  };
}

function minutesFrom(time: string): number {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(time) ?? [];
  if (hours === undefined || minutes === undefined) throw new RangeError(`not a time HH:MM: ${JSON.stringify(time)}`);
  return Number(hours) * 60 + Number(minutes);
}

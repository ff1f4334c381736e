/**
 * Hours at which uploads may happen, in the station's time zone: `{ days: ["sat", "sun"], from: "02:30", to: "05:00" }`.
 * Openings come from node-schedule's RecurrenceRule, asked as a pure function: its own timers never run here. It is asked
 * about what local clocks say, as if they were UTC's: its own time zones are ICU's, which cost 8 MB (time-zone.ts).
 * A window lasts as long as its wall times are apart on an ordinary day, also when clocks change while it is open.
 */
import schedule from "node-schedule";
import {
  createIntlOffset,
  firstInstantOf,
  type LocalTime,
  localTimeAt,
  type ZoneOffset,
} from "../time-zone/time-zone.ts";
import { DAYS, type UploadWindow } from "../wire/upload-windows.ts";

export { DAYS, type UploadWindow } from "../wire/upload-windows.ts";

export interface UploadWindows {
  /** ms since 1970 */
  isOpen(wallMs: number): boolean;
}

const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The one that is open, and the one after it, looked for from several times. */
const NEXT_KEPT = 4;

interface Opening {
  /** The opening after a time, by local clocks as if they were UTC's; Infinity: none. */
  readonly next: (afterMs: number) => number;
  readonly days: readonly string[];
  readonly fromMinute: number;
  readonly minutes: number;
}

/** Local clocks are put back or forward by at most this, but for islands that changed sides of the date line. */
const CLOCK_CHANGE_MAX_MS = 3 * HOUR_MS;

/** Throws RangeError for a time that isn't HH:MM. No windows at all: always open. */
export function createUploadWindows(
  windows: readonly UploadWindow[],
  timeZone: string,
  offset: ZoneOffset = createIntlOffset(),
): UploadWindows {
  const openings = windows.map(openingOf);
  const zone: Zone = {
    local: (ms) => localTimeAt(ms, timeZone, offset),
    firstInstantOf: (asUtcMs) => firstInstantOf(asUtcMs, timeZone, offset),
  };
  // Asking the rule takes milliseconds, and nothing changes within a minute.
  let asked = { minute: Number.NaN, open: false };
  return {
    isOpen: (wallMs) => {
      const minute = Math.floor(wallMs / MINUTE_MS);
      if (asked.minute !== minute) {
        const now = minute * MINUTE_MS;
        const open = openings.length === 0 || openings.some((opening) => isOpen(opening, now, zone));
        asked = { minute, open };
      }
      return asked.open;
    },
  };
}

/** The time zone is the running description's, which may come later than the configuration and change; so may windows. */
export function createStationWindows(
  windows: () => readonly UploadWindow[],
  timeZone: () => string,
  offset: ZoneOffset = createIntlOffset(),
): UploadWindows {
  const made = () => ({
    list: windows(),
    zone: timeZone(),
    windows: createUploadWindows(windows(), timeZone(), offset),
  });
  let known = made();
  return {
    isOpen: (wallMs) => {
      if (timeZone() !== known.zone || windows() !== known.list) known = made();
      return known.windows.isOpen(wallMs);
    },
  };
}

interface Zone {
  readonly local: (ms: number) => LocalTime;
  readonly firstInstantOf: (asUtcMs: number) => number | undefined;
}

/** In autumn an hour comes twice; the window opens in the first one only. */
function isOpen(opening: Opening, now: number, zone: Zone): boolean {
  const { next, minutes } = opening;
  const { asUtcMs } = zone.local(now);
  let asked = asUtcMs - minutes * MINUTE_MS - CLOCK_CHANGE_MAX_MS;
  const untilMs = asUtcMs + CLOCK_CHANGE_MAX_MS;
  for (let at = next(asked); at <= untilMs; at = next(asked)) {
    const opened = zone.firstInstantOf(at);
    if (opened !== undefined && opened <= now && now < opened + minutes * MINUTE_MS) return true;
    asked = at;
  }
  return isOpenAfterHole(opening, now, zone);
}

/** In spring an hour is missing. A window that would open in it opens at the next minute that there is. */
function isOpenAfterHole(opening: Opening, now: number, { local, firstInstantOf }: Zone): boolean {
  const { weekday, minute, asUtcMs } = local(now);
  const since = minute - opening.fromMinute;
  if (since < 0 || since >= opening.minutes || !opening.days.includes(DAYS[weekday] ?? "")) return false;
  return firstInstantOf(asUtcMs - since * MINUTE_MS) === undefined;
}

function openingOf(window: UploadWindow): Opening {
  const from = minutesFrom(window.from);
  const to = minutesFrom(window.to);
  const days = window.days ?? DAYS;
  const rule = new schedule.RecurrenceRule();
  rule.tz = "UTC";
  rule.hour = Math.floor(from / 60);
  rule.minute = from % 60;
  rule.second = 0;
  rule.dayOfWeek = days.map((day) => DAYS.indexOf(day));
  const minutes = to > from ? to - from : to - from + DAY_MINUTES;
  return { next: nextOf(rule), days, fromMinute: from, minutes };
}

/** Asking a rule takes milliseconds; until an opening has passed, it is the next one. */
function nextOf(rule: schedule.RecurrenceRule): (afterMs: number) => number {
  const found: { readonly from: number; readonly at: number }[] = [];
  return (afterMs) => {
    const known = found.find(({ from, at }) => from <= afterMs && afterMs < at);
    if (known) return known.at;
    const at = (rule.nextInvocationDate(new Date(afterMs)) as Date | null)?.getTime() ?? Number.POSITIVE_INFINITY;
    found.push({ from: afterMs, at });
    if (found.length > NEXT_KEPT) found.shift();
    return at;
  };
}

function minutesFrom(time: string): number {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(time) ?? [];
  if (hours === undefined || minutes === undefined) throw new RangeError(`not a time HH:MM: ${JSON.stringify(time)}`);
  return Number(hours) * 60 + Number(minutes);
}

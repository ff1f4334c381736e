/**
 * The rule at the end of a zone file, as POSIX writes TZ and RFC 9636 §3.3.1 extends it:
 *
 *   CET-1CEST,M3.5.0,M10.5.0/3      an hour ahead of UTC (west counts up); two in summer, which begins in month 3 on the
 *                                   last (5) Sunday (0) at 02:00 of the clocks before it, and ends likewise at 03:00
 *   <+0330>-3:30                    always the same
 *
 * Days by their number in the year (J60, 59) are in no zone of the database, and not understood.
 */
import type { OffsetSeconds } from "./tzif.ts";

interface Change {
  readonly month: number;
  /** 5: the last one */
  readonly week: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** s since midnight, -167 to 167 h */
  readonly timeS: number;
}

const NAME = "(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]+>)";
const TIME = "[+-]?\\d{1,3}(?::\\d{2}){0,2}";
const RULE = new RegExp(`^${NAME}(${TIME})(?:${NAME}(${TIME})?,([^,]+),([^,]+))?$`);
const CHANGE = new RegExp(`^M(\\d{1,2})\\.([1-5])\\.([0-6])(?:/(${TIME}))?$`);
const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;

/** Undefined: not such a rule. */
export function posixRule(text: string): OffsetSeconds | undefined {
  const [, standard, summer, begins, ends] = RULE.exec(text) ?? [];
  if (standard === undefined) return undefined;
  const winterS = 0 - secondsFrom(standard);
  if (begins === undefined || ends === undefined) return () => winterS;
  const summerS = summer === undefined ? winterS + HOUR_S : 0 - secondsFrom(summer);
  const [begin, end] = [changeFrom(begins), changeFrom(ends)];
  if (!begin || !end) return undefined;
  return (atS) => {
    const year = new Date((atS + winterS) * 1000).getUTCFullYear();
    const beginS = startOf(begin, year) - winterS;
    const endS = startOf(end, year) - summerS;
    const isSummer = beginS < endS ? atS >= beginS && atS < endS : atS >= beginS || atS < endS;
    return isSummer ? summerS : winterS;
  };
}

function changeFrom(text: string): Change | undefined {
  const [, month, week, weekday, time = "2"] = CHANGE.exec(text) ?? [];
  if (month === undefined || Number(month) < 1 || Number(month) > 12) return undefined;
  return { month: Number(month), week: Number(week), weekday: Number(weekday), timeS: secondsFrom(time) };
}

/** As the clocks before it say; s since 1970 as if they were UTC's. */
function startOf({ month, week, weekday, timeS }: Change, year: number): number {
  const firstS = Date.UTC(year, month - 1, 1) / 1000;
  const days = Date.UTC(year, month, 1) / 1000 / DAY_S - firstS / DAY_S;
  const first = (weekday - new Date(firstS * 1000).getUTCDay() + 7) % 7;
  const wanted = first + (week - 1) * 7;
  return firstS + (wanted < days ? wanted : wanted - 7) * DAY_S + timeS;
}

function secondsFrom(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, "").split(":").map(Number);
  return (text.startsWith("-") ? -1 : 1) * (hours * HOUR_S + minutes * 60 + seconds);
}

/** Calendar months in the station's time zone: what a SIM card's budget is counted in. */
import { createIntlOffset, localTimeAt, type ZoneOffset } from "../time-zone/time-zone.ts";

export interface Month {
  /** "2026-11" */
  readonly key: string;
  /** ms since 1970 */
  readonly startMs: number;
  readonly endMs: number;
}

/** The month in which `wallMs` lies; the zone is the running description's, which may change. */
export function createMonths(
  timeZone: () => string,
  offset: ZoneOffset = createIntlOffset(),
): (wallMs: number) => Month {
  let known: { readonly zone: string; readonly month: Month } | undefined;
  return (wallMs) => {
    const zone = timeZone();
    const isKnown = known?.zone === zone && wallMs >= known.month.startMs && wallMs < known.month.endMs;
    if (!known || !isKnown) known = { zone, month: monthOf(wallMs, zone, offset) };
    return known.month;
  };
}

function monthOf(wallMs: number, timeZone: string, offset: ZoneOffset): Month {
  const local = (ms: number) => localTimeAt(ms, timeZone, offset);
  const { year, month } = local(wallMs);
  return {
    key: `${year}-${String(month).padStart(2, "0")}`,
    startMs: firstOf(year, month, local),
    endMs: firstOf(year, month + 1, local),
  };
}

/** 00:00 of a month's first day, or the first minute there is of it where clocks change at midnight. */
function firstOf(year: number, month: number, local: (ms: number) => { readonly asUtcMs: number }): number {
  const wanted = Date.UTC(year, month - 1, 1);
  let guess = wanted;
  // The offset at the guess may be that of before or after a change of clocks; the second turn has the right one.
  for (let turn = 0; turn < 2; turn++) guess += wanted - local(guess).asUtcMs;
  return guess;
}

/** Calendar months in the station's time zone: what a SIM card's budget is counted in. */
export interface Month {
  /** "2026-11" */
  readonly key: string;
  /** ms since 1970 */
  readonly startMs: number;
  readonly endMs: number;
}

/** The month in which `wallMs` lies; the zone is the running description's, which may change. */
export function createMonths(timeZone: () => string): (wallMs: number) => Month {
  let known: { readonly zone: string; readonly month: Month } | undefined;
  return (wallMs) => {
    const zone = timeZone();
    const isKnown = known?.zone === zone && wallMs >= known.month.startMs && wallMs < known.month.endMs;
    if (!known || !isKnown) known = { zone, month: monthOf(wallMs, zone) };
    return known.month;
  };
}

function monthOf(wallMs: number, timeZone: string): Month {
  const local = localTime(timeZone);
  const [year, month] = local(wallMs);
  return {
    key: `${year}-${String(month).padStart(2, "0")}`,
    startMs: firstOf(year, month, local),
    endMs: firstOf(year, month + 1, local),
  };
}

type LocalTime = (ms: number) => readonly [year: number, month: number, asUtcMs: number];

/** 00:00 of a month's first day, or the first minute there is of it where clocks change at midnight. */
function firstOf(year: number, month: number, local: LocalTime): number {
  const wanted = Date.UTC(year, month - 1, 1);
  let guess = wanted;
  // The offset at the guess may be that of before or after a change of clocks; the second turn has the right one.
  for (let turn = 0; turn < 2; turn++) guess += wanted - local(guess)[2];
  return guess;
}

function localTime(timeZone: string): LocalTime {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    hourCycle: "h23",
  });
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
    const [year, month] = [part("year"), part("month")];
    return [year, month, Date.UTC(year, month - 1, part("day"), part("hour"), part("minute"), part("second"))];
  };
}

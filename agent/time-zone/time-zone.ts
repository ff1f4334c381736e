/**
 * Local time without `Intl.DateTimeFormat`, the first use of which maps 6 MB of ICU's data and allocates 2 MB: more than
 * a tenth of what the agent may take, for a number that changes twice a year.
 */

/** How far the clocks of a time zone ("Europe/Berlin") are ahead of UTC at a time in ms since 1970; in ms, negative west. */
export type ZoneOffset = (timeZone: string, wallMs: number) => number;

export interface LocalTime {
  readonly year: number;
  /** 1 to 12 */
  readonly month: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** Since midnight. */
  readonly minute: number;
  /** What UTC's clocks say when the local ones say this; ms since 1970. */
  readonly asUtcMs: number;
}

const MINUTE_MS = 60_000;

export function localTimeAt(wallMs: number, timeZone: string, offset: ZoneOffset): LocalTime {
  const asUtcMs = wallMs + (isUtc(timeZone) ? 0 : offset(timeZone, wallMs));
  const date = new Date(asUtcMs);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    weekday: date.getUTCDay(),
    minute: date.getUTCHours() * 60 + date.getUTCMinutes(),
    asUtcMs,
  };
}

const isUtc = (timeZone: string): boolean => timeZone === "UTC" || timeZone === "Etc/UTC";

/** By ICU, where nothing cheaper knows the zone. Throws RangeError for an unknown one. */
export function createIntlOffset(): ZoneOffset {
  let known: { readonly zone: string; readonly format: Intl.DateTimeFormat } | undefined;
  return (zone, wallMs) => {
    if (known?.zone !== zone) known = { zone, format: formatFor(zone) };
    const parts = new Map(known.format.formatToParts(wallMs).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
    const date = Date.UTC(part("year"), part("month") - 1, part("day"));
    const asUtcMs = date + ((part("hour") * 60 + part("minute")) * 60 + part("second")) * 1000;
    return asUtcMs - Math.floor(wallMs / 1000) * 1000;
  };
}

const formatFor = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat("en-GB", {
    timeZone,
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    hourCycle: "h23",
  });

/** "14:05" */
export function timeOfDay(wallMs: number, timeZone: string, offset: ZoneOffset): string {
  const { minute } = localTimeAt(wallMs, timeZone, offset);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** The first time at which local clocks say `asUtcMs`; undefined: they never do, being put forward over it. */
export function firstInstantOf(asUtcMs: number, timeZone: string, offset: ZoneOffset): number | undefined {
  const DAY_MS = 24 * 60 * MINUTE_MS;
  const offsets = [asUtcMs - DAY_MS, asUtcMs + DAY_MS].map((ms) => localTimeAt(ms, timeZone, offset).asUtcMs - ms);
  const instants = offsets.map((ahead) => asUtcMs - ahead).sort((a, b) => a - b);
  return instants.find((ms) => localTimeAt(ms, timeZone, offset).asUtcMs === asUtcMs);
}

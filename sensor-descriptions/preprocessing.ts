/** The nouns of what a device's values go through on the station, between being read and being kept. */

/** From what a sensor says to what is meant, in the channel's unit; a number is added. See `correction.ts`. */
export type Correction =
  | number
  /** At least two, `read` rising: a straight line between neighbours, the outer two go on beyond the ends. */
  | { readonly points: readonly { readonly read: number; readonly really: number }[] }
  /** c0 + c1·x + c2·x² … */
  | { readonly polynomial: readonly number[] };

/** One step of a channel's filter; times in ms, amounts in the channel's unit. */
export type FilterStep =
  /** The middle one, or the mean of all, in the time before and including the reading. */
  | { readonly do: "median" | "average"; readonly overMs: number }
  | { readonly do: "exponential-average"; readonly timeConstantMs: number }
  | { readonly do: "clamp"; readonly low: number; readonly high: number }
  /** To whole multiples of `step`. */
  | { readonly do: "round"; readonly step: number }
  /** "implausible" when it differs by more than `by` from the last good one, if that is younger than `withinMs`. */
  | { readonly do: "skip-jumps"; readonly by: number; readonly withinMs: number }
  /** At most one value per slot of this length of monotonic time. */
  | { readonly do: "throttle"; readonly everyMs: number }
  /** That there is no value is told only when there was none for so long. */
  | { readonly do: "timeout"; readonly afterMs: number }
  /** A state counts when it held for so long. */
  | { readonly do: "debounce"; readonly forMs: number };

/** A channel of its own: how fast another one changes, by its oldest and newest value in the time before. */
export interface Rate {
  readonly name: string;
  readonly of: string;
  readonly perMs: number;
  readonly overMs: number;
  /** "mbar/h" */
  readonly unit: string;
  readonly resolution: number;
}

export type AggregateKind = "mean" | "min" | "max" | "sum" | "last" | "vector mean";

/** How the value of one kept channel comes from the readings of a window. */
export interface Aggregate {
  readonly by: AggregateKind;
  /** The channel (or rate) that is aggregated. */
  readonly of: string;
  /** Vector mean: each direction counts as much as this channel says (wind speed). */
  readonly weight?: string;
}

/** One sample per window instead of all of them. */
export interface Aggregation {
  readonly everyMs: number;
  /** Readings must cover at least this share (0 to 1) of a window; default: any one will do. */
  readonly atLeast?: number;
  /** By the name of the kept channel: one of `channels` and `rates`, or a new one ("gust"). */
  readonly by: ReadonlyMap<string, Aggregate>;
}

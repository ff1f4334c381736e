/**
 * The noun that travels: a sample is all channels of one device at one instant,
 * each a value or a named reason why there is none.
 */

/** Stable numbers: they stand in stored batches for ever. Only ever add to this list. */
export const MISSING_REASONS = {
  timeout: 1,
  nack: 2,
  checksum: 3,
  malformed: 4,
  refused: 5,
  "port-absent": 6,
  "device-off": 7,
  "no-sensor": 8,
  implausible: 9,
  stale: 10,
  unchanged: 11,
  busy: 12,
  /** Left out on purpose, by a filter of the description: nothing is known to be wrong. */
  "left-out": 13,
  /** Directions that cancel each other out, or no wind at all: there is no mean direction. */
  calm: 14,
  /** The readings of a window cover less of it than the description asks for. */
  "too-few": 15,
} as const;

export type MissingReason = keyof typeof MISSING_REASONS;

/** `code` is the device's own number for "refused" (Modbus exception, frame error code), 0…255. */
export interface Missing {
  readonly missing: MissingReason;
  readonly code?: number;
}

export type ChannelValue = number | Missing;

export interface Sample {
  readonly device: string;
  /** Milliseconds since this boot (monotonic), taken when the bytes were complete. */
  readonly bootMs: number;
  /** One entry per channel of the device, in the description's order. */
  readonly values: readonly ChannelValue[];
}

/** An alarm that begins or ends. */
export interface AlarmTransition {
  readonly device: string;
  readonly alarm: string;
  readonly severity: "info" | "warning" | "critical";
  readonly active: boolean;
  readonly bootMs: number;
  /** The condition's text, and the values that decided it. */
  readonly because: string;
  /** Somebody works at the station: it pages nobody. */
  readonly onSite?: true;
}

const SHARED = new Map<MissingReason, Missing>();

/** One shared frozen object per reason, so that a dead bus doesn't cost memory. */
export function missing(reason: MissingReason, code?: number): Missing {
  if (code !== undefined) return { missing: reason, code };
  let shared = SHARED.get(reason);
  if (!shared) {
    shared = Object.freeze({ missing: reason });
    SHARED.set(reason, shared);
  }
  return shared;
}

export const isMissing = (value: ChannelValue): value is Missing => typeof value !== "number";

/** Nothing is said about the channel: the last value neither holds nor ends. */
export const isLeftOut = (value: ChannelValue): boolean => isMissing(value) && value.missing === "left-out";

/** The last value holds: it changed by less than is worth sending, or its device had no news of it. */
export const isUnchanged = (value: ChannelValue): boolean => isMissing(value) && value.missing === "unchanged";

/**
 * What a reading means: corrected, and "implausible" outside of the channel's range. Readings, alarms and
 * interlocks all go by this one rule.
 */
export function meantValue(
  value: ChannelValue,
  corrected: (value: number) => number,
  range: { readonly low: number; readonly high: number } | undefined,
): ChannelValue {
  if (isMissing(value)) return value;
  const meant = corrected(value);
  // A polynomial far outside of where it was fitted can leave all bounds.
  if (!Number.isFinite(meant)) return missing("implausible");
  if (range && (meant < range.low || meant > range.high)) return missing("implausible");
  return meant;
}

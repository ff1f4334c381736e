/** A channel's value as formulas and conditions of other channels see it. */
import type { DecodedValue } from "../model.ts";
import type { SpecChannel } from "../spec.ts";

/** The corrected value, and nothing where it isn't plausible. */
export function forFormulas({ range, correct }: SpecChannel, value: DecodedValue = "malformed"): DecodedValue {
  if (typeof value !== "number") return value;
  const meant = correct ? correct(value) : value;
  return !range || (meant >= range.low && meant <= range.high) ? meant : "malformed";
}

/** The numbers of alarms: changed from elsewhere, and whether what ends an alarm can hold where it begins. */
import type { Condition, Limit } from "./model.ts";

const IS_UPPER: Readonly<Record<Limit["comparison"], boolean>> = {
  above: true,
  "at least": true,
  below: false,
  "at most": false,
};

/**
 * `when: temperature above 85 °C` with `until: temperature below 90 °C` would begin and end with each reading between
 * the two. Judged where both are one comparison of one channel; of anything else nobody knows: true.
 */
export function restsBetween(when: Condition, until: Condition | undefined): boolean {
  const [begins, ends] = [when.limits ?? [], until?.limits ?? []];
  const [from, to] = [begins[0], ends[0]];
  if (!from || !to || begins.length > 1 || ends.length > 1) return true;
  if (!isPlain(when, from) || !until || !isPlain(until, to) || from.channel !== to.channel) return true;
  const isUpper = IS_UPPER[from.comparison];
  if (isUpper === IS_UPPER[to.comparison]) return true;
  if (from.value === to.value) return !(from.comparison.startsWith("at") && to.comparison.startsWith("at"));
  return isUpper ? to.value < from.value : to.value > from.value;
}

/** Nothing but the comparison: no state, no `not`. */
const isPlain = ({ text, channels }: Condition, limit: Limit): boolean =>
  channels.length === 1 && text.trimStart().startsWith(limit.channel);

/** The condition with other limits at these places, counted from 0; without limits as it is. */
export const limitedBy = (condition: Condition, values: ReadonlyMap<number, number> | undefined): Condition =>
  (values && condition.withLimits?.(condition.limits?.map(({ value }, at) => values.get(at) ?? value) ?? [])) ??
  condition;

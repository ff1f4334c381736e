/** Channels that count only while a condition on what came in the same answer holds (`valid-when:`). */
import type { Condition, DecodedValue, Values } from "../model.ts";
import type { SpecChannel } from "../spec.ts";
import { forFormulas } from "./for-formulas.ts";

export interface MaybeValid {
  readonly channel: SpecChannel;
  readonly validWhen?: Condition;
}

export interface Validity {
  /** These values as they were read, with "no-sensor" for each channel whose condition doesn't hold among them. */
  counted(read: Values): Map<string, DecodedValue>;
  isOff(name: string, read: Values): boolean;
}

/** `channels`: all that come in one answer, and by which conditions judge. Undefined: none of them has a condition. */
export function createValidity(channels: readonly MaybeValid[]): Validity | undefined {
  const conditions = new Map(
    channels.flatMap(({ channel, validWhen }) => (validWhen ? [[channel.name, validWhen] as const] : [])),
  );
  if (conditions.size === 0) return undefined;
  const known = new Map(channels.map(({ channel }) => [channel.name, channel]));
  const isOff = (condition: Condition, read: Values): boolean => {
    const seen = (input: string): number | undefined => {
      const channel = known.get(input);
      const value = channel && forFormulas(channel, read.get(input));
      return typeof value === "number" ? value : undefined;
    };
    return condition.test(seen) !== true;
  };
  return {
    isOff: (name, read) => {
      const condition = conditions.get(name);
      return condition !== undefined && isOff(condition, read);
    },
    counted: (read) => {
      const values = new Map(read);
      for (const [name, condition] of conditions)
        if (values.has(name) && isOff(condition, read)) values.set(name, "no-sensor");
      return values;
    },
  };
}

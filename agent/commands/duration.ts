/** Times as people write them to a command: "2h", "90 min", "1.5h". */
import { convert } from "@pump-station/sensor-descriptions/units.ts";
import * as z from "zod";

/** undefined: no duration. Milliseconds. */
export function durationMs(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(s|min|h|d)$/.exec(text.trim()) ?? [];
  return number === undefined || unit === undefined ? undefined : convert(Number(number), unit, "ms");
}

/** A duration's text, checked and turned into ms. */
export const duration = (lowMs: number, highMs: number) =>
  z.string().transform((text, context) => {
    const ms = durationMs(text);
    if (ms === undefined) context.addIssue(`"${text.slice(0, 20)}" is no duration; write it like 30min or 2h`);
    else if (ms < lowMs || ms > highMs)
      context.addIssue(`${text} is outside of ${lowMs / 60_000} min to ${highMs / 3_600_000} h`);
    return ms ?? 0;
  });

/** What a sensor says → what is meant, by the station file's `correct:`. */
import type { Correction } from "./preprocessing.ts";

/** Of a number in the channel's unit; without a correction the number itself. */
export function corrected(correction: Correction | undefined): (value: number) => number {
  if (correction === undefined) return (value) => value;
  if (typeof correction === "number") return (value) => value + correction;
  // Horner's rule: (…(cn·x + …)·x + c1)·x + c0
  if ("polynomial" in correction)
    return (value) => correction.polynomial.reduceRight((sum, factor) => sum * value + factor, 0);
  return (value) => onLine(correction.points, value);
}

type Points = readonly { readonly read: number; readonly really: number }[];

function onLine(points: Points, value: number): number {
  const after = points.findIndex(({ read }) => read > value);
  const right = after < 0 ? points.length - 1 : Math.max(1, after);
  const [a, b] = [points[right - 1], points[right]];
  if (!a || !b) return value;
  return a.really + ((value - a.read) * (b.really - a.really)) / (b.read - a.read);
}

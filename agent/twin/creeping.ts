/**
 * Levels that creep (what waits, what the month has cost) are told when they have become another level, not with each
 * step: a report costs about 1 KB of a mobile link with its TLS and its answer. Words among them are states. Pure.
 */
import { isObject, type Json, type JsonObject } from "../wire/twin-document.ts";

/** By how much a number must differ from what the cloud has, both ways; those without a band only come along. */
type Bands = Readonly<Record<string, { readonly share: number; readonly least: number }>>;

const CREEPING: Readonly<Record<string, Bands>> = {
  // Between two uploads hundreds of samples wait, and none when one has just gone: only their age says anything.
  buffer: {
    "waiting-hours": { share: 0.5, least: 2 },
    dropped: { share: 0.5, least: 0 },
    "room-days": { share: 0.5, least: 2 },
  },
  // Whole megabytes, and of a forecast a quarter: it swings with every morning.
  budget: { "used-mb": { share: 0.25, least: 1 }, "forecast-mb": { share: 0.25, least: 2 } },
  errors: {},
};

/** Those parts of the document that creep, as the cloud has them unless they have become another level. */
export function withinBands(document: JsonObject, remote: JsonObject): JsonObject {
  const banded: Record<string, Json> = { ...document, ...sinceWhenItWas(document, remote) };
  for (const [key, bands] of Object.entries(CREEPING)) {
    const [ours, theirs] = [document[key], remote[key]];
    if (isObject(ours) && isObject(theirs) && !hasMoved(ours, theirs, bands)) banded[key] = calmed(ours, theirs);
  }
  return banded;
}

/** The time at which the digest became what it is doesn't change with the clock by which it is told. */
function sinceWhenItWas({ twin: ours }: JsonObject, { twin: theirs }: JsonObject): JsonObject {
  if (!isObject(ours) || !isObject(theirs) || theirs["since"] === undefined) return {};
  const isSameStill = ours["digest"] === theirs["digest"] && ours["version"] === theirs["version"];
  return isSameStill ? { twin: { ...ours, since: theirs["since"] } } : {};
}

export const withoutCreeping = (patch: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(patch).filter(([key]) => !Object.hasOwn(CREEPING, key)));

/** A patch that says something which can't wait for the hour. */
export const isNews = (patch: JsonObject): boolean =>
  Object.entries(patch).some(
    ([key, inner]) =>
      !Object.hasOwn(CREEPING, key) ||
      (isObject(inner) && Object.values(inner).some((value) => typeof value === "string")),
  );

const hasMoved = (ours: JsonObject, theirs: JsonObject, bands: Bands): boolean =>
  Object.entries(ours).some(([name, entry]) => isOftenAgain(entry, theirs[name])) ||
  Object.entries(bands).some(([name, { share, least }]) => {
    const [a, b] = [ours[name], theirs[name]];
    if (typeof a !== "number" || typeof b !== "number") return a !== b;
    return Math.abs(a - b) > Math.max(least, share * Math.abs(b));
  });

/** An error is told again when it has come twice as often, and when it is counted anew. */
function isOftenAgain(ours: Json, theirs: Json | undefined): boolean {
  if (!isObject(ours) || !isObject(theirs)) return false;
  const [n, before] = [Number(ours["n"]), Number(theirs["n"])];
  return n < before || n >= 2 * before;
}

const calmed = (ours: JsonObject, theirs: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(ours).map(([name, value]) => {
      const there = theirs[name];
      const isLevel = typeof value !== "string" && there !== undefined && typeof value === typeof there;
      return [name, isLevel ? there : value];
    }),
  );

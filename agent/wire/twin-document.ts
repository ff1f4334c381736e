/**
 * The portable twin document: ≤ 8 KB a side, depth ≤ 5, no ".", "$" or space in keys, arrays replaced whole.
 *
 * desired  = { "$version": n,
 *              devices: { pump: { target: 900, every: 60 } },     settings in the setting's unit; times in seconds
 *              upload:  { interval: 900, windows: "sat sun 02:30-05:00", budget: 50, "keep-alive": "learn" },
 *              live:    { every: 5, until: 1793000000000 } }       seconds; ms since 1970, at most 30 min ahead
 *              description: { url, sha256, signature, based-on, … },   another description (update/wanted.ts)
 *            a null value falls back to the file's default (RFC 7396: it is absent from the merged document).
 *            All settings of a station: twin/known-settings.ts, and `settings:` of its devices' files.
 * reported = { "$version": n,
 *              agent:   { version, epoch, boot },
 *              description: { hash, runs: "file" | "last good" | "nothing", problems,
 *                             value, ac, av, ad },                 of a desired one; value: hash of what runs
 *              twin:    { version: of desired that is answered, digest, since: when it became that (ISO 8601),
 *                         open: settings that don't run as desired, left-out: settings that don't fit in here,
 *                         refusals: [{ at: "devices/pump/max speed", ac: 400, av, ad }, …]: refused values that can't be
 *                         answered in their place, at most 12,
 *                         refused: why the document is refused as a whole, crashes: ends out of order in short time },
 *              devices: { pump: { health: "good" | reason, target: {value, ac, av, ad}, every: {…} } },
 *              upload:  { interval: {…} },
 *              buffer:  { waiting: n samples, waiting-hours: age of the oldest, dropped: n samples,
 *                         room-days: how long the cloud may be away at today's rate, flash: "good" | "failing" },
 *              live:    {value, ac, av, ad},                       null when it is over
 *              budget:  { month: "2026-11", "used-mb", "forecast-mb", "of-mb" },
 *              economy: { step, name },                            what it does without; step 0: nothing
 *              errors:  { EVENT: { at: ISO 8601, n } },            the newest few, each with its last time and its count
 *              schemas: { pump: hash } }
 * Acknowledgement as in IoT Plug and Play: value = what runs (read back), ac = 200 | 202 waits | 400 refused | 500 failed,
 * av = the desired $version answered, ad = reason in words.
 *
 * A refused value is answered in its place, also where nobody knows its name, letters beyond ASCII included. Where the
 * name can't stand in a reported document (it has ".", "$", "/", space, a control character, more than 64 characters, or
 * is the station's own, as "agent" and "health" are) its path stands as a text in `twin.refusals`: keys joined by "/",
 * what can't be seen as \u0007, a "/" within a key as ~1, at most 80 characters. Of a document with more nonsense than
 * fits, the rest counts in left-out and open; its digest says of each value that it is refused.
 *
 * What doesn't fit into the 8 KB is left out in this order: schemas, settings that nobody desired (203), settings that run
 * as desired (200), devices in good health, then words. `digest` is never left out. A cloud compares it with the digest
 * of what it desires: equal means that the station has understood all of it and runs it.
 *
 * digest   = the first 12 hex digits, lower case, of SHA-256 over lines, each ended by 0A, sorted by their bytes (UTF-8):
 *
 *              devices/pump/every=60
 *              devices/pump/target=!202
 *              upload/windows="sat sun 02:30-05:00"
 *
 *            one for each value of desired that is no object (an array is one value), but for nulls and keys that begin
 *            with "$": its keys joined by "/", then "=", then what runs: where it runs as desired (200) the desired
 *            value as JSON without spaces, keys sorted, numbers and texts as ECMAScript writes them (60, 0.1, 1e+21; no
 *            \u where it isn't needed); else "!" and the acknowledgement's `ac`. {} has e3b0c44298fc, the three lines
 *            above db13d8207b1a.
 */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export type DesiredDocument = JsonObject & { readonly $version: number };
export type ReportedDocument = JsonObject & { readonly $version: number };

export interface TwinDocuments {
  readonly desired: DesiredDocument;
  readonly reported: ReportedDocument;
}

export interface Acknowledged extends JsonObject {
  /** What runs, as read back from the hardware; null when unknown. */
  readonly value: number | string | boolean | null;
  readonly ac: 200 | 202 | 203 | 400 | 500;
  readonly av: number;
  readonly ad: string;
}

/** Top-level keys of both documents: no device may stand beside them under such a name. */
export const OWN_KEYS: ReadonlySet<string> = new Set([
  "agent",
  "description",
  "devices",
  "upload",
  "buffer",
  "live",
  "budget",
  "economy",
  "errors",
  "schemas",
  "twin",
]);

/** Those that hold settings which can be set one by one: components, where a cloud knows such. */
export const OWN_COMPONENTS: ReadonlySet<string> = new Set(["upload"]);

/** RFC 7396 JSON merge patch: null removes, objects merge, everything else (arrays too) is replaced whole. Pure. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: Record<string, Json> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key === "__proto__") continue;
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Deep equality; the order of an object's keys doesn't count. */
export function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSame(item as Json, b[index] as Json));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}

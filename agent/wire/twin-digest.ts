/** The digest of a twin: its bytes are written out in `twin-document.ts`. */
import { createHash } from "node:crypto";
import { isObject, type Json, type JsonObject } from "./twin-document.ts";

/**
 * 12 hex digits. `answerTo`: how the station answers each value, by its path ("devices/pump/target", a "/" within a key as
 * ~1); a cloud that wants to know what the digest will be once everything runs leaves it out.
 */
export function twinDigest(desired: JsonObject, answerTo: (path: string) => number = () => 200): string {
  const lines = leavesWithPlaces(desired).map(([path, value, place]) => {
    const answer = answerTo(place);
    return `${path}=${answer === 200 ? canonical(value) : `!${answer}`}\n`;
  });
  // Compared as UTF-8 bytes, which is what other languages sort by.
  const sorted = lines.map((line) => Buffer.from(line)).sort((a, b) => Buffer.compare(a, b));
  return createHash("sha256").update(Buffer.concat(sorted)).digest("hex").slice(0, 12);
}

/** Every value that is no object, by its path. Nulls are no values, and keys that begin with "$" belong to the cloud. */
export const leavesOf = (document: JsonObject): [string, Json][] =>
  leavesWithPlaces(document).map(([path, value]) => [path, value]);

function leavesWithPlaces(document: JsonObject): [path: string, value: Json, place: string][] {
  const leaves: [string, Json, string][] = [];
  const below = (path: string, key: string): string => (path === "" ? key : `${path}/${key}`);
  const walk = (value: Json, path: string, place: string): void => {
    if (value === null) return;
    if (!isObject(value)) return void leaves.push([path, value, place]);
    for (const [key, inner] of Object.entries(value)) {
      if (!key.startsWith("$")) walk(inner, below(path, key), below(place, key.replaceAll("/", "~1")));
    }
  };
  walk(document, "", "");
  return leaves.filter(([path]) => path !== "");
}

/** JSON without spaces, keys of objects sorted. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${members.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}

/** Desired documents that are no twin at all: refused as a whole, so that what runs goes on. Pure. */
import { TWIN_BYTES_MAX } from "../limits.ts";
import { isObject, type Json, type JsonObject } from "../wire/twin-document.ts";

/** As the portable document says; whatever is deeper is not meant for us. */
const DEPTH_MAX = 5;

/** Why, in words; undefined when it can be read value by value. */
export function problemOfWhole(desired: JsonObject): string | undefined {
  if (depthOf(desired) > DEPTH_MAX) return `nested deeper than ${DEPTH_MAX}`;
  const bytes = Buffer.byteLength(JSON.stringify(desired));
  return bytes > TWIN_BYTES_MAX ? `${bytes} bytes, at most ${TWIN_BYTES_MAX}` : undefined;
}

/** Level by level: a document that is nested a hundred thousand times would end the process by recursion. */
function depthOf(document: JsonObject): number {
  let level: readonly Json[] = [document];
  for (let depth = 0; ; depth++) {
    const next = level.flatMap((value) =>
      isObject(value) ? Object.values(value) : Array.isArray(value) ? (value as Json[]) : [],
    );
    if (next.length === 0 && !level.some((value) => typeof value === "object" && value !== null)) return depth;
    if (depth > DEPTH_MAX) return depth;
    level = next;
  }
}

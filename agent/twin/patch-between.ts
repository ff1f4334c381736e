/** The merge patch (RFC 7396) that leads from one document to another. Pure. */
import { isObject, isSame, type Json, type JsonObject } from "../wire/twin-document.ts";

export { isSame };

/** A merge patch can't carry null as a value: a member that is null is the same as one that isn't there. */
export function withoutNulls(document: JsonObject): JsonObject {
  const kept: Record<string, Json> = {};
  for (const [key, value] of Object.entries(document)) {
    if (value !== null) kept[key] = isObject(value) ? withoutNulls(value) : value;
  }
  return kept;
}

/** undefined when they are equal. Both must be without nulls. `mergePatch(from, patch)` is equal to `to`. */
export function patchBetween(from: JsonObject, to: JsonObject): JsonObject | undefined {
  const patch: Record<string, Json> = {};
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) patch[key] = null;
  for (const [key, after] of Object.entries(to)) {
    const before = Object.hasOwn(from, key) ? from[key] : undefined;
    if (isObject(before) && isObject(after)) {
      const inner = patchBetween(before, after);
      if (inner) patch[key] = inner;
    } else if (!isSame(before, after)) patch[key] = after;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

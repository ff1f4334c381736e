/** What may stand in a twin document: ≤ 8 KB a side, depth ≤ 5, keys that every cloud takes. */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { TWIN_BYTES_MAX, TWIN_DEPTH_MAX, TWIN_KEY_LENGTH_MAX } from "../limits.ts";

export type TwinRefusal = "not-an-object" | "key" | "depth" | "size" | "conflict";

/** Switch on `reason`; the text says where. */
export class TwinError extends Error {
  override readonly name = "TwinError";
  readonly reason: TwinRefusal;
  constructor(reason: TwinRefusal, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Throws TwinError "not-an-object" | "key" | "depth". */
export function checkPatch(patch: Json | undefined): JsonObject {
  if (!isObject(patch)) throw new TwinError("not-an-object", "twin patch: not a JSON object");
  checkLevel(patch, "", 1);
  return patch;
}

/** Throws TwinError "size": the merged document counts, not the patch. */
export function checkSize(document: JsonObject, side: "desired" | "reported"): JsonObject {
  const bytes = new TextEncoder().encode(JSON.stringify(document)).length;
  if (bytes > TWIN_BYTES_MAX) {
    throw new TwinError("size", `${side}: ${bytes} bytes after the patch, at most ${TWIN_BYTES_MAX}`);
  }
  return document;
}

function checkLevel(value: Json, path: string, depth: number): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > TWIN_DEPTH_MAX) throw new TwinError("depth", `${path}: nested deeper than ${TWIN_DEPTH_MAX}`);
  if (!isObject(value)) {
    for (const item of value) checkLevel(item, path, depth + 1);
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    const here = path ? `${path}/${key}` : key;
    if (!isKey(key)) throw new TwinError("key", `${here.slice(0, 200)}: a key has no ".", "$", "/" or space`);
    checkLevel(inner, here, depth + 1);
  }
}

const isKey = (key: string): boolean =>
  key.length > 0 && key.length <= TWIN_KEY_LENGTH_MAX && key !== "__proto__" && !/[.$/\s\p{Cc}]/u.test(key);

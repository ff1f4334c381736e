/**
 * The JSON that comes down, checked before anybody uses it. A broker may be anybody's: every size, depth and key is
 * judged here, and what doesn't fit is a PayloadError that says what was wrong.
 */
import { TWIN_BYTES_MAX } from "../limits.ts";
import type { Json, JsonObject } from "../wire/twin-document.ts";
import { isObject } from "../wire/twin-document.ts";
import type { CommandCall } from "./cloud.ts";

export class PayloadError extends Error {
  override readonly name = "PayloadError";
}

export interface JsonBounds {
  readonly bytesMax: number;
  readonly depthMax: number;
}

/** Both sides of the twin and the braces around them; the document's own depth is 5, {desired: …} around it makes 6. */
const TWIN_BOUNDS: JsonBounds = { bytesMax: 2 * TWIN_BYTES_MAX + 1024, depthMax: 6 };
/** Of a cloud with limits of its own: a document that is too much is read, so that it can be refused with the reason. */
export const FOREIGN_TWIN_BOUNDS: JsonBounds = { bytesMax: 128 * 1024, depthMax: 64 };
const NAME_MAX = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Throws PayloadError. */
export function objectFrom(payload: Uint8Array, { bytesMax, depthMax }: JsonBounds = TWIN_BOUNDS): JsonObject {
  if (payload.length > bytesMax) throw new PayloadError(`${payload.length} bytes, at most ${bytesMax}`);
  let value: Json;
  try {
    value = JSON.parse(utf8.decode(payload)) as Json;
  } catch (cause) {
    throw new PayloadError("not JSON in UTF-8", { cause });
  }
  if (!isObject(value)) throw new PayloadError("not a JSON object");
  if (!isShallow(value, depthMax)) throw new PayloadError(`nested deeper than ${depthMax}`);
  return value;
}

const isShallow = (value: Json, depthLeft: number): boolean => {
  if (typeof value !== "object" || value === null) return true;
  if (depthLeft === 0) return false;
  return Object.values(value).every((member) => isShallow(member, depthLeft - 1));
};

/** {device?, command, arguments?, expiresMs?, by?}. Throws PayloadError. */
export function commandFrom(id: string, payload: Uint8Array): CommandCall {
  const { device = null, command, arguments: given = null, expiresMs = null, by = null } = objectFrom(payload);
  if (device !== null && !isName(device)) throw new PayloadError("device is not a name");
  if (!isName(command)) throw new PayloadError("command is not a name");
  if (given !== null && !isObject(given)) throw new PayloadError("arguments are not an object");
  if (by !== null && !isName(by)) throw new PayloadError("by is not a name");
  if (expiresMs !== null && typeof expiresMs !== "number") throw new PayloadError("expiresMs is not a number");
  return {
    id,
    command,
    ...(device !== null && { device }),
    ...(given !== null && { arguments: given }),
    ...(expiresMs !== null && { expiresMs }),
    ...(by !== null && { by }),
  };
}

export const isVersion = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

const isName = (value: Json | undefined): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= NAME_MAX;

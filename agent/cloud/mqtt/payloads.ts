/**
 * The JSON that comes down, checked before anybody uses it. A broker may be anybody's: every size, depth and key is
 * judged here, and what doesn't fit is a PayloadError that says what was wrong.
 */
import { TWIN_BYTES_MAX } from "../../limits.ts";
import type { DesiredDocument, Json, JsonObject, TwinDocuments } from "../../wire/twin-document.ts";
import { isObject } from "../../wire/twin-document.ts";
import type { CommandCall } from "../cloud.ts";

export class PayloadError extends Error {
  override readonly name = "PayloadError";
}

/** Both sides of the twin and the braces around them. */
const JSON_BYTES_MAX = 2 * TWIN_BYTES_MAX + 1024;
/** The document's own depth is 5; {desired: …} around it makes 6. */
const JSON_DEPTH_MAX = 6;
const NAME_MAX = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Throws PayloadError. */
export function objectFrom(payload: Uint8Array): JsonObject {
  if (payload.length > JSON_BYTES_MAX) throw new PayloadError(`${payload.length} bytes, at most ${JSON_BYTES_MAX}`);
  let value: Json;
  try {
    value = JSON.parse(utf8.decode(payload)) as Json;
  } catch (cause) {
    throw new PayloadError("not JSON in UTF-8", { cause });
  }
  if (!isObject(value)) throw new PayloadError("not a JSON object");
  if (!isShallow(value, JSON_DEPTH_MAX)) throw new PayloadError(`nested deeper than ${JSON_DEPTH_MAX}`);
  return value;
}

const isShallow = (value: Json, depthLeft: number): boolean => {
  if (typeof value !== "object" || value === null) return true;
  if (depthLeft === 0) return false;
  return Object.values(value).every((member) => isShallow(member, depthLeft - 1));
};

/** {desired, reported}, each with $version. Throws PayloadError. */
export function twinFrom(payload: Uint8Array): TwinDocuments {
  const document = objectFrom(payload);
  return { desired: versioned(document["desired"], "desired"), reported: versioned(document["reported"], "reported") };
}

/** A desired patch with $version. Throws PayloadError. */
export const desiredFrom = (payload: Uint8Array): DesiredDocument => versioned(objectFrom(payload), "patch");

/** {version}. Throws PayloadError. */
export function reportedVersionFrom(payload: Uint8Array): number {
  const version = objectFrom(payload)["version"];
  if (!isVersion(version)) throw new PayloadError("version is not a whole number from 0");
  return version;
}

/** {error}, as far as it can be read: it is only shown. */
export function refusalFrom(payload: Uint8Array): string {
  try {
    const error = objectFrom(payload)["error"];
    return typeof error === "string" ? error.slice(0, 200) : "refused without a reason";
  } catch {
    return "refused without a reason";
  }
}

/** {device?, command, arguments?, expiresMs?}. Throws PayloadError. */
export function commandFrom(id: string, payload: Uint8Array): CommandCall {
  const { device = null, command, arguments: given = null, expiresMs = null } = objectFrom(payload);
  if (device !== null && !isName(device)) throw new PayloadError("device is not a name");
  if (!isName(command)) throw new PayloadError("command is not a name");
  if (given !== null && !isObject(given)) throw new PayloadError("arguments are not an object");
  if (expiresMs !== null && typeof expiresMs !== "number") throw new PayloadError("expiresMs is not a number");
  return {
    id,
    command,
    ...(device !== null && { device }),
    ...(given !== null && { arguments: given }),
    ...(expiresMs !== null && { expiresMs }),
  };
}

function versioned(value: Json | undefined, what: string): DesiredDocument {
  if (!isObject(value)) throw new PayloadError(`${what} is not an object`);
  const $version = value["$version"];
  if (!isVersion($version)) throw new PayloadError(`${what}.$version is not a whole number from 0`);
  return { ...value, $version };
}

const isVersion = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

const isName = (value: Json | undefined): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= NAME_MAX;

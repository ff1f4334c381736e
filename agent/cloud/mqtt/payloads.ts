/** The twin's JSON as the bridge sends it, checked before anybody uses it. */
import type { DesiredDocument, Json, TwinDocuments } from "../../wire/twin-document.ts";
import { isObject } from "../../wire/twin-document.ts";
import { FOREIGN_TWIN_BOUNDS, isVersion, objectFrom, PayloadError } from "../payloads.ts";

/** {desired, reported}, each with $version. Throws PayloadError. */
export function twinFrom(payload: Uint8Array): TwinDocuments {
  const document = objectFrom(payload, FOREIGN_TWIN_BOUNDS);
  return { desired: versioned(document["desired"], "desired"), reported: versioned(document["reported"], "reported") };
}

/** A desired patch with $version. Throws PayloadError. */
export const desiredFrom = (payload: Uint8Array): DesiredDocument =>
  versioned(objectFrom(payload, FOREIGN_TWIN_BOUNDS), "patch");

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

function versioned(value: Json | undefined, what: string): DesiredDocument {
  if (!isObject(value)) throw new PayloadError(`${what} is not an object`);
  const $version = value["$version"];
  if (!isVersion($version)) throw new PayloadError(`${what}.$version is not a whole number from 0`);
  return { ...value, $version };
}

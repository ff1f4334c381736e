/**
 * What the shadow service sends, checked before anybody uses it (AWS IoT developer guide, "Device Shadow service
 * documents"). `metadata` and `timestamp` are there, too, and not looked at.
 *
 *   get/accepted      {state: {desired?, reported?, delta?}, version, clientToken?}
 *   update/accepted   {state: {desired?, reported?}, version, clientToken?}    the update as it was asked for, nulls too
 *   update/delta      {state, version}
 *   …/rejected        {code, message, clientToken?}
 *   delete/accepted   {version}
 */
import { isObject, type Json, type JsonObject } from "../../wire/twin-document.ts";
import { FOREIGN_TWIN_BOUNDS, isVersion, objectFrom, PayloadError } from "../payloads.ts";

const TEXT_MAX = 200;

export interface ShadowAnswer {
  readonly token: string | undefined;
  readonly version: number;
  /** null: the section was removed whole; undefined: not in it. */
  readonly desired: JsonObject | null | undefined;
  readonly reported: JsonObject | null | undefined;
}

export interface Rejection {
  readonly token: string | undefined;
  readonly code: number;
  readonly message: string;
}

/** get/accepted and update/accepted. Throws PayloadError. */
export function answerFrom(payload: Uint8Array): ShadowAnswer {
  const document = objectFrom(payload, FOREIGN_TWIN_BOUNDS);
  const { state = null } = document;
  if (state !== null && !isObject(state)) throw new PayloadError("state is not an object");
  return {
    token: tokenOf(document),
    version: versionOf(document),
    desired: state === null ? undefined : section(state["desired"], "desired"),
    reported: state === null ? undefined : section(state["reported"], "reported"),
  };
}

/** update/delta and delete/accepted: only their version counts. Throws PayloadError. */
export const versionFrom = (payload: Uint8Array): number => versionOf(objectFrom(payload, FOREIGN_TWIN_BOUNDS));

/** Throws PayloadError. */
export function rejectionFrom(payload: Uint8Array): Rejection {
  const document = objectFrom(payload, FOREIGN_TWIN_BOUNDS);
  const { code, message } = document;
  if (typeof code !== "number") throw new PayloadError("code is not a number");
  return {
    token: tokenOf(document),
    code,
    message: typeof message === "string" ? message.slice(0, TEXT_MAX) : "without a reason",
  };
}

function section(value: Json | undefined, what: string): JsonObject | null | undefined {
  if (value === undefined || value === null || isObject(value)) return value;
  throw new PayloadError(`state.${what} is not an object`);
}

function versionOf(document: JsonObject): number {
  const { version } = document;
  if (!isVersion(version)) throw new PayloadError("version is not a whole number from 0");
  return version;
}

const tokenOf = ({ clientToken }: JsonObject): string | undefined =>
  typeof clientToken === "string" ? clientToken : undefined;

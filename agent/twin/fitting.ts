/**
 * A reported document that fits a twin: what can be asked for elsewhere is left out, and how much is told. The digest
 * stays, so that a cloud knows of what is left out that it runs. Pure.
 */
import { TWIN_BYTES_MAX } from "../limits.ts";
import { isObject, type Json, type JsonObject, OWN_KEYS } from "../wire/twin-document.ts";

/** Clouds count what they add (component markers, escaped names), and $version. */
const ADDED_BYTES = 700;
const SHORT_REASON = 60;

/** `bytesMax`: what the cloud takes. */
export function fitting(document: JsonObject, bytesMax = TWIN_BYTES_MAX): JsonObject {
  const room = bytesMax - ADDED_BYTES;
  let left = document;
  for (const step of STEPS) {
    if (bytesOf(left) <= room) return told(document, left);
    left = step(left);
  }
  while (bytesOf(left) > room) {
    const next = withoutLast(left);
    if (next === left) break;
    left = next;
  }
  return told(document, left);
}

const STEPS: readonly ((document: JsonObject) => JsonObject)[] = [
  (document) => without(document, "schemas"),
  (document) => withoutAcks(document, (ack) => ack["ac"] === 203),
  (document) => withoutAcks(document, (ack) => ack["ac"] === 200),
  withoutGoodHealth,
  shortened,
];

/** How many settings are left out: the rest is in `pump-station status`, and on request. */
function told(whole: JsonObject, left: JsonObject): JsonObject {
  const leftOut = countAcks(whole) - countAcks(left);
  if (leftOut === 0) return left;
  const twin = left["twin"];
  const section = isObject(twin) ? twin : {};
  return { ...left, twin: { ...section, "left-out": Number(section["left-out"] ?? 0) + leftOut } };
}

export const bytesOf = (document: JsonObject): number => Buffer.byteLength(JSON.stringify(document));

export const without = (document: JsonObject, key: string): JsonObject =>
  Object.fromEntries(Object.entries(document).filter(([name]) => name !== key));

export const isAck = (value: JsonObject): boolean => typeof value["ac"] === "number" && typeof value["av"] === "number";

function countAcks(value: Json): number {
  if (Array.isArray(value)) return (value as readonly Json[]).reduce<number>((sum, inner) => sum + countAcks(inner), 0);
  if (!isObject(value)) return 0;
  return isAck(value) ? 1 : Object.values(value).reduce<number>((sum, inner: Json) => sum + countAcks(inner), 0);
}

/** An object that holds nothing more goes with its last member. */
function mapped(document: JsonObject, change: (key: string, value: Json) => Json | undefined): JsonObject {
  return Object.fromEntries(
    Object.entries(document).flatMap(([key, value]): [string, Json][] => {
      const changed = change(key, value);
      if (changed === undefined) return [];
      if (changed !== value || !isObject(value) || isAck(value)) return [[key, changed]];
      const inner = mapped(value, change);
      return Object.keys(inner).length === 0 && Object.keys(value).length > 0 ? [] : [[key, inner]];
    }),
  );
}

const withoutAcks = (document: JsonObject, isLeftOut: (ack: JsonObject) => boolean): JsonObject =>
  mapped(document, (key, value) =>
    // A description's facts stand beside its acknowledgement.
    key !== "description" && isObject(value) && isAck(value) && isLeftOut(value) ? undefined : value,
  );

function withoutGoodHealth(document: JsonObject): JsonObject {
  return mapped(document, (key, value) => (key === "health" && value === "good" ? undefined : value));
}

function shortened(document: JsonObject): JsonObject {
  return mapped(document, (_, value) => {
    if (!isObject(value) || !isAck(value)) return value;
    const reason = value["ad"];
    if (typeof reason !== "string" || reason.length <= SHORT_REASON) return value;
    return { ...value, ad: `${reason.slice(0, SHORT_REASON - 1)}…` };
  });
}

/** The last of what nobody knows goes, then the last of the devices; what is told of the station itself stays. The same object when there is none. */
function withoutLast(document: JsonObject): JsonObject {
  const { twin } = document;
  const listed = isObject(twin) ? twin["refusals"] : undefined;
  if (isObject(twin) && Array.isArray(listed)) {
    const rest = (listed as readonly Json[]).slice(0, -1);
    return { ...document, twin: rest.length > 0 ? { ...twin, refusals: rest } : without(twin, "refusals") };
  }
  const unknown = Object.entries(document).findLast(
    ([key, value]) => !OWN_KEYS.has(key) && isObject(value) && isAck(value),
  );
  if (unknown) return without(document, unknown[0]);
  const devices = document["devices"];
  const last = isObject(devices) ? Object.keys(devices).at(-1) : undefined;
  if (!isObject(devices) || last === undefined) return document;
  return { ...document, devices: without(devices, last) };
}

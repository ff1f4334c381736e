/**
 * One device shadow (AWS IoT developer guide, "Device Shadow service documents"): state with desired and reported,
 * metadata with a time for each member, one version for both. Pure; times are given, in s since 1970 as the service says
 * them. An update is a merge patch; arrays are values; a section that is set to null goes.
 */
import { isObject, isSame, type Json, type JsonObject, mergePatch } from "@pump-station/agent/wire/twin-document.ts";
import { CLIENT_TOKEN_BYTES_MAX, SHADOW_BYTES_MAX, SHADOW_DEPTH_MAX } from "./limits.ts";

export interface Shadow {
  readonly state: Sections;
  readonly metadata: Sections;
  readonly version: number;
}
interface Sections {
  readonly desired?: JsonObject;
  readonly reported?: JsonObject;
}

export interface Refusal {
  readonly code: number;
  readonly message: string;
}

/** What goes out on the topics of an update, without the client token. */
export interface Update {
  readonly shadow: Shadow;
  readonly accepted: JsonObject;
  /** undefined: everything desired is reported so. */
  readonly delta: JsonObject | undefined;
  readonly documents: JsonObject;
}

const SECTIONS = ["desired", "reported"] as const;

/** The request as it came. `previous`: undefined when there is no shadow; `lastVersion` then goes on. */
export function updateShadow(
  previous: Shadow | undefined,
  request: JsonObject,
  timestamp: number,
  lastVersion = 0,
): Update | Refusal {
  const before = previous ?? { state: {}, metadata: {}, version: lastVersion };
  const refusal = refusalOf(request, before);
  if (refusal) return refusal;
  const asked = request["state"] as JsonObject;
  const shadow = {
    state: sectionsFrom((name) => merged(before.state[name], asked[name])),
    metadata: sectionsFrom((name) => merged(before.metadata[name], timed(asked[name], timestamp))),
    version: before.version + 1,
  };
  if (bytesOf(shadow.state) > SHADOW_BYTES_MAX) {
    return { code: 413, message: "The payload exceeds the maximum size allowed" };
  }
  const metadata = Object.fromEntries(
    SECTIONS.filter((name) => isObject(asked[name])).map((name) => [name, timed(withoutNulls(asked[name]), timestamp)]),
  ) as JsonObject;
  return {
    shadow,
    accepted: { state: asked, metadata, version: shadow.version, timestamp },
    delta: deltaMessage(shadow, timestamp),
    documents: { previous: documentOf(before), current: documentOf(shadow), timestamp },
  };
}

/** The answer to a GET, without the client token. */
export function shadowDocument(shadow: Shadow, timestamp: number): JsonObject {
  const delta = deltaOf(shadow.state.desired, shadow.state.reported);
  return { ...documentOf(shadow), state: { ...shadow.state, ...(delta && { delta }) }, timestamp };
}

const documentOf = ({ state, metadata, version }: Shadow): JsonObject => ({
  state: { ...state },
  metadata: { ...metadata },
  version,
});

function refusalOf(request: JsonObject, { version }: Shadow): Refusal | undefined {
  const { state = null, clientToken = "", version: expected = version } = request;
  const bad = (message: string): Refusal => ({ code: 400, message });
  if (!Object.hasOwn(request, "state")) return bad("Missing required node: state");
  if (!isObject(state)) return bad("State node must be an object");
  if (typeof clientToken !== "string" || Buffer.byteLength(clientToken) > CLIENT_TOKEN_BYTES_MAX)
    return bad("Invalid clientToken");
  if (typeof expected !== "number") return bad("Invalid version");
  if (expected !== version) return { code: 409, message: "Version conflict" };
  for (const [name, section] of Object.entries(state)) {
    if (!(SECTIONS as readonly string[]).includes(name)) return bad(`State contains an invalid node: '${name}'`);
    if (section !== null && !isObject(section))
      return bad(`${name === "desired" ? "Desired" : "Reported"} node must be an object`);
    if (depthOf(section) > SHADOW_DEPTH_MAX)
      return bad(`JSON contains too many levels of nesting; maximum is ${SHADOW_DEPTH_MAX}`);
    if (hasNullInArray(section)) return bad("Arrays must not contain null values");
  }
  return undefined;
}

const merged = (before: JsonObject | undefined, patch: Json | undefined): JsonObject | undefined => {
  if (patch === undefined) return before;
  const after = mergePatch(before ?? {}, patch);
  return isObject(after) && Object.keys(after).length > 0 ? after : undefined;
};

const sectionsFrom = (make: (name: (typeof SECTIONS)[number]) => JsonObject | undefined): Sections => {
  const [desired, reported] = SECTIONS.map(make);
  return { ...(desired && { desired }), ...(reported && { reported }) };
};

/** Each member's value replaced by the time at which it was written; null stays, since it removes. */
function timed(value: Json | undefined, timestamp: number): Json | undefined {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((item: Json) => timed(item, timestamp) as Json);
  if (!isObject(value)) return { timestamp };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, timed(inner, timestamp) as Json]));
}

const withoutNulls = (value: Json | undefined): Json => (isObject(value) ? mergePatch({}, value) : (value ?? null));

/** What is desired and isn't reported so; arrays whole. */
function deltaOf(desired: JsonObject | undefined, reported: Json | undefined): JsonObject | undefined {
  const delta: Record<string, Json> = {};
  for (const [key, wanted] of Object.entries(desired ?? {})) {
    const has = isObject(reported) && Object.hasOwn(reported, key) ? reported[key] : undefined;
    if (isObject(wanted) && isObject(has)) {
      const inner = deltaOf(wanted, has);
      if (inner) delta[key] = inner;
    } else if (!isSame(wanted, has)) delta[key] = wanted;
  }
  return Object.keys(delta).length > 0 ? delta : undefined;
}

function deltaMessage({ state, metadata, version }: Shadow, timestamp: number): JsonObject | undefined {
  const delta = deltaOf(state.desired, state.reported);
  return delta && { version, timestamp, state: delta, metadata: likeIn(delta, metadata.desired ?? {}) };
}

/** The members of `metadata` that `delta` has. */
const likeIn = (delta: JsonObject, metadata: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(delta).map(([key, value]) => {
      const times = metadata[key] ?? {};
      return [key, isObject(value) && isObject(times) ? likeIn(value, times) : times];
    }),
  );

const depthOf = (value: Json | undefined): number =>
  typeof value === "object" && value !== null
    ? 1 + Math.max(0, ...Object.values(value as JsonObject).map((inner) => depthOf(inner)))
    : 0;

const hasNullInArray = (value: Json | undefined): boolean =>
  Array.isArray(value)
    ? value.some((item: Json) => item === null || hasNullInArray(item))
    : isObject(value) && Object.values(value).some(hasNullInArray);

/** Both sides, as compact JSON. */
const bytesOf = (state: Sections): number =>
  SECTIONS.reduce((sum, name) => sum + (state[name] ? Buffer.byteLength(JSON.stringify(state[name])) : 0), 0);

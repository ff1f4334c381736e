/**
 * The portable twin document in the form of IoT Plug and Play, as the model of `pump-station describe --dtdl` has it:
 *
 *   portable   { devices: { "air-pump": { "max-speed": 3 } }, upload: { interval: 900 }, buffer: { "waiting-hours": 2 } }
 *   hub        { air_pump: { __t: "c", max_speed: 3 }, upload: { __t: "c", interval: 900 }, buffer: { waiting_hours: 2 } }
 *
 * DTDL names have no hyphens: "-" and "_" change places in keys, so that the way back is exact whatever a key holds.
 * Devices of the description are components beside the station's own keys. A device that no component can be (a refused
 * name, one that is called like a key of the document) stays under `devices`. Pure.
 */
import { isObject, type Json, type JsonObject, OWN_COMPONENTS, OWN_KEYS } from "../../wire/twin-document.ts";

/** Of the station that runs: what its model calls components. */
export type Components = ReadonlySet<string>;

const MARKER = { __t: "c" };

/** A reported document, or a merge patch of one. */
export function hubFrom(document: JsonObject, components: Components): JsonObject {
  const { devices, ...own } = document;
  const hub: Record<string, Json> = {};
  for (const [key, value] of Object.entries(own)) {
    hub[swapped(key)] = OWN_COMPONENTS.has(key) ? component(value) : renamed(value, swapped);
  }
  if (!isObject(devices)) {
    if (devices === undefined) return hub;
    // A patch that takes all devices away takes away what they were lifted to.
    for (const name of components) if (isLifted(name, components)) hub[swapped(name)] = null;
    return { ...hub, devices };
  }
  const others: Record<string, Json> = {};
  for (const [name, value] of Object.entries(devices)) {
    if (isLifted(name, components)) hub[swapped(name)] = component(value);
    else others[swapped(name)] = renamed(value, swapped);
  }
  return Object.keys(others).length > 0 ? { ...hub, devices: others } : hub;
}

/** The exact way back, without $version. */
export const reportedFromHub = (hub: JsonObject, components: Components): JsonObject =>
  portableFrom(hub, {
    rename: swapped,
    isDevice: (name) => isLifted(name, components),
    // What was written while the description was another one: it isn't looked for there any more.
    isDeviceAsWritten: (name) => !isLifted(name, components),
  });

/** What somebody wrote: also in the portable form, and with components that don't exist, which are answered as such. */
export const desiredFromHub = (hub: JsonObject, components: Components): JsonObject =>
  portableFrom(hub, {
    // No name of a description or of ours holds "_".
    rename: (key) => key.replaceAll("_", "-"),
    isDevice: (name, value) => isLifted(name, components) || (isComponent(value) && !OWN_KEYS.has(name)),
    isDeviceAsWritten: () => true,
  });

interface Rules {
  readonly rename: (key: string) => string;
  readonly isDevice: (name: string, value: Json) => boolean;
  /** Under `devices`, as in the portable form. */
  readonly isDeviceAsWritten: (name: string) => boolean;
}

function portableFrom(hub: JsonObject, { rename, isDevice, isDeviceAsWritten }: Rules): JsonObject {
  const own: [string, Json][] = [];
  const written: [string, Json][] = [];
  const lifted: [string, Json][] = [];
  for (const [key, value] of Object.entries(hub)) {
    if (key.startsWith("$")) continue;
    const name = rename(key);
    if (name === "devices" && isObject(value)) {
      for (const [inner, its] of Object.entries(value))
        written.push([rename(inner), renamed(withoutMarker(its), rename)]);
    } else if (isDevice(name, value)) lifted.push([name, renamed(withoutMarker(value), rename)]);
    else own.push([name, renamed(withoutMarker(value), rename)]);
  }
  const devices = [...written.filter(([name]) => isDeviceAsWritten(name)), ...lifted];
  return devices.length > 0 ? { ...Object.fromEntries(own), devices: mergedEntries(devices) } : Object.fromEntries(own);
}

/** A device that was written in both forms has the settings of both. */
function mergedEntries(entries: readonly (readonly [string, Json])[]): JsonObject {
  const merged = new Map<string, Json>();
  for (const [name, value] of entries) {
    const before = merged.get(name);
    merged.set(name, isObject(before) && isObject(value) ? { ...before, ...value } : value);
  }
  return Object.fromEntries(merged);
}

const isLifted = (name: string, components: Components): boolean => components.has(name) && !OWN_KEYS.has(name);

const isComponent = (value: Json): boolean => isObject(value) && value["__t"] === MARKER.__t;

const component = (value: Json): Json =>
  isObject(value) ? { ...MARKER, ...asObject(renamed(value, swapped)) } : value;

const asObject = (value: Json): JsonObject => (isObject(value) ? value : {});

const swapped = (key: string): string => key.replace(/[-_]/g, (character) => (character === "-" ? "_" : "-"));

/** Keys only, also those of objects in arrays. */
function renamed(value: Json, rename: (key: string) => string): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((inner) => renamed(inner, rename));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [rename(key), renamed(inner, rename)]));
}

const withoutMarker = (value: Json): Json =>
  isObject(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => key !== "__t")) : value;

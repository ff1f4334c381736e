/** The reported document: the agent's facts, and for each setting what runs with its acknowledgement. Pure. */
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import { isObject, type Json, type JsonObject } from "../wire/twin-document.ts";
import type { Acknowledgement } from "./applied.ts";
import { statesOf } from "./settings.ts";

export interface ReportedParts {
  readonly station: Station;
  /** Everything that isn't a setting: agent, description, buffer, schemas, devices.*.health. */
  readonly facts: JsonObject;
  readonly acknowledgements: readonly Acknowledgement[];
  /** Newest value of a setting that was read, if any. */
  readonly readBack: (device: string, setting: string) => number | undefined;
  /** The file's upload interval, in seconds. */
  readonly uploadIntervalS: number;
}

/** Settings that nobody desires carry ac 203: the device's (or file's) own value, as in IoT Plug and Play. */
export function reportedFrom(parts: ReportedParts): JsonObject {
  const document = structuredClone(parts.facts) as Record<string, Json>;
  const own = new Map(ownValues(parts));
  for (const [path, value] of own) put(document, path, { value, ac: 203, av: 0, ad: "" });
  for (const { path, ack } of parts.acknowledgements) {
    // What is refused leaves what ran before.
    const value = ack.value ?? (ack.ac === 400 ? own.get(path) : undefined) ?? null;
    put(document, path, { ...ack, value });
  }
  return document;
}

/** Each by its path; a state by its name. */
export function* ownValues(
  parts: Omit<ReportedParts, "facts" | "acknowledgements">,
): Generator<[string, number | string]> {
  for (const device of parts.station.devices) {
    yield [`devices/${device.name}/every`, device.everyMs / 1000];
    for (const setting of device.settings) {
      const value = parts.readBack(device.name, setting.name);
      if (value === undefined) continue;
      yield [`devices/${device.name}/${setting.name}`, statesOf(device, setting)?.get(value) ?? value];
    }
  }
  yield ["upload/interval", parts.uploadIntervalS];
}

function put(document: Record<string, Json>, path: string, value: JsonObject): void {
  const keys = path.split("/");
  const last = keys.pop() ?? "";
  let place = document;
  for (const key of keys) {
    const inner = place[key];
    const next: Record<string, Json> = isObject(inner) ? { ...inner } : {};
    place[key] = next;
    place = next;
  }
  // A refused "devices" or "pump" is answered beside what is there: its other members are still true.
  const there = place[last];
  place[last] = isObject(there) && !Object.hasOwn(there, "ac") ? { ...there, ...value } : value;
}

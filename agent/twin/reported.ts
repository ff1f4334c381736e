/** The reported document: the agent's facts, and for each setting what runs with its acknowledgement. Pure. */
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import { isObject, type Json, type JsonObject } from "../wire/twin-document.ts";
import type { Acknowledgement } from "./applied.ts";
import { declaredSettings, type OwnUpload } from "./declared-settings.ts";
import type { SettingValue } from "./setting-shape.ts";
import { statesOf } from "./settings.ts";

export interface ReportedParts {
  readonly station: Station;
  /** Everything that isn't a setting: agent, description, buffer, schemas, devices.*.health. */
  readonly facts: JsonObject;
  readonly acknowledgements: readonly Acknowledgement[];
  /** Newest value of a setting that was read, if any. */
  readonly readBack: (device: string, setting: string) => number | undefined;
  /** What agent.yaml says. */
  readonly upload: OwnUpload;
}

/** Settings that nobody desires carry ac 203: the device's (or file's) own value, as in IoT Plug and Play. */
export function reportedFrom(parts: ReportedParts): JsonObject {
  const document = structuredClone(parts.facts) as Record<string, Json>;
  const values = ownValues(parts);
  const own = new Map(values.map(({ path, value }) => [path, value]));
  for (const { path, value, isTold } of values) if (isTold) put(document, path, { value, ac: 203, av: 0, ad: "" });
  for (const { path, ack, isListed } of parts.acknowledgements) {
    if (isListed) continue;
    // What is refused, or rolled back to the file's, leaves what ran before.
    const value = ack.value ?? (ack.ac === 400 || ack.ac === 500 ? own.get(path) : undefined) ?? null;
    put(document, path, { ...ack, value });
  }
  return document;
}

export interface OwnValue {
  readonly path: string;
  /** A state by its name. */
  readonly value: SettingValue;
  /** The station has many settings that are seldom asked for; of those the cloud is told only what it set. */
  readonly isTold: boolean;
}

/** Settings of hardware as they were read last, those of the station as its files say. Each path once. */
export function ownValues(parts: Omit<ReportedParts, "facts" | "acknowledgements">): OwnValue[] {
  const ofDevices = parts.station.devices.flatMap((device): OwnValue[] => {
    const inHardware = device.settings.flatMap((setting): OwnValue[] => {
      const value = parts.readBack(device.name, setting.name);
      if (value === undefined) return [];
      const path = `devices/${device.name}/${setting.name}`;
      return [{ path, value: statesOf(device, setting)?.get(value) ?? value, isTold: true }];
    });
    const inStation = [...declaredSettings(device).values()].map(
      ({ key, own }): OwnValue => ({ path: `devices/${device.name}/${key}`, value: own, isTold: key === "every" }),
    );
    return [...inStation, ...inHardware];
  });
  const ofStation = Object.entries(parts.upload).map(
    ([name, value]): OwnValue => ({ path: `upload/${name}`, value, isTold: name === "interval" }),
  );
  return [...ofDevices, ...ofStation];
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

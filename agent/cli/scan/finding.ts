/** What a scan found, how sure it is, and the types that it proposes. */
import type { DeviceType } from "@pump-station/sensor-descriptions/load.ts";
import { loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import type { Port } from "@pump-station/sensor-descriptions/model.ts";
import { createTypeFinder, knownTypes } from "../../description.ts";
import type { Files } from "../../world.ts";

export type Sureness =
  /** A register says which chip it is, or whole frames with right checksums came. */
  | "identified"
  /** It answers, and values of that type make sense. */
  | "fits"
  /** Types that can have this address; nothing says which it is. */
  | "possible"
  /** Something answers that no type of the catalogue knows. */
  | "unknown"
  /** A driver of the kernel has it. */
  | "in use";

export interface Finding {
  /** "0x76", "address 17, 9600 8N1", "line 17" */
  readonly where: string;
  readonly sureness: Sureness;
  readonly because: string;
  readonly address?: number;
  /** Best first. */
  readonly types: readonly DeviceType[];
}

export interface Scanned {
  readonly port: Port;
  readonly findings: readonly Finding[];
  /** What a person should know besides. */
  readonly notes: readonly string[];
}

/** Tells somebody who waits what is done, and how long it may take; `text` is replaced by the next. */
export type Progress = (text: string) => void;

/** Every device file of the folders that has no error, own ones before the catalogue's. */
export function loadTypes(files: Files, folders: readonly string[]): DeviceType[] {
  const find = createTypeFinder(files, folders);
  return knownTypes(files, folders).flatMap((name) => {
    const source = find(name);
    const { type } = source ? loadDeviceType(source, find) : {};
    return type ? [type] : [];
  });
}

/** What a device of that type is given when nobody has said it yet: its defaults, else the least that it takes. */
export function givenFor(type: DeviceType, address?: number): Map<string, number> {
  const given = new Map<string, number>();
  for (const [name, need] of type.needs) {
    const [choice] = need.choices?.values() ?? [];
    given.set(name, need.default ?? need.oneOf?.[0] ?? choice ?? need.range?.low ?? 1);
  }
  if (address !== undefined && type.needs.has("address")) given.set("address", address);
  if (type.usesAltitude) given.set("altitude", 0);
  return given;
}

export const hexAddress = (address: number): string => `0x${address.toString(16).padStart(2, "0")}`;

/** "8N1" */
export const modeText = (settings: { dataBits: number; parity: string; stopBits: number }): string =>
  `${settings.dataBits}${settings.parity.slice(0, 1).toUpperCase()}${settings.stopBits}`;

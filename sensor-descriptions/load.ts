/**
 * From files to a station. Reads the station file and the device files of the types it names, and says everything
 * that is wrong with them in one pass; a station comes out only when nothing is.
 */
import { createHash } from "node:crypto";
import type * as z from "zod";
import { beyondBounds } from "./load/bounds.ts";
import { capped } from "./load/capped.ts";
import type { DeviceType } from "./load/device-type.ts";
import { createJudge, type Judge } from "./load/judge.ts";
import { fit } from "./load/shape.ts";
import { readDocument, type SourceFile, type Tree } from "./load/source-document.ts";
import { checkCommonKeys, type MergedDevice, mergeDevice, type Origins } from "./load/station-device.ts";
import { createTypeReader, type FindType, type LoadedType } from "./load/type-reader.ts";
import { checkWiring } from "./load/wiring.ts";
import { say } from "./messages.ts";
import type { Port, Station } from "./model.ts";
import { hasErrors, inReadingOrder, type Problem } from "./problems.ts";
import { stationShape } from "./schema/station.ts";
import { isKnownKey } from "./schema.ts";
import { nearestWord } from "./spelling.ts";

export type { DeviceType } from "./load/device-type.ts";
export type { Example } from "./load/examples-of-type.ts";
export type { KeptTree, SourceFile } from "./load/source-document.ts";
export type { Origins } from "./load/station-device.ts";
export type { FindType, LoadedType } from "./load/type-reader.ts";

export interface LoadedStation {
  /** Only when no problem is an error. */
  readonly station?: Station;
  readonly problems: readonly Problem[];
  /** Per device: which line each of its values is from, for `describeDevice`. */
  readonly origins: ReadonlyMap<string, Origins>;
  /** Per device: its type, and what the type's spec is made with. */
  readonly described?: ReadonlyMap<string, Pick<MergedDevice, "type" | "given">>;
}

/**
 * `findType` gives the device file of a type; `knownTypes` are the names it could give, for "did you mean".
 * Never throws, whatever the files hold.
 */
export function loadStation(source: SourceFile, findType: FindType, knownTypes: readonly string[] = []): LoadedStation {
  const document = readDocument(source, isKnownKey);
  const bounds = beyondBounds(document);
  if (bounds.length > 0)
    return { problems: capped(inReadingOrder([...document.problems, ...bounds])), origins: new Map() };
  const fitted = fit(stationShape, document);
  const problems = [...document.problems, ...fitted.problems];
  const types = createTypes(findType, knownTypes);
  const judge = createJudge(document);
  for (const [name, device] of devicesIn(document.tree)) {
    if (!fitted.value || !Object.hasOwn(fitted.value.devices, name)) checkCommonKeys(judge, name, device);
  }
  const merged = fitted.value ? mergedDevices(judge, fitted.value, document.tree, types, knownTypes) : undefined;
  problems.push(...judge.problems);
  const sorted = capped([...inReadingOrder(problems), ...types.problems()]);
  if (!merged || !fitted.value || hasErrors(sorted)) return { problems: sorted, origins: new Map() };
  const used = new Map(
    [...types.used.values()].flatMap(({ files }) => files.map((file) => [file.path, file] as const)),
  );
  return {
    station: stationFrom(fitted.value, merged, hashOf([source, ...used.values()])),
    problems: sorted,
    origins: new Map(merged.devices.map(({ device, origins }) => [device.name, origins])),
    described: new Map(merged.devices.map(({ device, type, given }) => [device.name, { type, given }])),
  };
}

/**
 * A device file, its examples run: `type` only when no problem is an error. `findType` and `knownTypes` as above, for
 * what it extends. Never throws.
 */
export const loadDeviceType = (
  source: SourceFile,
  findType: FindType = () => undefined,
  knownTypes: readonly string[] = [],
): LoadedType => createTypeReader(findType, knownTypes).read(source);

type StationShape = z.output<typeof stationShape>;

interface Types {
  readonly used: ReadonlyMap<string, DeviceType>;
  problems(): readonly Problem[];
  /** "none": there is no such file; "broken": its problems are among `problems`. */
  of(name: string): DeviceType | "none" | "broken";
}

function createTypes(findType: FindType, knownTypes: readonly string[]): Types {
  const reader = createTypeReader(findType, knownTypes);
  const used = new Map<string, DeviceType>();
  const problems = new Set<Problem>();
  return {
    used,
    problems: () => [...problems],
    of: (name) => {
      const known = used.get(name);
      if (known) return known;
      const source = findType(name);
      if (!source) return "none";
      const loaded = reader.read(source);
      // A base's problems come with each file that extends it: they are the same ones.
      for (const problem of loaded.problems) problems.add(problem);
      if (loaded.type) used.set(name, loaded.type);
      return loaded.type ?? "broken";
    },
  };
}

interface MergedStation {
  readonly ports: ReadonlyMap<string, Port>;
  readonly devices: readonly MergedDevice[];
  readonly altitudeM: number | undefined;
}

function mergedDevices(
  judge: Judge,
  shape: StationShape,
  tree: Tree | undefined,
  types: Types,
  knownTypes: readonly string[],
): MergedStation {
  const altitudeM = judge.quantity(["place", "altitude"], shape.place?.altitude, "m");
  const ports = portsOf(judge, shape);
  const declaredPorts = keysOf(tree, "ports");
  const devices: MergedDevice[] = [];
  for (const [name, device] of Object.entries(shape.devices)) {
    const at = ["devices", name];
    if (!declaredPorts.includes(device.port)) {
      judge.report(
        [...at, "port"],
        say.unknownPort(device.port, nearestWord(device.port, declaredPorts), declaredPorts),
      );
    }
    const type = types.of(device.type);
    if (typeof type === "string") checkCommonKeys(judge, name, device);
    if (type === "none")
      judge.report([...at, "type"], say.unknownType(device.type, nearestWord(device.type, knownTypes), knownTypes));
    else if (type === "broken") judge.report([...at, "type"], say.deviceFileBroken(device.type));
    const merged = typeof type === "string" ? undefined : mergeDevice({ judge, ports, altitudeM }, name, device, type);
    if (merged) devices.push(merged);
  }
  checkWiring(
    judge,
    ports,
    devices.map(({ device }) => device),
  );
  const wired = new Set(Object.values(shape.devices).map(({ port }) => port));
  const isWhole =
    !hasErrors([...judge.problems, ...judge.document.problems]) &&
    Object.keys(shape.devices).length === keysOf(tree, "devices").length;
  for (const name of ports.keys())
    if (isWhole && !wired.has(name)) judge.report(["ports", name], say.portUnused(name), "key");
  return { ports, devices, altitudeM };
}

/** Names as they stand in the file, those of broken entries too: one mistake, one message. */
const keysOf = (tree: Tree | undefined, section: string): string[] => Object.keys(sectionOf(tree, section));

function devicesIn(tree: Tree | undefined): [string, object][] {
  const devices = sectionOf(tree, "devices");
  return Object.keys(devices).map((name) => [name, sectionOf(devices, name)]);
}

function sectionOf(tree: Tree | undefined, section: string): Readonly<Record<string, Tree>> {
  const isSection = typeof tree === "object" && !Array.isArray(tree) && Object.hasOwn(tree, section);
  const node = isSection ? tree[section] : undefined;
  return typeof node === "object" && !Array.isArray(node) ? node : {};
}

function portsOf(judge: Judge, shape: StationShape): ReadonlyMap<string, Port> {
  const ports = new Map<string, Port>();
  for (const [name, port] of Object.entries(shape.ports)) {
    const kinds = (["serial", "i2c", "gpio", "counter"] as const).filter((kind) => port[kind] !== undefined);
    const [kind] = kinds;
    if (kind === undefined || kinds.length > 1) judge.report(["ports", name], say.portNeedsOne(), "key");
    const path = kind && port[kind];
    const { simulator } = port;
    if (kind && path !== undefined)
      ports.set(name, { name, kind, path, ...(simulator === undefined ? {} : { simulator }) });
  }
  return ports;
}

function stationFrom(shape: StationShape, { ports, devices, altitudeM }: MergedStation, hash: string): Station {
  return {
    name: shape.station,
    label: shape.label ?? shape.station,
    ...(altitudeM === undefined ? {} : { altitudeM }),
    timeZone: shape.place?.["time-zone"] ?? "UTC",
    ports,
    devices: devices.map(({ device }) => device),
    hash,
  };
}

/** Over the texts only, so that the same files in another folder are the same description. */
function hashOf([station, ...types]: readonly SourceFile[]): string {
  const hash = createHash("sha256");
  const texts = [station?.text ?? "", ...types.map((type) => type.text).sort()];
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}\n${text}`);
  return hash.digest("hex");
}

/** What changes from one description to another, in words that a technician reads: "pump: every 30s → 10s". Pure. */
import { describeDevice } from "@pump-station/sensor-descriptions/documents/documents.ts";
import type { Device, Port, Station } from "@pump-station/sensor-descriptions/model.ts";
import type { SourceText } from "../description.ts";

export interface Described {
  readonly station: Station;
  /** Its files, station file first, for what only their texts tell; left out when they aren't known. */
  readonly files?: readonly SourceText[];
}

/** A line per device, port or file that isn't the same; empty when only comments, notes or order differ. */
export function differences(before: Described, after: Described): string[] {
  const [one, other] = [before.station, after.station];
  return [
    ...stationLines(one, other),
    ...between(one.ports, other.ports, (name) => `port ${name}`, portText),
    ...deviceLines(one.devices, other.devices),
    ...fileLines(before.files ?? [], after.files ?? []),
  ];
}

function stationLines(one: Station, other: Station): string[] {
  const facts = ({ name, label, altitudeM, timeZone }: Station): [string, string | undefined][] => [
    ["station", name],
    ["label", `"${label}"`],
    ["altitude", altitudeM === undefined ? undefined : `${altitudeM} m`],
    ["time-zone", timeZone],
  ];
  const after = new Map(facts(other));
  return facts(one).flatMap(([what, text]) => {
    const change = changeText(text, after.get(what));
    return change === undefined ? [] : [`${what} ${change}`];
  });
}

/** `everything: new`, `removed`, or what changed of it. */
function between<T>(
  one: ReadonlyMap<string, T>,
  other: ReadonlyMap<string, T>,
  called: (name: string) => string,
  text: (value: T) => string,
): string[] {
  const gone = [...one.keys()].filter((name) => !other.has(name)).map((name) => `${called(name)}: removed`);
  const rest = [...other].flatMap(([name, value]) => {
    const old = one.get(name);
    if (old === undefined) return [`${called(name)}: new (${text(value)})`];
    const change = changeText(text(old), text(value));
    return change === undefined ? [] : [`${called(name)}: ${change}`];
  });
  return [...rest, ...gone];
}

const portText = ({ kind, path, simulator }: Port): string =>
  `${kind} ${path}${simulator === undefined ? "" : `, played by ${simulator}`}`;

function deviceLines(one: readonly Device[], other: readonly Device[]): string[] {
  const old = new Map(one.map((device) => [device.name, device]));
  const kept = new Set(other.map(({ name }) => name));
  const lines = other.flatMap((device) => {
    const was = old.get(device.name);
    if (!was) return [`${device.name}: new (${device.type} on ${device.port})${pausedText(device)}`];
    const changes = was.type === device.type ? changesOf(was, device) : [`type ${was.type} → ${device.type}`];
    return changes.length > 0 ? [`${device.name}: ${changes.join(", ")}`] : [];
  });
  return [...lines, ...[...old.keys()].filter((name) => !kept.has(name)).map((name) => `${name}: removed`)];
}

const pausedText = ({ paused }: Device): string => (paused === undefined ? "" : `, paused: ${paused}`);

function changesOf(one: Device, other: Device): string[] {
  const rows = (device: Device) =>
    new Map(describeDevice(device, NO_ORIGINS).map(({ label, value }) => [label, value]));
  const [before, after] = [rows(one), rows(other)];
  const described = [...new Set([...before.keys(), ...after.keys()])].flatMap((label) => {
    if (label === "paused") return [pauseChange(one.paused, other.paused)].filter((words) => words !== "");
    const change = changeText(before.get(label), after.get(label));
    return change === undefined ? [] : [`${label} ${change}`];
  });
  return described.length > 0 ? described : undescribed(one, other);
}

const NO_ORIGINS: ReadonlyMap<string, string> = new Map();

function pauseChange(one: string | undefined, other: string | undefined): string {
  if (one === other) return "";
  return other === undefined ? "no longer paused" : `paused: ${other}`;
}

function changeText(one: string | undefined, other: string | undefined): string | undefined {
  if (one === other) return undefined;
  if (one === undefined) return `${other} is new`;
  return other === undefined ? `${one} is gone` : `${one} → ${other}`;
}

/** What has no row of its own in `show` yet: at least that it isn't the same. */
function undescribed(one: Device, other: Device): string[] {
  const plain = (device: Device): Map<string, string> =>
    new Map(Object.entries(device).map(([key, value]) => [key, JSON.stringify(value, inPlain) ?? ""]));
  const [before, after] = [plain(one), plain(other)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => !NOT_COMPARED.has(key) && before.get(key) !== after.get(key))
    .map((key) => `${key} changed`);
}

/** The place moves with every line above it; a protocol is code, its text is compared as a file. */
const NOT_COMPARED: ReadonlySet<string> = new Set(["place", "protocol"]);
const inPlain = (_: string, value: unknown): unknown => (value instanceof Map ? [...value] : value);

/** Device files only: every word of the station file has become part of a device, a port or the station. */
function fileLines(one: readonly SourceText[], other: readonly SourceText[]): string[] {
  const typeTexts = (files: readonly SourceText[]) =>
    new Map(files.slice(1).map(({ path, text }) => [path.slice(path.lastIndexOf("/") + 1), text]));
  const after = typeTexts(other);
  return [...typeTexts(one)].flatMap(([name, text]) => {
    const now = after.get(name);
    return now === undefined || now === text ? [] : [`device file ${name}: changed`];
  });
}

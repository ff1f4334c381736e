/** One device of a station: its lines in the station file put together with its type's file. */
import type * as z from "zod";
import { say } from "../messages.ts";
import type { Device, Port } from "../model.ts";
import { hasErrors } from "../problems.ts";
import { spokenDuration } from "../quantities.ts";
import { deviceKeys, type stationShape } from "../schema/station.ts";
import { nearestWord } from "../spelling.ts";
import { readAddress } from "./address.ts";
import type { DeviceType } from "./device-type.ts";
import type { Judge } from "./judge.ts";
import { exampleOfNeed, type Need, readNeed, spokenNeed } from "./needs.ts";
import { preprocessingOf } from "./preprocess.ts";
import { unknownKey } from "./shape.ts";
import type { Path, Tree } from "./source-document.ts";

export type DeviceShape = z.output<typeof stationShape>["devices"][string];

/** Key of the device → where its value is from: "station.yaml:24", "bme280.yaml:5" or "default". */
export type Origins = ReadonlyMap<string, string>;

export interface MergedDevice {
  readonly device: Device;
  readonly type: DeviceType;
  readonly origins: Origins;
  /** Values of the needs by name, and "altitude": what the type's spec is made with. */
  readonly given: ReadonlyMap<string, number>;
}

export const HEARTBEAT_DEFAULT_MS = 15 * 60_000;

/** The kind of port that each protocol is wired to; pulses may be counted by the kernel, too. */
export const PORT_KINDS = {
  framed: "serial",
  lines: "serial",
  "modbus-rtu": "serial",
  "modbus-ascii": "serial",
  i2c: "i2c",
  pulses: "gpio",
  levels: "gpio",
  outputs: "gpio",
} as const;

interface Around {
  readonly judge: Judge;
  readonly ports: ReadonlyMap<string, Port>;
  readonly altitudeM: number | undefined;
}

/** Undefined when it can't be made; then something was reported. */
export function mergeDevice(
  around: Around,
  name: string,
  shape: DeviceShape,
  general: DeviceType,
): MergedDevice | undefined {
  const { judge } = around;
  const at = ["devices", name];
  const before = judge.problems.length;
  checkPort(around, at, shape, general);
  const needs = needsOf(judge, at, shape, general);
  const given = new Map(needs);
  if (around.altitudeM !== undefined) given.set("altitude", around.altitudeM);
  const type = { ...general, channels: general.channelsFor(given) };
  // A need that is missing or wrong was told.
  const isKnown = !hasErrors(judge.problems.slice(before));
  const stepless = isKnown ? type.channels.find(({ resolution }) => Number.isNaN(resolution)) : undefined;
  if (stepless) judge.report(at, say.resolutionNotPositive(`"resolution:" of ${stepless.name}`), "key");
  if (around.altitudeM === undefined && type.usesAltitude)
    judge.report([...at, "type"], say.altitudeMissing(type.name));
  checkPin(around, at, shape, type);
  const everyMs = shape.every ?? type.everyMs;
  const parts = partsOf(judge, at, shape, type, everyMs);
  if (hasErrors(judge.problems.slice(before))) return undefined;
  const address = PORT_KINDS[type.kind] === "gpio" ? undefined : needs.get("address");
  const place = `${judge.document.path}:${judge.document.lineOf(at)}`;
  const device: Device = {
    name,
    type: type.name,
    port: shape.port,
    ...(address === undefined ? {} : { address }),
    ...(shape.pin === undefined ? {} : { pin: shape.pin }),
    protocol: type.protocol(given, parts.correct),
    channels: type.channels,
    needs: new Map([...needs].flatMap(([need, value]) => spoken(type.needs.get(need), value))),
    everyMs,
    heartbeatMs: shape.heartbeat ?? HEARTBEAT_DEFAULT_MS,
    settings: type.settings,
    commands: type.commands,
    alarms: type.alarms,
    ...parts,
    ...(shape.paused === undefined ? {} : { paused: shape.paused }),
    place,
  };
  return { device, type, origins: originsOf(judge, at, shape, type), given };
}

const spoken = (need: Need | undefined, value: number): [string, string][] =>
  need ? [[need.name, spokenNeed(need, value)]] : [];

function checkPort(around: Around, at: Path, shape: DeviceShape, type: DeviceType): void {
  const port = around.ports.get(shape.port);
  const kind = PORT_KINDS[type.kind];
  const isCounted = port?.kind === "counter" && type.kind === "pulses";
  if (port && port.kind !== kind && !isCounted) {
    const possible = [...around.ports.values()].filter((other) => other.kind === kind).map(({ name }) => name);
    around.judge.report([...at, "port"], say.wrongPortKind(shape.port, port.kind, type.name, kind, possible));
  }
}

/** A pin for what is wired to one; a counter of the kernel has its own. */
function checkPin({ judge, ports }: Around, at: Path, shape: DeviceShape, type: DeviceType): void {
  const isMissing = shape.pin === undefined && !judge.document.has([...at, "pin"]);
  const isCounted = ports.get(shape.port)?.kind === "counter";
  if (PORT_KINDS[type.kind] === "gpio" && !isCounted) {
    if (isMissing) judge.report(at, say.needMissing("pin", type.name, "17"), "key");
  } else if (shape.pin !== undefined) {
    const said = isCounted ? say.counterHasNoPin(shape.port) : say.keyOfOtherKind("pin", type.name);
    judge.report([...at, "pin"], said, "key");
  }
}

/** Everything that isn't a key of all devices has to be one that the type needs. */
function needsOf(judge: Judge, at: Path, shape: DeviceShape, type: DeviceType): ReadonlyMap<string, number> {
  const extra = shape as Readonly<Record<string, Tree | undefined>>;
  const common = Object.keys(deviceKeys);
  const known = [...common.filter((key) => key !== "address" && key !== "pin"), ...type.needs.keys()];
  for (const key of Object.keys(shape)) {
    if (type.needs.has(key) || (common.includes(key) && key !== "address")) continue;
    // Lines that YAML took for one: that they can't be read was said.
    if (/\s/.test(key) && hasErrors(judge.document.problems)) continue;
    const isAddress = key === "address";
    judge.report([...at, key], isAddress ? say.keyOfOtherKind(key, type.name) : unknownKey(key, known), "key");
  }
  const values = new Map<string, number>();
  for (const need of type.needs.values()) {
    const value = needOf(judge, at, extra[need.name], need, type);
    if (value !== undefined) values.set(need.name, value);
  }
  return values;
}

/**
 * A device whose type isn't known may need keys that nobody knows either. Only what is nearly a common key that it
 * lacks is told: "tpye" beside no "type".
 */
export function checkCommonKeys(judge: Judge, name: string, shape: object): void {
  const common = Object.keys(deviceKeys);
  const lacking = common.filter((key) => !Object.hasOwn(shape, key));
  for (const key of Object.keys(shape)) {
    if (common.includes(key) || nearestWord(key, lacking) === undefined) continue;
    judge.report(["devices", name, key], unknownKey(key, lacking), "key");
  }
}

function needOf(judge: Judge, at: Path, text: Tree | undefined, need: Need, type: DeviceType): number | undefined {
  const place = [...at, need.name];
  if (text === undefined) {
    if (need.default === undefined)
      judge.report(at, say.needMissing(need.name, type.name, exampleOf(need, type)), "key");
    return need.default;
  }
  if (text === "") judge.report(place, say.noValue(need.name), "key");
  else if (typeof text !== "string") judge.report(place, say.wantedValue("more lines"), "key");
  else
    return judge.take(
      place,
      type.kind === "i2c" && need.name === "address" ? readAddress(need, text) : readNeed(need, text),
    );
  return undefined;
}

function exampleOf(need: Need, type: DeviceType): string {
  return type.kind === "i2c" && need.name === "address" && !need.oneOf ? "0x76" : exampleOfNeed(need);
}

/** A working day: who forgets the key in its switch is no longer there after that. */
const ON_SITE_MS = 8 * 3_600_000;

function partsOf(judge: Judge, at: Path, shape: DeviceShape, type: DeviceType, everyMs: number) {
  const when = judge.condition([...at, "faster", "when"], shape.faster?.when, type.channels);
  if (shape.faster && shape.faster.every >= everyMs) {
    judge.report(
      [...at, "faster", "every"],
      say.fasterIsSlower(spokenDuration(shape.faster.every), spokenDuration(everyMs)),
    );
  }
  const key = shape["on-site"];
  const turned = judge.condition([...at, "on-site", "when"], key?.when, type.channels);
  const fastestMs = Math.min(everyMs, shape.faster?.every ?? everyMs);
  return {
    ...(when && shape.faster ? { faster: { when, everyMs: shape.faster.every } } : {}),
    ...(turned && key ? { onSite: { when: turned, atMostMs: key["at-most"] ?? ON_SITE_MS } } : {}),
    ...preprocessingOf(judge, at, shape, type, { everyMs, fastestMs }),
  };
}

/** Keys of the device file are told from where they stand there; what is of a channel, by its row. */
function originsOf(judge: Judge, at: Path, shape: DeviceShape, type: DeviceType): Origins {
  const origins = new Map<string, string>();
  const { document } = judge;
  for (const key of Object.keys(shape)) origins.set(key, document.originOf([...at, key]));
  for (const key of ["correct", "small-change"] as const) {
    for (const name of Object.keys(shape[key] ?? {}))
      origins.set(`${key} ${name}`, document.originOf([...at, key, name]));
  }
  if (!origins.has("every")) origins.set("every", type.originOf(["every"]));
  for (const need of type.needs.keys()) {
    if (!origins.has(need)) origins.set(need, type.originOf(["needs", need, "default"]));
  }
  for (const [name, { origin }] of type.filters) origins.set(`filter ${name}`, origin);
  for (const name of Object.keys(shape.filter ?? {}))
    origins.set(`filter ${name}`, document.originOf([...at, "filter", name]));
  if (!origins.has("heartbeat")) origins.set("heartbeat", "default");
  for (const [row, origin] of originsOfType(type)) origins.set(row, origin);
  return origins;
}

/** By the rows of `describeDevice` and `describeType`. */
export function originsOfType(type: DeviceType): Origins {
  const origins = new Map<string, string>();
  for (const { name } of type.channels) origins.set(`channel ${name}`, type.originOf(type.channelAt(name)));
  for (const { name } of type.settings) origins.set(`setting ${name}`, type.originOf(["settings", name]));
  for (const { name } of type.commands) origins.set(`command ${name}`, type.originOf(["commands", name]));
  for (const { name } of type.alarms) origins.set(`alarm ${name}`, type.originOf(["alarms", name]));
  return origins;
}

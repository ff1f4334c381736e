/** What the agent says of itself beside settings: the twin's facts and the lines of `status`. Pure. */
import { stationModelId } from "@pump-station/sensor-descriptions/documents/dtdl.ts";
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import type { BufferStatus } from "./buffer/buffer.ts";
import type { OnSiteStatus } from "./commands/on-site.ts";
import type { Newest } from "./newest.ts";
import { isMissing } from "./reading.ts";
import type { RunningStation } from "./running-station.ts";
import type { AgentStatus, DeviceStatus, HeldPort } from "./status.ts";
import type { AccountStatus } from "./uplink/month-account.ts";
import { type StreamSchema, schemaHash } from "./wire/schema.ts";
import type { JsonObject } from "./wire/twin-document.ts";
import type { Clock } from "./world.ts";

/** What runs before there is a description, or when there is none that is good: a station without devices. */
export const emptyStation = (name: string): Station => ({
  name,
  label: name,
  timeZone: "UTC",
  ports: new Map(),
  devices: [],
  hash: "",
});

/** Problems that fit a twin; the file on the station has them all. */
const REPORTED_PROBLEMS_MAX = 5;
const PROBLEM_LENGTH_MAX = 200;

/** The reported document without its settings (wire/twin-document.ts). */
export function factsFrom(parts: {
  readonly version: string;
  readonly clock: Clock;
  readonly buffer: BufferStatus;
  readonly description: AgentStatus["description"];
  readonly station: Station;
  readonly newest: Newest;
  readonly month: AccountStatus;
  /** By their names: createLastErrors. */
  readonly errors: JsonObject;
  readonly certificateUntilMs?: number | undefined;
  readonly schemaOf: (device: Device) => StreamSchema;
  readonly onSite: OnSiteStatus | undefined;
}): JsonObject {
  const { buffer, description, station, month, certificateUntilMs } = parts;
  const devices = station.devices.map(({ name, paused }): [string, JsonObject] => [
    name,
    { health: paused === undefined ? parts.newest.health(name) : "paused" },
  ]);
  return {
    agent: {
      version: parts.version,
      epoch: buffer.epoch,
      boot: parts.clock.bootId,
      ...(certificateUntilMs !== undefined && { "certificate-until": dayOf(certificateUntilMs) }),
    },
    description: {
      hash: description.hash,
      runs: description.runs,
      problems: description.problems.slice(0, REPORTED_PROBLEMS_MAX).map((text) => text.slice(0, PROBLEM_LENGTH_MAX)),
    },
    devices: Object.fromEntries(devices),
    buffer: {
      waiting: buffer.waiting,
      "waiting-hours": Math.round(buffer.waitingHours * 10) / 10,
      dropped: buffer.dropped,
      ...(buffer.roomDays !== undefined && { "room-days": Math.round(buffer.roomDays * 10) / 10 }),
      flash: buffer.medium.state,
    },
    schemas: Object.fromEntries(station.devices.map((device) => [device.name, schemaHash(parts.schemaOf(device))])),
    budget: budgetFacts(month),
    ...(Object.keys(parts.errors).length > 0 && { errors: parts.errors }),
    economy: { step: month.step, name: month.stepName },
    ...(parts.onSite && { "on-site": onSiteFacts(parts.onSite) }),
  };
}

/** Nothing that creeps: each change would be a report. */
const onSiteFacts = ({ until, by }: OnSiteStatus): JsonObject => ({
  ...(until !== undefined && { until: Math.round(until / 60_000) * 60_000 }),
  by,
});

/** As in RFC 3339. */
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;

const budgetFacts = ({ month, usedBytes, forecastBytes, budgetBytes }: AccountStatus): JsonObject => ({
  month,
  "used-mb": megabytes(usedBytes),
  ...(forecastBytes !== undefined && { "forecast-mb": megabytes(forecastBytes) }),
  ...(budgetBytes !== undefined && { "of-mb": megabytes(budgetBytes) }),
});

/** The newest good value of the channel in which a setting is read back. */
export function readBackFrom(station: Station, newest: Newest, name: string, setting: string): number | undefined {
  return readBackWithin(station, newest, name, setting)?.value;
}

export interface ReadBack {
  readonly value: number;
  /** As near to it is equal: half a step of what its channel can tell apart. */
  readonly within: number;
  /** ms since boot; of a device that is asked over a bus, where one question less counts. */
  readonly readMs?: number;
}

export function readBackWithin(station: Station, newest: Newest, name: string, setting: string): ReadBack | undefined {
  const device = station.devices.find((candidate) => candidate.name === name);
  const channel = device?.settings.find((candidate) => candidate.name === setting)?.readBack;
  const at = device?.channels.findIndex((candidate) => candidate.name === channel) ?? -1;
  const value = newest.of(name)?.values[at];
  const readMs = newest.readMs(name, at);
  if (value === undefined || isMissing(value) || readMs === undefined) return undefined;
  const isAsked = device?.protocol.kind === "serial" || device?.protocol.kind === "i2c";
  return { value, within: (device?.channels[at]?.resolution ?? 0) / 2 + 1e-9, ...(isAsked && { readMs }) };
}

export function deviceStatus(
  device: Device,
  running: RunningStation | undefined,
  newest: Newest,
  clock: Clock,
): DeviceStatus {
  const health = running?.sources.get(device.name)?.health();
  const sample = newest.of(device.name);
  return {
    device: device.name,
    type: device.type,
    everyMs: running?.sources.has(device.name) ? running.cadence.running(device.name).everyMs : device.everyMs,
    ...(device.paused === undefined ? {} : { paused: device.paused }),
    health: newest.health(device.name),
    ageMs: sample ? Math.round(clock.bootMs() - sample.bootMs) : null,
    polls: health?.polls ?? 0,
    failures: health ? health.polls - health.good : 0,
    ...(health?.lastError ? { lastError: health.lastError.what } : {}),
    ...(health?.info ? { info: health.info } : {}),
    ...(health?.inParts ? { notes: Object.entries(health.inParts).map(partsNote) } : {}),
  };
}

const partsNote = ([read, because]: readonly [string, string]): string =>
  `"${read}" is read in parts, without the registers that no channel needs (${because})`;

/** Whose ports are open, for who wants to look at one apart from the agent. */
export const heldPorts = ({ ports, devices }: Station): HeldPort[] =>
  [...ports.values()].map((port) => ({
    ...port,
    devices: devices
      .filter(({ port: name, paused }) => name === port.name && paused === undefined)
      .map(({ name }) => name),
  }));

/** As `pump-station describe --dtdl` prints it. */
export const modelOf = ({ name, devices }: Station) => {
  const id = stationModelId(name);
  return { components: new Set(devices.map((device) => device.name)), ...(id !== undefined && { id }) };
};

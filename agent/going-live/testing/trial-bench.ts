/** Going live without ports: what each device answers is said by the test, and every poll falls on simulated time. */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { type ChannelValue, missing } from "../../reading.ts";
import { createStateStore } from "../../state/state-store.ts";
import { createMemoryFiles, type MemoryFiles } from "../../testing/memory-files.ts";
import { createSimulatedTime, type SimulatedTime } from "../../testing/simulated-time.ts";
import type { Files } from "../../world.ts";
import { createGoingLive } from "../going-live.ts";
import type { GoingLiveState } from "../memory.ts";

/** A valve that is asked with 01; channels are bytes of its answer. */
export const valveType = (
  channels: Readonly<Record<string, string>> = { level: "0 to 100", target: "0 to 200" },
) => `format: 1
type: valve
source: "this test"
every: 10s
needs:
  address: { kind: whole-number, range: 1 to 9, default: 1 }
serial: { speed: 9600, mode: 8N1 }
timing: { answer-within: 100ms }
frame:
  - { part: start,   bytes: "A5" }
  - { part: address, as: u8 }
  - { part: length,  as: u8, counts: body }
  - { part: body }
  - { part: check,   sum: sum8, over: start to body }
reads:
  all:
    send: "01"
    answer: "81"
    channels:
${Object.entries(channels)
  .map(([name, range], at) => `      ${name}: { byte: ${at + 1}, as: u8, scale: 1, unit: mbar, range: ${range} }`)
  .join("\n")}
examples:
${[10, 90].map((value) => example(Object.keys(channels), value)).join("\n")}
`;

function example(channels: readonly string[], value: number): string {
  const body = [0x81, ...channels.map(() => value)];
  const frame = [0xa5, 1, body.length, ...body];
  const hex = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const sum = frame.reduce((sum, byte) => (sum + byte) & 0xff);
  return `  - name: "all at ${value}"
    read: all
    answer: "${hex([...frame, sum])}"
    gives: { ${channels.map((name) => `${name}: ${value}`).join(", ")} }`;
}

/** \`devices\`: name → further lines, such as { one: "every: 30s" }. */
export const stationFile = (devices: Readonly<Record<string, string>>, comment = ""): string =>
  `format: 1
station: lake
ports:
  line:
    serial: /dev/line
devices:
${Object.entries(devices)
  .map(([name, more], at) => {
    const lines = more.includes("type:") ? [] : ["type: valve"];
    const address = more.includes("address:") ? [] : [`address: ${at + 1}`];
    const all = [...lines, "port: line", ...address, ...more.split("\n").filter(Boolean)];
    return `  ${name}:\n${all.map((line) => `    ${line}`).join("\n")}`;
  })
  .join("\n")}
${comment}`;

/** What a device answers to the poll at this moment; undefined: 50 mbar everywhere. */
export type Answer = (device: Device, station: Station) => ChannelValue | readonly ChannelValue[] | undefined;

export const STATION = "/etc/station.yaml";

export function trialBench(
  parts: { files?: MemoryFiles; time?: SimulatedTime; seenAs?: Files; trialMs?: number } = {},
) {
  const time = parts.time ?? createSimulatedTime();
  const files = parts.files ?? createMemoryFiles();
  if (!files.contents.has("/devices/valve.yaml")) files.write("/devices/valve.yaml", valveType());
  const ran: Station[] = [];
  const said: string[] = [];
  const log = (_: string, event: string, fields = {}) => void said.push(`${event} ${JSON.stringify(fields)}`);
  const field: { answer: Answer; fails: (station: Station) => string | undefined } = {
    answer: () => undefined,
    fails: () => undefined,
  };
  let stops: (() => void)[] = [];
  const run = async (station: Station): Promise<void> => {
    const failure = field.fails(station);
    if (failure) throw new Error(failure);
    ran.push(station);
    for (const stop of stops) stop();
    stops = station.devices.filter(({ paused }) => paused === undefined).map((device) => polled(device, station));
  };
  /** At once, then at every interval, as the cadence does. */
  const polled = (device: Device, station: Station): (() => void) => {
    let cancel = (): void => {};
    const poll = (): void => {
      cancel = time.timers.after(device.everyMs, poll);
      const answer = field.answer(device, station) ?? 50;
      const values = device.channels.map(
        (_, at) =>
          (Array.isArray(answer) ? (answer as ChannelValue[])[at] : (answer as ChannelValue)) ?? missing("malformed"),
      );
      goingLive.took(device, { device: device.name, bootMs: time.clock.bootMs(), values });
    };
    cancel = time.timers.after(5, poll);
    return () => cancel();
  };
  const state = createStateStore({ files, log }, "/state");
  const goingLive = createGoingLive(
    {
      ...time,
      files: parts.seenAs ?? files,
      log,
      kept: state.document("description"),
      state: state.document<GoingLiveState>("going-live"),
      run,
    },
    {
      path: STATION,
      folders: ["/devices"],
      station: "lake",
      rejected: "/data/rejected",
      trialMs: parts.trialMs ?? 120_000,
    },
  );
  return {
    time,
    files,
    ran,
    said,
    field,
    goingLive,
    save: (text: string) => files.write(STATION, text),
    /** As by kill -9: timers and watchers are gone, what is on disk stays. */
    killed: () => {
      for (const stop of stops) stop();
    },
  };
}

export const silent = missing("timeout");

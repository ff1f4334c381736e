/** Everything on the serial lines of a station: a pseudo-terminal per port, a board per device, what moves behind it. */
import type { Clock, Timers } from "@pump-station/agent/world.ts";
import type { Device, Port, SerialProtocol, Station, Values } from "@pump-station/sensor-descriptions/model.ts";
import {
  type Baseboard,
  type BaseboardBehaviour,
  type BaseboardEvent,
  createBaseboard,
} from "../hardware/baseboard.ts";
import type { ReplayBehaviour } from "../recording/replay-behaviour.ts";
import { REPLAY_TYPE } from "../recording/replay-files.ts";
import type { Terminal } from "../world.ts";
import type { Evidence, Journal } from "./evidence.ts";
import { createNoise } from "./noise.ts";
import { createPump } from "./pump.ts";
import { createPumpBehaviour } from "./pump-behaviour.ts";
import { createSteadyBehaviour } from "./steady-behaviour.ts";
import type { Surroundings } from "./surroundings.ts";

export interface SerialDevicesDeps {
  readonly station: Station;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly seed: number;
  readonly surroundings: Surroundings;
  readonly replay?: ReplayBehaviour;
  readonly openTerminal: (port: Port) => Terminal;
  readonly journal: Journal;
}

export interface SerialDevices {
  readonly evidence: () => Pick<Evidence, "terminals" | "requests" | "now">;
  close(): void;
}

interface Line {
  readonly terminal: Terminal;
  readonly boards: Baseboard[];
}

export function createSerialDevices(deps: SerialDevicesDeps): SerialDevices {
  const lines = new Map<string, Line>();
  const devices = deps.station.devices.filter(({ protocol }) => protocol.kind === "serial");
  const attached = devices.map((device) => {
    const line = lines.get(device.port) ?? openLine(device, deps);
    lines.set(device.port, line);
    const behaviour = behaviourOf(device, deps);
    const counted = { answered: 0, refused: 0, bad: 0 };
    const onEvent = (event: BaseboardEvent) => {
      counted[outcomeOf(event)]++;
      writeDown(deps.journal, device.name, event, deps.clock.wallMs());
    };
    const protocol = device.protocol as SerialProtocol;
    const send = (frame: Uint8Array) => line.terminal.write(frame);
    const address = device.address ?? 1;
    line.boards.push(createBaseboard({ protocol, address, behaviour, timers: deps.timers, send, onEvent }));
    return { device, behaviour, counted };
  });
  // A recording's rows are given out once; looking must not take one.
  const seen = attached.filter(({ behaviour }) => behaviour !== deps.replay);
  return {
    evidence: () => ({
      terminals: Object.fromEntries(
        [...lines].map(([name, { terminal }]) => [name, { path: terminal.path, ...terminal.counted }]),
      ),
      requests: Object.fromEntries(attached.map(({ device, counted }) => [device.name, { ...counted }])),
      now: Object.fromEntries(seen.map(({ device, behaviour }) => [device.name, numbersOf(behaviour)])),
    }),
    close: () => {
      for (const { terminal } of lines.values()) terminal.close();
    },
  };
}

function openLine(device: Device, deps: SerialDevicesDeps): Line {
  const port = deps.station.ports.get(device.port);
  if (!port) throw new Error(`wire ${device.name}: the station has no port ${device.port}`);
  const terminal = deps.openTerminal(port);
  const boards: Baseboard[] = [];
  terminal.onBytes((bytes) => {
    for (const board of boards) board.receive(bytes);
  });
  return { terminal, boards };
}

function behaviourOf(device: Device, deps: SerialDevicesDeps): BaseboardBehaviour {
  const nowMs = () => deps.clock.bootMs();
  const noise = createNoise(deps.seed);
  if (device.type === REPLAY_TYPE && deps.replay) return deps.replay;
  if (device.type !== "pump-mk2") return createSteadyBehaviour({ device, noise, nowMs });
  const airC = (bootMs: number) => deps.surroundings.air(bootMs).temperatureC;
  const pump = createPump({ noise, startMs: nowMs(), airC });
  return createPumpBehaviour({ pump, channels: device.channels, nowMs });
}

function outcomeOf(event: BaseboardEvent): "answered" | "refused" | "bad" {
  if (event.did === "bad") return "bad";
  if (event.did === "answered") return "answered";
  return event.did === "refused" || event.refused !== undefined ? "refused" : "answered";
}

function writeDown(journal: Journal, device: string, event: BaseboardEvent, atMs: number): void {
  // A set-up leaves nothing behind that a test looks for.
  if (event.did === "bad" || event.did === "refused" || event.did === "set-up") return;
  if (event.did === "answered") {
    journal.add(device, { atMs, did: "answered", values: Object.fromEntries(event.values) });
    return;
  }
  const values = event.did === "set" ? { [event.setting]: event.value } : { [event.command]: 1 };
  journal.add(device, { atMs, did: event.did, values, ...(event.refused !== undefined && { refused: event.refused }) });
}

function numbersOf(behaviour: BaseboardBehaviour): Readonly<Record<string, number>> {
  const values: Values | number = behaviour.read("", new Map());
  if (typeof values === "number") return {};
  return Object.fromEntries([...values].filter((entry): entry is [string, number] => typeof entry[1] === "number"));
}

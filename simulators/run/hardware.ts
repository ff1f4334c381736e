/** The `hardware` command: plays the hardware of a station file at the ports that this file names, until it is stopped. */
import type { Clock, Files, Timers } from "@pump-station/agent/world.ts";
import type { Port } from "@pump-station/sensor-descriptions/model.ts";
import { createReplayBehaviour, type ReplayBehaviour } from "../recording/replay-behaviour.ts";
import { serveEvidence } from "../station/evidence.ts";
import { createHardware } from "../station/hardware.ts";
import { createNoise } from "../station/noise.ts";
import { createDemoSurroundings, type Surroundings, withRecordedAir } from "../station/surroundings.ts";
import { createWeather } from "../station/weather.ts";
import type { LinePeer, Terminal, TextFiles } from "../world.ts";
import { stationFrom } from "./description.ts";
import { layoutOf, type Programs } from "./layout.ts";
import { openRecording, type ReplayOptions } from "./replay-options.ts";

export interface HardwareRunDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly files: Files;
  readonly texts: TextFiles;
  readonly programs: Programs;
  readonly temporary: string;
  readonly openTerminal: (link: string) => Terminal;
  readonly serveLines: (path: string, onPeer: (peer: LinePeer) => void) => Promise<() => Promise<void>>;
  readonly say: (line: string) => void;
}

export interface HardwareRunOptions {
  readonly root: string;
  /** Default: what the demonstration in `root` has wired. */
  readonly stationFile?: string;
  readonly seed: number;
  readonly replay?: ReplayOptions;
}

const DAY_MS = 86_400_000;

export async function runHardware(
  deps: HardwareRunDeps,
  options: HardwareRunOptions,
  stop: AbortSignal,
): Promise<void> {
  const layout = layoutOf(options.root, deps.temporary);
  const station = stationFrom(deps.files, options.stationFile ?? layout.wiredFile, layout.deviceFolder, deps.programs);
  const replay = options.replay && replayOf(deps, options.replay);
  const hardware = createHardware({
    station,
    clock: deps.clock,
    timers: deps.timers,
    seed: options.seed,
    surroundings: surroundingsOf(deps.clock, options, replay),
    ...(replay && { replay }),
    openTerminal: (port) => deps.openTerminal(port.path),
  });
  const sockets = new Set([...station.ports.values()].flatMap(({ simulator }) => simulator ?? []));
  const closings: (() => Promise<void>)[] = [];
  for (const socket of sockets) closings.push(await deps.serveLines(socket, (peer) => hardware.ports.serve(peer)));
  const onWitness = (peer: LinePeer) => serveEvidence(peer, () => hardware.evidence(), hardware.journal);
  closings.push(await deps.serveLines(layout.sockets.evidence, onWitness));
  for (const port of station.ports.values()) deps.say(whereIs(port));
  await hardware.run(stop);
  for (const close of closings) await close();
  hardware.close();
}

function whereIs({ name, kind, path, simulator }: Port): string {
  if (kind === "serial") return `${name}: serial at ${path}`;
  const advice = `not played; give this port a line "simulator: SOCKET" in the station file`;
  return `${name}: ${kind} ${path} ${simulator === undefined ? advice : `at ${simulator}`}`;
}

const replayOf = (deps: HardwareRunDeps, options: ReplayOptions): ReplayBehaviour =>
  createReplayBehaviour({
    recording: openRecording(deps.texts, options),
    clock: deps.clock,
    ...(options.speed !== undefined && { speed: options.speed }),
  });

function surroundingsOf(
  clock: Clock,
  { seed, replay: options }: HardwareRunOptions,
  replay?: ReplayBehaviour,
): Surroundings {
  const weather = createWeather(createNoise(seed));
  const demo = createDemoSurroundings(weather, clock.bootMs(), clock.wallMs() % DAY_MS);
  if (!replay || !options) return demo;
  const columns: Record<string, () => number | undefined> = {};
  for (const { quantity, column } of options.airColumns) columns[quantity] = () => replay.column(column);
  return withRecordedAir(demo, columns);
}

/** The `replay-bus` command: one port played from a recording of `pump-station record`, until it is stopped. */
import { type BusRecording, BusRecordingError, parseBusRecording } from "@pump-station/agent/tap/recording.ts";
import type { Clock, Timers } from "@pump-station/agent/world.ts";
import { createBusPlayer } from "../bus-replay/bus-player.ts";
import { pinsIn, playPins } from "../bus-replay/pin-player.ts";
import { createSerialPlayer } from "../bus-replay/serial-player.ts";
import { createPortService } from "../hardware/port-service.ts";
import { RecordingError } from "../recording/csv.ts";
import type { LinePeer, Terminal, TextFiles } from "../world.ts";

export interface ReplayBusDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly texts: TextFiles;
  readonly openTerminal: (link: string) => Terminal;
  readonly serveLines: (path: string, onPeer: (peer: LinePeer) => void) => Promise<() => Promise<void>>;
  readonly say: (line: string) => void;
}

export interface ReplayBusOptions {
  readonly file: string;
  /** Where the port is: the name of a serial port, or the socket of a simulator. */
  readonly at: string;
  readonly repeat: boolean;
}

/** Throws RecordingError when the file is no such recording. */
export async function runReplayBus(deps: ReplayBusDeps, options: ReplayBusOptions, stop: AbortSignal): Promise<void> {
  const recording = openBusRecording(deps.texts, options.file);
  if (recording.head.port.kind === "serial") return replaySerial(deps, options, recording, stop);
  return replayPorts(deps, options, recording, stop);
}

async function replaySerial(
  { timers, openTerminal, say }: ReplayBusDeps,
  { at, repeat }: ReplayBusOptions,
  recording: BusRecording,
  stop: AbortSignal,
): Promise<void> {
  const terminal = openTerminal(at);
  const player = createSerialPlayer({ timers, repeat, send: (bytes) => terminal.write(bytes) }, recording);
  terminal.onBytes((bytes) => player.receive(bytes));
  say(`${recording.head.port.name}: serial at ${at}`);
  player.start();
  await ended(stop);
  player.stop();
  terminal.close();
  const { answered, silent, unknown } = player.counted;
  say(
    `${answered} requests answered, ${silent} left unanswered as recorded, ${unknown} that the recording doesn't have`,
  );
}

async function replayPorts(
  deps: ReplayBusDeps,
  { at, repeat }: ReplayBusOptions,
  recording: BusRecording,
  stop: AbortSignal,
): Promise<void> {
  const { kind, path, name } = recording.head.port;
  const bus = createBusPlayer(recording);
  const ports = createPortService({
    buses: new Map(kind === "i2c" ? [[path, bus]] : []),
    pins: new Map(kind === "gpio" ? [[path, pinsIn(recording)]] : []),
  });
  const close = await deps.serveLines(at, (peer) => ports.serve(peer));
  deps.say(`${name}: ${kind} ${path} at ${at}; in the station file: simulator: ${at}`);
  if (kind === "gpio") await playPins({ ...deps, ports }, recording, repeat, stop);
  await ended(stop);
  await close();
  if (kind === "i2c") {
    const { answered, failed, unknown } = bus.counted;
    deps.say(
      `${answered} transfers answered, ${failed} failed as recorded, ${unknown} that the recording doesn't have`,
    );
  }
}

function openBusRecording(texts: TextFiles, path: string): BusRecording {
  const text = texts.read(path);
  if (text === undefined) throw new RecordingError(`${path}: there is no such recording`);
  try {
    return parseBusRecording(text);
  } catch (error) {
    if (!(error instanceof BusRecordingError)) throw error;
    throw new RecordingError(`${path}: ${error.message}`);
  }
}

const ended = (stop: AbortSignal): Promise<void> =>
  new Promise((resolve) =>
    stop.aborted ? resolve() : stop.addEventListener("abort", () => resolve(), { once: true }),
  );

/** `pump-station record PORT|DEVICE FILE`: what passes over a port, into a file that the simulator plays. */
import type { Port, SerialSettings, Station } from "@pump-station/sensor-descriptions/model.ts";
import { readDuration } from "@pump-station/sensor-descriptions/quantities.ts";
import { InvalidArgumentError, Option } from "commander";
import { type ControlClient, openControl } from "../control/client.ts";
import { loadDescription, textAt } from "../description.ts";
import type { HeldPort } from "../status.ts";
import { type BusEvent, createHead, hexFrom, parseBusRecording } from "../tap/recording.ts";
import type { TapStart, TapTaken } from "../tap/taps.ts";
import { type AddCommand, type CliDeps, deviceFolders, examples, type Machine } from "./command.ts";
import { EXIT } from "./exit.ts";
import { type AccessOptions, accessAdvice, accessOptions, claimPort, findPort } from "./port-access.ts";
import { createProgressLine } from "./progress-line.ts";
import { examplesText } from "./record-examples.ts";
import { createRecordingFile, type RecordingFile } from "./recording-file.ts";
import { spokenBytes, spokenDuration } from "./table.ts";

export const addRecord: AddCommand = (program, deps, finish) => {
  const command = program.command("record");
  for (const option of accessOptions()) command.addOption(option);
  command
    .description("write what passes over a port into a file: bytes and times, for the simulator and for examples")
    .argument("[device]", "a device or a port of the station; without an agent also a path such as /dev/ttyUSB0")
    .argument("[file]", "the recording; an existing one is not overwritten")
    .addOption(new Option("--for <time>", "how long, like 10min").argParser(duration).default(60_000, "1min"))
    .option("--examples <recording>", "print a recording as examples for a device file instead")
    .option("--speed <bd>", "without an agent: the line's speed (else what the station file says), 8N1")
    .option("--json", "for programs", false)
    .addHelpText(
      "after",
      examples(
        "pump-station record pump pump.jsonl --for 10min          while the agent runs: what it asks and hears",
        "pump-station record /dev/ttyUSB0 wind.jsonl --speed 4800  no agent: only listens",
        "pump-station record --examples pump.jsonl                examples: for devices/pump.yaml",
      ),
    )
    .action((device: string | undefined, file: string | undefined, said: Said) =>
      finish(said.examples === undefined ? record(deps, device, file, said) : printExamples(deps, said)),
    );
};

interface Said extends AccessOptions {
  readonly for: number;
  readonly examples?: string;
  readonly speed?: string;
  readonly json: boolean;
}

/** The longest that anybody means. */
const FOR_MS_MAX = 7 * 86_400_000;
/** The agent keeps some hundred events meanwhile. */
const FETCH_EVERY_MS = 250;

function duration(text: string): number {
  const reading = readDuration(text);
  if ("ok" in reading && reading.ok > 0 && reading.ok <= FOR_MS_MAX) return reading.ok;
  throw new InvalidArgumentError('A time with its unit, for example "10min"; at most 7 d.');
}

async function record(deps: CliDeps, what: string | undefined, path: string | undefined, said: Said): Promise<number> {
  if (what === undefined || path === undefined) {
    deps.err("record: name a device or a port, and a file: pump-station record pump pump.jsonl\n");
    return EXIT.usage;
  }
  if (deps.files.read(path) !== undefined)
    throw new Error(`write ${path}: there is such a file already; give another name`);
  const machine = await deps.machine();
  const client = await openControl(deps.connectControl, said.control).catch((error: unknown) => {
    if (/no agent runs here/.test(String(error))) return undefined;
    throw error;
  });
  const file = await (client
    ? recordFromAgent(deps, machine, client, what, path, said)
    : recordByListening(deps, machine, what, path, said));
  const { events, bytes } = file.counted();
  if (said.json) deps.out(`${JSON.stringify({ file: path, events, bytes })}\n`);
  else
    deps.out(
      `${path}: ${events} events, ${spokenBytes(bytes)}${file.isFull() ? "; it is full and ended early" : ""}\n`,
    );
  return EXIT.ok;
}

async function recordFromAgent(
  deps: CliDeps,
  machine: Machine,
  client: ControlClient,
  what: string,
  path: string,
  said: Said,
): Promise<RecordingFile> {
  try {
    const ports = (await client.ask("ports")) as HeldPort[];
    const port = ports.find(({ name, devices }) => name === what || devices.includes(what));
    if (!port) {
      const there = ports.map(({ name, devices }) => `${name} (${devices.join(", ") || "nobody is asked"})`).join("; ");
      throw new Error(`record: the running station has no port or device "${what}"; it has: ${there}`);
    }
    const start = (await client.ask("tap", { port: port.name })) as TapStart & { station: string; startedAt: number };
    const { station, settings, startedAt } = start;
    const { name, kind, path: portPath } = port;
    const file = createRecordingFile(
      deps.files,
      path,
      createHead({
        station,
        port: { name, kind, path: portPath },
        started: new Date(startedAt).toISOString(),
        by: "agent",
        ...(settings ? { settings } : {}),
      }),
    );
    await whileWaiting(deps, machine, file, said.for, async () => {
      const { events } = (await client.ask("tapped", { tap: start.tap })) as TapTaken;
      for (const event of events) file.add(event);
    });
    await client.ask("untap", { tap: start.tap });
    return file;
  } finally {
    client.close();
  }
}

/** Nobody asks: what devices send by themselves is all that can be heard. */
async function recordByListening(
  deps: CliDeps,
  machine: Machine,
  what: string,
  path: string,
  said: Said,
): Promise<RecordingFile> {
  const { station } = loadDescription(deps.files, said.file, deviceFolders(deps, said.file, []));
  const device = station?.devices.find(({ name }) => name === what);
  const port = await findPort(deps, machine, device?.port ?? what, said.file);
  if (port.kind !== "serial")
    throw new Error(
      `record ${what}: no agent runs, so nobody asks on ${port.path}; only a serial line can be listened to. Start it: systemctl start pump-station`,
    );
  const settings = settingsOf(station, port, said.speed);
  const release = await claimPort(deps, machine, port, said);
  try {
    return await listenedTo(deps, machine, { station, port, settings }, path, said);
  } finally {
    release();
  }
}

interface Listening {
  readonly station: Station | undefined;
  readonly port: Port;
  readonly settings: SerialSettings;
}

async function listenedTo(
  deps: CliDeps,
  machine: Machine,
  { station, port, settings }: Listening,
  path: string,
  said: Said,
): Promise<RecordingFile> {
  const line = await machine.ports.serial.open(port.path, settings).catch(async (error: unknown) => {
    throw await accessAdvice(machine, port, error);
  });
  const startedMs = machine.clock.bootMs();
  const started = new Date(machine.clock.wallMs()).toISOString();
  const { name, kind } = port;
  const file = createRecordingFile(
    deps.files,
    path,
    createHead({
      station: station?.name ?? "",
      port: { name, kind, path: port.path },
      started,
      by: "listening",
      settings,
    }),
  );
  const now = (): number => Math.round(1_000 * (machine.clock.bootMs() - startedMs)) / 1_000;
  let isOpen = true;
  line.onBytes((bytes) => file.add({ ms: now(), heard: hexFrom(bytes) } satisfies BusEvent));
  line.onClosed((reason) => {
    isOpen = false;
    if (reason !== "closed") file.add({ ms: now(), closed: reason });
  });
  deps.err("No agent runs: the line is only listened to, nothing is sent.\n");
  await whileWaiting(deps, machine, file, said.for, async () => {
    if (!isOpen) throw new Error(`record ${port.path}: the line closed; what came before is in ${path}`);
  });
  await line.close();
  return file;
}

/** Until the time is over, the file is full, or Ctrl-C; what there is is saved in any case. */
async function whileWaiting(
  deps: CliDeps,
  { clock, interrupted }: Machine,
  file: RecordingFile,
  forMs: number,
  look: () => Promise<void>,
): Promise<void> {
  const progress = createProgressLine(deps);
  const endMs = clock.bootMs() + forMs;
  try {
    for (;;) {
      const leftMs = endMs - clock.bootMs();
      progress.show(`${file.counted().events} events, ${spokenDuration(leftMs)} left; Ctrl-C ends it`);
      if (leftMs <= 0 || interrupted.aborted || file.isFull()) break;
      await deps.timers.sleep(Math.min(FETCH_EVERY_MS, leftMs), interrupted).catch(() => undefined);
      await look();
    }
  } finally {
    progress.end();
    file.save();
  }
}

function settingsOf(station: Station | undefined, port: Port, speed: string | undefined): SerialSettings {
  if (speed !== undefined) {
    const baudRate = Number(speed);
    if (!Number.isInteger(baudRate) || baudRate < 50 || baudRate > 4_000_000)
      throw new Error(`--speed ${speed}: a whole number of bauds, like 9600`);
    return { baudRate, dataBits: 8, parity: "none", stopBits: 1 };
  }
  const device = station?.devices.find((one) => one.port === port.name && one.protocol.kind === "serial");
  if (device?.protocol.kind === "serial") return device.protocol.settings;
  throw new Error(
    `record ${port.path}: no device of the station file says its speed; give it: --speed 9600. Which one: pump-station scan ${port.path} --only listen`,
  );
}

function printExamples(deps: CliDeps, said: Said): number {
  const path = said.examples ?? "";
  const text = textAt(deps.files, path);
  if (text === undefined) throw new Error(`read ${path}: there is no such recording`);
  const { station } = loadDescription(deps.files, said.file, deviceFolders(deps, said.file, []));
  const recording = parseBusRecording(text);
  deps.out(said.json ? `${JSON.stringify(recording)}\n` : examplesText(recording, station));
  return EXIT.ok;
}

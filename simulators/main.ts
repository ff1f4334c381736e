/** The simulators' program: `demo` (npm start) and `hardware` (the simulated ports alone, for an agent of one's own). */
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createClock } from "@pump-station/agent/linux/clock.ts";
import { createFiles } from "@pump-station/agent/linux/files.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import { Command, CommanderError } from "commander";
import { readOnlyDatabases } from "./host/database.ts";
import { textFiles } from "./host/files.ts";
import { freePort } from "./host/free-port.ts";
import { fetchHttp } from "./host/http.ts";
import { connectLines, serveLines } from "./host/lines.ts";
import { nodeProcesses } from "./host/processes.ts";
import { openTerminal } from "./host/pty.ts";
import { LINK_WITHIN_MS } from "./limits.ts";
import { RecordingError } from "./recording/csv.ts";
import { type DemoDeps, runCheck, runDemo } from "./run/demo.ts";
import { runHardware } from "./run/hardware.ts";
import { programsIn } from "./run/layout.ts";
import { runReplay } from "./run/replay.ts";
import { runReplayBus } from "./run/replay-bus.ts";
import { type ReplayArguments, replayOptionsFrom, UsageError } from "./run/replay-options.ts";

const EXIT = { failed: 1, usage: 64 } as const;
/** Bundled as dist/simulators.mjs, with the other programs and the catalogue beside it. */
const programs = programsIn(dirname(fileURLToPath(import.meta.url)));
const clock = createClock({ trustClock: "always" });
const timers = createTimers();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const deps: Omit<DemoDeps, "ports"> = {
  processes: nodeProcesses,
  timers,
  clock,
  files: textFiles,
  agentFiles: createFiles(),
  databases: readOnlyDatabases,
  http: fetchHttp,
  connectLines,
  freePort,
  say,
  programs,
  pid: process.pid,
  temporary: tmpdir(),
};

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort(new Error(signal)));

const program = new Command("simulators")
  .description("simulated hardware, and the demonstration of the whole chain")
  .exitOverride();

interface DemoArguments extends ReplayArguments {
  readonly check?: true;
  readonly within?: string;
  readonly reset?: true;
  readonly data: string;
  readonly httpPort: string;
  readonly mqttPort: string;
}

const withReplay = (command: Command): Command =>
  command
    .option("--replay <file>", "the baseboard plays this recording (CSV; the first column is the time)")
    .option("--speed <n>", "recorded seconds per second (default: as fast as the rows are read)")
    .option("--resolution <list>", "NAME=STEP,… (default: the decimals as recorded)")
    .option("--ignore <list>", "columns to leave out (default: anomaly,changepoint)")
    .option("--map <list>", "weather chips play columns: climate.temperature=COLUMN,… (°C, %, hPa)");

withReplay(program.command("demo").description("bridge, simulated hardware and agent, each as its own process"))
  .option("--check", "stop when every link of the chain was seen working; exit code 1 names those that weren't")
  .option("--within <time>", "with --check: how long each link may take, like 90s (default: 60s)")
  .option("--reset", "forget what an earlier demonstration stored")
  .option("--data <folder>", "where everything lies", ".demo")
  .option("--http-port <port>", "for page and API; another one when it is taken", "8080")
  .option("--mqtt-port <port>", "for stations; another one when it is taken", "8883")
  .action(async (said: DemoArguments) => {
    const root = resolve(said.data);
    const demoDeps = { ...deps, ports: { http: portFrom(said.httpPort), mqtt: portFrom(said.mqttPort) } };
    const replay = replayOptionsFrom(said);
    const withinMs = withinFrom(said);
    if (replay && said.check) throw new UsageError("--check and --replay are two runs; give one of them");
    process.exitCode = replay
      ? await runReplay(demoDeps, resolve(root, "replay"), { ...replay, file: resolve(replay.file) }, stopping.signal)
      : said.check
        ? await runCheck(demoDeps, resolve(root, "check"), withinMs, stopping.signal)
        : await runDemo(demoDeps, root, said.reset === true, stopping.signal);
  });

withReplay(program.command("hardware").description("the simulated ports alone, until Ctrl-C"))
  .option("--data <folder>", "where sockets and own device files lie", ".demo")
  .option("--station <file>", "whose hardware is played, at the ports that it names (default: the demonstration's)")
  .option("--seed <n>", "of weather and pump", "1")
  .action(async (said: ReplayArguments & { data: string; station?: string; seed: string }) => {
    const replay = replayOptionsFrom(said);
    await runHardware(
      {
        clock,
        timers,
        files: deps.agentFiles,
        texts: textFiles,
        programs,
        temporary: deps.temporary,
        openTerminal,
        serveLines,
        say,
      },
      {
        root: resolve(said.data),
        ...(said.station !== undefined && { stationFile: resolve(said.station) }),
        seed: Number(said.seed),
        ...(replay && { replay }),
      },
      stopping.signal,
    );
  });

program
  .command("replay-bus")
  .description("one port played from a recording of `pump-station record`, until Ctrl-C")
  .argument("<recording>", "JSON Lines; the format stands in docs/bus-recording.md")
  .requiredOption("--at <path>", "a serial port's name to make, or a simulator's socket for I2C and GPIO")
  .option("--repeat", "what devices sent by themselves comes again from the start", false)
  .action(async (recording: string, said: { at: string; repeat: boolean }) => {
    await runReplayBus(
      { clock, timers, texts: textFiles, openTerminal, serveLines, say },
      { file: resolve(recording), at: resolve(said.at), repeat: said.repeat },
      stopping.signal,
    );
  });

function portFrom(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new UsageError(`${text} is no port: 1 to 65535`);
  return port;
}

function withinFrom({ check, within }: DemoArguments): number {
  if (within === undefined) return LINK_WITHIN_MS;
  if (!check) throw new UsageError("--within belongs to --check");
  const seconds = /^(\d{1,4}) ?s$/.exec(within)?.[1];
  if (seconds === undefined) throw new UsageError(`--within ${within}: write it in seconds, like 90s`);
  return Number(seconds) * 1_000;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  // Commander has said its own errors already.
  if (!(error instanceof CommanderError)) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  return error instanceof UsageError || error instanceof RecordingError ? EXIT.usage : EXIT.failed;
}

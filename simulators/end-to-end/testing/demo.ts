/** A demonstration in a folder of its own: its processes, its API, its control socket; all of it ended with the test. */
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { connectControl } from "@pump-station/agent/linux/control-socket.ts";
import type { AgentStatus, DeviceStatus } from "@pump-station/agent/status.ts";
import type { LedgerEntry, Readings, Twin } from "@pump-station/cloud-bridge/api/contract.ts";
import { textFiles } from "../../host/files.ts";
import { nodeProcesses } from "../../host/processes.ts";
import { type Layout, layoutOf } from "../../run/layout.ts";
import {
  type AtEnd,
  PROGRAMS,
  type Program,
  type Ran,
  runProgram,
  startProgram,
  temporaryFolder,
  untilSaid,
} from "./programs.ts";

export const STATION = "demo-lake";
export type Part = "the agent" | "the bridge" | "the simulated hardware";

export interface Demo {
  readonly root: string;
  readonly layout: Layout;
  readonly url: string;
  readonly token: string;
  said(): string;
  /** Of the part as it runs now. */
  pid(part: Part): number;
  signal(part: Part, signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): number;
  status(): Promise<AgentStatus>;
  device(name: string): Promise<DeviceStatus | undefined>;
  get<T>(path: string): Promise<T>;
  ledger(): Promise<readonly LedgerEntry[]>;
  readings(device: string): Promise<Readings>;
  twin(): Promise<Twin>;
  /** `pump-station …` against this demonstration's agent. */
  cli(...words: readonly string[]): Promise<Ran>;
  editStationFile(change: (text: string) => string): void;
  /** As by Ctrl-C; resolves with what was printed and the exit code. */
  stop(): Promise<Ran>;
}

const MOST_ROWS = 20_000;
const STOPS_WITHIN_MS = 30_000;

/** Resolves when somebody could open its page. */
export async function startDemo(atEnd: AtEnd, prepare: (layout: Layout) => void = () => undefined): Promise<Demo> {
  const root = temporaryFolder(atEnd);
  const layout = layoutOf(root, tmpdir());
  prepare(layout);
  const program = startDemoProgram(atEnd, layout, ["--data", root]);
  const page = await untilSaid(program, /(http:\/\/127\.0\.0\.1:\d+)\/#token=(\S+)/);
  return demoOf(program, layout, page[1] ?? "", page[2] ?? "");
}

/** `layout`: whose processes are ended with the test. */
export function startDemoProgram(atEnd: AtEnd, layout: Layout, args: readonly string[]): Program {
  const [http, mqtt] = ownPorts();
  const program = startProgram(PROGRAMS.simulators, ["demo", "--http-port", http, "--mqtt-port", mqtt, ...args]);
  atEnd(() => endDemo(program, layout));
  return program;
}

/**
 * A bridge that is killed has to find its ports again, while other tests look for free ones: so they aren't the usual
 * ones, and lie below those that the kernel gives out.
 */
function ownPorts(): [string, string] {
  const first = 20_000 + 20 * (process.pid % 600) + 2 * (demos++ % 10);
  return [`${first}`, `${first + 1}`];
}
let demos = 0;

function demoOf(program: Program, layout: Layout, url: string, token: string): Demo {
  const { root } = layout;
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const status = async (): Promise<AgentStatus> => {
    const client = await connectControl(layout.sockets.control);
    try {
      return (await client.ask("status")) as AgentStatus;
    } finally {
      client.close();
    }
  };
  return {
    root,
    layout,
    url,
    token,
    said: program.said,
    pid: (part) => pidOf(layout, part),
    signal: (part, signal) => {
      const pid = pidOf(layout, part);
      process.kill(pid, signal);
      return pid;
    },
    status,
    device: async (name) => (await status()).devices.find(({ device }) => device === name),
    get,
    ledger: () => get(`/api/stations/${STATION}/ledger`),
    readings: (device) => get(`/api/stations/${STATION}/readings?device=${device}&limit=${MOST_ROWS}`),
    twin: () => get(`/api/stations/${STATION}/twin`),
    cli: (command, ...words) =>
      runProgram(PROGRAMS.agent, command ?? "", "--control", layout.sockets.control, ...words),
    editStationFile: (change) => edit(layout.stationFile, change),
    stop: async () => {
      program.child.kill("SIGTERM");
      return program.ended;
    },
  };
}

function edit(path: string, change: (text: string) => string): void {
  const before = readFileSync(path, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`edit ${path}: nothing was changed`);
  writeFileSync(path, after);
}

function pidOf(layout: Layout, part: Part): number {
  const pid = noted(layout)[part];
  if (pid === undefined) throw new Error(`${part} is not noted in ${layout.running}`);
  return pid;
}

/** Empty before the first process is noted, and after the last has ended. */
export const noted = (layout: Layout): Readonly<Record<string, number>> =>
  JSON.parse(textFiles.read(layout.running) || "{}") as Record<string, number>;

/** The demonstration ends its processes; if it doesn't, they are ended one by one, each by its pid and only if it is ours. */
async function endDemo({ child, ended }: Program, layout: Layout): Promise<void> {
  const pids = Object.entries(noted(layout)).filter(([name]) => name !== "demo");
  for (const [, pid] of pids) if (nodeProcesses.isStranger(pid, layout.root)) process.kill(pid, "SIGCONT");
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  if (isAlive()) child.kill("SIGTERM");
  const late = setTimeout(() => isAlive() && child.kill("SIGKILL"), STOPS_WITHIN_MS);
  await ended;
  clearTimeout(late);
  for (const [, pid] of Object.entries(noted(layout))) await nodeProcesses.endStranger(pid, layout.root);
}

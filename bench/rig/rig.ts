/** The whole chain as processes, for measuring: what is measured is looked at from outside (/proc, the buffer's file, the API). */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClock } from "@pump-station/agent/linux/clock.ts";
import { connectControl } from "@pump-station/agent/linux/control-socket.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import type { AgentStatus } from "@pump-station/agent/status.ts";
import { textFiles } from "@pump-station/simulators/host/files.ts";
import { freePort } from "@pump-station/simulators/host/free-port.ts";
import { fetchHttp } from "@pump-station/simulators/host/http.ts";
import { connectLines } from "@pump-station/simulators/host/lines.ts";
import { nodeProcesses } from "@pump-station/simulators/host/processes.ts";
import { type House, type HouseDeps, type HouseOptions, openHouse } from "@pump-station/simulators/run/house.ts";
import { type Layout, layoutOf, programsIn } from "@pump-station/simulators/run/layout.ts";

/** Bundled as dist/bench/NAME.mjs. */
const programs = programsIn(dirname(dirname(fileURLToPath(import.meta.url))));
const clock = createClock({ trustClock: "always" });
const timers = createTimers();

export const sleep = (ms: number): Promise<void> => timers.sleep(ms);
export const nowMs = (): number => clock.bootMs();

const deps: HouseDeps = {
  processes: nodeProcesses,
  timers,
  clock,
  files: textFiles,
  http: fetchHttp,
  connectLines,
  freePort,
  say: (line) => console.log(line),
  programs,
  pid: process.pid,
  // Any that is free: a demonstration may be running.
  ports: { http: 0, mqtt: 0 },
};

export interface Rig {
  readonly house: House;
  readonly layout: Layout;
  status(): Promise<AgentStatus>;
}

export interface RigOptions extends Partial<Pick<HouseOptions, "fullSpeed" | "uploadInterval" | "commitInterval">> {
  /** The station file's text. */
  readonly describe: (layout: Layout) => string;
}

/** Opens the chain in a folder of its own, lets `use` measure, and leaves nothing behind. */
export async function withRig<T>(options: RigOptions, use: (rig: Rig) => Promise<T>): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), "pump-station-bench-"));
  const layout = layoutOf(root, tmpdir());
  const text = options.describe(layout);
  textFiles.write(layout.wiredFile, text);
  textFiles.write(layout.stationFile, text);
  try {
    const { fullSpeed = false } = options;
    const house = await openHouse(deps, { ...options, layout, station: "demo-lake", hardwareArgs: [], fullSpeed });
    try {
      return await use({ house, layout, status: () => statusOf(layout) });
    } finally {
      await house.stop();
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function statusOf(layout: Layout): Promise<AgentStatus> {
  const client = await connectControl(layout.sockets.control);
  try {
    return (await client.ask("status")) as AgentStatus;
  } finally {
    client.close();
  }
}

export const catalogueStation = (): string => readFileSync(join(programs.catalogue, "stations/demo-lake.yaml"), "utf8");
export { programs };

/** Resident memory of a process in MB (10^6 bytes), from /proc. */
export const residentMb = (pid: number): number =>
  (Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024) / 1e6;

/** CPU time that a process has used, in ms: utime and stime of /proc/PID/stat in ticks of 10 ms. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

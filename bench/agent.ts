/**
 * The agent on the demo station, as processes on a real pseudo-terminal: readings/s at full speed, memory after 20,000 polls and two idle minutes, CPU share at 20 channels / 10 s, start to first committed reading.
 *
 *   npm run bench -- agent [--only speed|start|cpu|memory] [--idle SECONDS] [--polls N] [--cpu SECONDS]
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readOnlyDatabases } from "@pump-station/simulators/host/database.ts";
import type { Layout } from "@pump-station/simulators/run/layout.ts";
import { wiredStation } from "@pump-station/simulators/run/station-file.ts";
import { catalogueStation, cpuMs, median, nowMs, programs, type Rig, residentMb, sleep, withRig } from "./rig/rig.ts";

export async function run(args: readonly string[]): Promise<void> {
  const only = args.includes("--only") ? args[args.indexOf("--only") + 1] : undefined;
  const measures = {
    speed: fullSpeed,
    start: startUp,
    cpu: () => cpuShare(option(args, "--cpu", 120)),
    memory: () => memory(option(args, "--polls", 20_000), option(args, "--idle", 120)),
  };
  for (const [name, measure] of Object.entries(measures)) if (only === undefined || only === name) await measure();
}

const demoStation = (layout: Layout): string =>
  wiredStation(catalogueStation(), { terminals: layout.terminals, simulator: layout.sockets.ports });

const PUMP_CHANNELS = 6;
/** Its protocol asks for 5 ms between conversations, which would be all that is measured. */
function pumpAlone(layout: Layout): string {
  const board = readFileSync(join(programs.catalogue, "boards/pump-mk2.yaml"), "utf8");
  mkdirSync(layout.deviceFolder, { recursive: true });
  writeFileSync(
    join(layout.deviceFolder, "pump-mk2.yaml"),
    board.replace("pause-before-next: 5ms", "pause-before-next: 0ms"),
  );
  return demoStation(layout).replace(/^ {2}climate:[^]*$/m, "");
}
const goodPolls = async (rig: Rig): Promise<number> =>
  (await rig.status()).devices.reduce((sum, { polls, failures }) => sum + polls - failures, 0);

/** The pump alone: each sample is a conversation over the pty. The rain gauge needs none and would flatter the sum. */
async function fullSpeed(): Promise<void> {
  await withRig({ describe: pumpAlone, fullSpeed: true }, async (rig) => {
    await sleep(3_000);
    const rates: number[] = [];
    for (let round = 0; round < 5; round++) {
      const [before, from] = [await goodPolls(rig), nowMs()];
      await sleep(3_000);
      rates.push((((await goodPolls(rig)) - before) / (nowMs() - from)) * 1_000);
    }
    const polls = median(rates);
    print(
      "readings/s through the agent at full speed",
      `${Math.round(polls * PUMP_CHANNELS)} (${Math.round(polls)} polls/s of 6 channels, median of 5 × 3 s; real pty, SQLite, MQTT over TLS)`,
    );
    const { dropped } = (await rig.status()).buffer;
    if (dropped > 0) throw new Error(`${dropped} samples were dropped`);
  });
}

/** A fresh agent each time, without a bridge: the first row in its file is looked for from outside. */
async function startUp(): Promise<void> {
  await withRig({ describe: demoStation }, async ({ layout }) => {
    const times: number[] = [];
    for (let round = 0; round < 7; round++) times.push(await timeToFirstRow(layout, `${layout.root}/start-${round}`));
    print(
      "process start to first committed reading",
      `${(median(times) / 1000).toFixed(2)} s (median of 7; aim ≤ 1 s)`,
    );
  });
}

async function timeToFirstRow(layout: Layout, folder: string): Promise<number> {
  mkdirSync(folder);
  const config = readFileSync(layout.agentConfig, "utf8")
    .replace(/^data: .*$/m, `data: ${JSON.stringify(folder)}`)
    .replace(/^control: .*$/m, `control: ${JSON.stringify(`${folder}/c.sock`)}`)
    .replace(/^cloud: .*$/m, "cloud: mqtts://127.0.0.1:9");
  writeFileSync(`${folder}/agent.yaml`, config);
  const startedMs = nowMs();
  const agent = spawn(process.execPath, [programs.agent, "run", "--config", `${folder}/agent.yaml`], {
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => agent.once("exit", resolve));
  try {
    for (;;) {
      if (hasRow(`${folder}/readings.db`)) return nowMs() - startedMs;
      if (nowMs() - startedMs > 30_000) throw new Error("no row within 30 s");
      await sleep(5);
    }
  } finally {
    agent.kill("SIGKILL");
    await ended;
  }
}

function hasRow(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    return readOnlyDatabases.query(path, "SELECT id FROM rows LIMIT 1").length > 0;
  } catch {
    return false; // Its tables aren't there yet.
  }
}

/** Two pumps (12 channels), climate (3), cabinet (2), rain (3): 20 channels, every 10 s, a station's own intervals. */
const twentyChannels = (layout: Layout): string =>
  demoStation(layout)
    .replaceAll(/^ {4}every: .*$/gm, "    every: 10s")
    .replace(/^ {4}faster:\n.*\n.*\n/m, "")
    .replace(
      /^ {2}climate:/m,
      "  second-pump:\n    type: pump-mk2\n    port: baseboard\n    address: 2\n    every: 10s\n  climate:",
    );

async function cpuShare(seconds: number): Promise<void> {
  await withRig({ describe: twentyChannels, uploadInterval: "15min", commitInterval: "10s" }, async ({ house }) => {
    await sleep(20_000);
    const [before, from] = [cpuMs(house.agentPid), nowMs()];
    await sleep(seconds * 1_000);
    const share = (cpuMs(house.agentPid) - before) / (nowMs() - from);
    print("CPU share at 20 channels / 10 s", `${(share * 100).toFixed(2)} % of a core over ${seconds} s (aim ≤ 1 %)`);
  });
}

/** Pump and weather chips at full speed (some 300 conversations a second), then every device paused by a line of its file. */
async function memory(polls: number, idleS: number): Promise<void> {
  const describe = (layout: Layout): string => demoStation(layout).replace(/^ {2}rain:[^]*$/m, "");
  await withRig({ describe, fullSpeed: true }, async (rig) => {
    await untilPolls(rig, polls);
    const busy = residentMb(rig.house.agentPid);
    const paused = describe(rig.layout).replaceAll(/^( {4})port: .*$/gm, '$&\n$1paused: "measuring an idle agent"');
    writeFileSync(rig.layout.stationFile, paused);
    await sleep(idleS * 1_000);
    const idle = residentMb(rig.house.agentPid);
    print(
      `resident memory after ${polls} polls and ${idleS} idle s`,
      `${idle.toFixed(1)} MB (aim ≤ 90 MB; ${busy.toFixed(1)} MB at the end of polling at full speed)`,
    );
  });
}

async function untilPolls(rig: Rig, polls: number): Promise<void> {
  for (;;) {
    const done = (await rig.status()).devices.reduce((sum, device) => sum + device.polls, 0);
    if (done >= polls) return;
    await sleep(1_000);
  }
}

const print = (what: string, figure: string): void => console.log(`${what}: ${figure}`);

function option(args: readonly string[], name: string, fallback: number): number {
  const at = args.indexOf(name);
  return at < 0 ? fallback : Number(args[at + 1]);
}

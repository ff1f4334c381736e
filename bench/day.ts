/**
 * What a station-day costs: 20 channels at 10 s through the whole agent, TLS and the built bridge, over a link whose IP
 * bytes the kernel counts, beside what others would send over it.
 *
 *   npm run bench -- day [--csv FILE… [--resolution NAME=STEP,…]]
 *   npm run bench -- day --idle [--dialect mqtt|aws|azure]      what a connection costs on a day when nothing happens
 *
 * Of each recording as many columns are taken as are still wanted, a row every 10 s; without one, simulated series.
 * Time is the agent's own and simulated; TCP, TLS, MQTT and the bridge are real.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { tableFrom } from "@pump-station/simulators/recording/csv.ts";
import { recordingFrom } from "@pump-station/simulators/recording/recording.ts";
import { Aedes } from "aedes";
import { type CountedLink, FAR_ADDRESS, ipBytes, openCountedLink } from "./rig/counted-link.ts";
import { openCountingProxy } from "./rig/counting-proxy.ts";
import { runDay } from "./rig/day-agent.ts";
import { pingCost, runPeers } from "./rig/day-peers.ts";
import { dayLines, peerLine } from "./rig/day-report.ts";
import { CHANNELS, recordedSeries, type Series, simulatedSeries } from "./rig/day-station.ts";
import { IDLE_CLOUDS, type IdleDialect } from "./rig/idle-clouds.ts";
import { idleDay } from "./rig/idle-day.ts";
import { programs, sleep } from "./rig/rig.ts";

/** Of the far side; the peers' broker takes whatever is published. */
const PORTS = { bridge: 8883, http: 8080, peers: 8884 };
const INTERVALS = ["15min", "60min"] as const;
/** One receipt or two in the run, as there is one in a day. */
const RECEIPT_EVERY = "20s";
const READY_WITHIN_MS = 20_000;

/** What the process on the near side is told. */
interface Task {
  readonly csv: readonly string[];
  readonly resolutions: readonly (readonly [string, number])[];
  readonly host: string;
  readonly folder: string;
  readonly passwords: readonly string[];
  readonly isCounted: boolean;
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      csv: { type: "string", multiple: true, default: [] },
      resolution: { type: "string", default: "" },
      near: { type: "string" },
      broker: { type: "string" },
      idle: { type: "boolean", default: false },
      dialect: { type: "string" },
    },
  });
  if (values.near !== undefined) return near(JSON.parse(readFileSync(values.near, "utf8")) as Task).catch(failed);
  if (values.broker !== undefined) return broker(values.broker, process.argv.at(-1) ?? FAR_ADDRESS);
  if (values.idle) return idle(values.dialect);
  const resolutions = resolutionsFrom(values.resolution);
  seriesFrom({ csv: values.csv, resolutions });
  const link = openCountedLink((line) => console.log(line));
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "pump-station-day-"));
  const host = link ? FAR_ADDRESS : "127.0.0.1";
  const farLog = openSync(join(folder, "far.log"), "a", 0o600);
  const started: ReturnType<typeof spawn>[] = [];
  const start = (side: "near" | "far", words: readonly string[]) => {
    const [command = "", ...rest] = onSide(link, side, [process.execPath, ...words]);
    const child = spawn(command, rest, { stdio: side === "near" ? "inherit" : ["ignore", farLog, farLog] });
    started.push(child);
    return child;
  };
  try {
    mkdirSync(join(folder, "bridge"));
    const passwords = INTERVALS.map((interval) => addStation(join(folder, "bridge"), stationNamed(interval)));
    const listen = ["--listen", host, "--mqtt-port", `${PORTS.bridge}`, "--http-port", `${PORTS.http}`];
    start("far", [
      programs.bridge,
      "run",
      "--data",
      join(folder, "bridge"),
      ...listen,
      ...["--receipt-every", RECEIPT_EVERY, "--log-level", "error"],
    ]);
    await untilThere(join(folder, "bridge/ready.json"), join(folder, "far.log"));
    start("far", [...asModule("--broker", folder), host]);
    await untilThere(join(folder, "broker-ready"), join(folder, "far.log"));
    const task: Task = { csv: values.csv, resolutions, host, folder, passwords, isCounted: link !== undefined };
    writeFileSync(join(folder, "task.json"), JSON.stringify(task));
    const worker = start("near", asModule("--near", join(folder, "task.json")));
    const code = await new Promise((resolve) => worker.once("exit", resolve));
    if (code !== 0) throw new Error(`the station's side ended with ${String(code)}`);
  } finally {
    for (const child of started.reverse()) child.kill("SIGTERM");
    await sleep(500);
    link?.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function idle(wanted: string | undefined): Promise<void> {
  const dialects = (Object.keys(IDLE_CLOUDS) as IdleDialect[]).filter(
    (name) => wanted === undefined || name === wanted,
  );
  if (dialects.length === 0) throw new Error(`--dialect ${wanted}: ${Object.keys(IDLE_CLOUDS).join(", ")}`);
  console.log(
    "IP bytes both ways, estimated from a counting proxy; time is the agent's own and simulated, the link real",
  );
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "pump-station-idle-"));
  try {
    for (const dialect of dialects) await idleDay(dialect, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // Microsoft's SDK leaves handles behind.
  process.exit(0);
}

/** The station's side of the link: our day at each interval, then the others'. */
async function near(task: Task): Promise<void> {
  const all = seriesFrom(task);
  const proxied = async (port: number) => (task.isCounted ? undefined : openCountingProxy({ host: task.host, port }));
  const [bridge, peers] = [await proxied(PORTS.bridge), await proxied(PORTS.peers)];
  const bytes = () => (bridge && peers ? bridge.ipBytes() + peers.ipBytes() : ipBytes());
  const caFile = join(task.folder, "bridge/ca.pem");
  const urlAt = (port: number) => `mqtts://${task.host}:${port}`;
  const peersAt = { url: urlAt(peers?.port ?? PORTS.peers), ca: readFileSync(caFile, "utf8") };
  const names = all.flatMap(({ device, channels }) => channels.map(({ name }) => `${device}.${name}`));
  console.log(`${names.length} channels every 10 s, one day: ${names.join(", ")}`);
  console.log(task.isCounted ? "IP bytes counted at a veth interface" : "IP bytes estimated from a counting proxy");
  const pingBytes = await pingCost(peersAt, bytes);
  let ours = 0;
  for (const [index, interval] of INTERVALS.entries()) {
    const day = await runDay({
      all,
      station: stationNamed(interval),
      url: urlAt(bridge?.port ?? PORTS.bridge),
      caFile,
      password: task.passwords[index] ?? "",
      data: mkdtempSync(join(task.folder, "agent-")),
      interval,
      ipBytes: bytes,
    });
    if (index === 0) ours = day.totalBytes + day.pings * pingBytes;
    for (const line of dayLines(day, interval, pingBytes)) console.log(line);
  }
  for (const peer of await runPeers(all, peersAt, bytes)) console.log(peerLine(peer, ours));
  bridge?.close();
  peers?.close();
  process.exit(0);
}

/** A broker that takes everything, with the bridge's certificate: the others' hub. */
async function broker(folder: string, host: string): Promise<void> {
  const aedes = await Aedes.createBroker();
  const file = (name: string) => readFileSync(join(folder, "bridge", name));
  const server = createServer({ key: file("server-key.pem"), cert: file("server.pem") }, aedes.handle);
  server.listen(PORTS.peers, host, () => writeFileSync(join(folder, "broker-ready"), ""));
  await new Promise(() => {});
}

function failed(error: unknown): never {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

const stationNamed = (interval: string): string => `day-${interval}`;

const onSide = (link: CountedLink | undefined, side: "near" | "far", command: readonly string[]): readonly string[] =>
  link ? link.on(side, command) : command;

/** Words for Node that run this very bundle with other arguments. */
const asModule = (...args: readonly string[]): string[] => [
  "--input-type=module",
  "--eval",
  `const { run } = await import(${JSON.stringify(pathToFileURL(import.meta.filename).href)}); await run(${JSON.stringify(args)});`,
];

function addStation(data: string, station: string): string {
  const out = execFileSync(process.execPath, [programs.bridge, "station", "add", station, "--data", data]);
  return (JSON.parse(out.toString()) as { password: string }).password;
}

async function untilThere(path: string, log: string): Promise<void> {
  for (let waitedMs = 0; !existsSync(path); waitedMs += 50) {
    if (waitedMs > READY_WITHIN_MS)
      throw new Error(`waited ${READY_WITHIN_MS / 1000} s for ${path}:\n${readFileSync(log, "utf8")}`);
    await sleep(50);
  }
}

function seriesFrom({ csv, resolutions }: Pick<Task, "csv" | "resolutions">): readonly Series[] {
  if (csv.length === 0) return simulatedSeries();
  const all: Series[] = [];
  let wanted = CHANNELS;
  csv.forEach((path, index) => {
    const table = tableFrom(readFileSync(path, "utf8"));
    const known = new Map(resolutions.filter(([name]) => table.header.includes(name)));
    const series = recordedSeries(`recording-${index + 1}`, recordingFrom(table, { resolutions: known }), wanted);
    wanted -= series.channels.length;
    if (series.channels.length > 0) all.push(series);
  });
  return all;
}

function resolutionsFrom(text: string): (readonly [string, number])[] {
  return text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => {
      const [name = "", step = ""] = part.split("=");
      if (!(Number(step) > 0)) throw new Error(`--resolution ${part}: write it like pressure=0.01`);
      return [name, Number(step)] as const;
    });
}

/**
 * Resident memory of the built agent through 100 reconnects, as its unit starts it: plain MQTT against the built bridge,
 * Azure IoT Hub through Microsoft's SDK against the local hub (X.509).
 *
 *   npm run bench -- cloud-memory [--dialect mqtt|azure|aws] [--reconnects N] [--pause SECONDS]
 *
 * An hour compressed: the link is cut, and instead of waiting for its back-off the agent is told to upload, which brings
 * it back at once; between two cuts nothing happens but what a connect brings (handshake, twin, report).
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connectControl } from "@pump-station/agent/linux/control-socket.ts";
import { AS_ON_A_BOARD } from "@pump-station/simulators/run/as-on-a-board.ts";
import { openCountingProxy } from "./rig/counting-proxy.ts";
import { IDLE_CLOUDS, type IdleCloud, type IdleDialect } from "./rig/idle-clouds.ts";
import { nowMs, programs, residentMb, sleep } from "./rig/rig.ts";

const STATION = "idle";
const AIM_MB: Readonly<Record<IdleDialect, number>> = { mqtt: 80, aws: 80, azure: 95 };
const READY_WITHIN_MS = 60_000;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      dialect: { type: "string" },
      reconnects: { type: "string", default: "100" },
      pause: { type: "string", default: "0.4" },
    },
  });
  const dialects = values.dialect === undefined ? (["mqtt", "azure"] as const) : [values.dialect as IdleDialect];
  for (const dialect of dialects) await measure(dialect, Number(values.reconnects), Number(values.pause));
  process.exit(0);
}

async function measure(dialect: IdleDialect, reconnects: number, pauseS: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "pump-station-memory-"));
  const cloud = await IDLE_CLOUDS[dialect](STATION, folder);
  const proxy = await openCountingProxy({ host: "localhost", port: cloud.port });
  const agent = spawn(
    process.execPath,
    [...AS_ON_A_BOARD.nodeFlags, programs.agent, "run", "--config", writeAgent(folder, cloud, proxy.port)],
    { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, ...AS_ON_A_BOARD.environment } },
  );
  const ended = new Promise((resolve) => agent.once("exit", resolve));
  try {
    const control = join(folder, "control.sock");
    await send(control);
    const startedMs = nowMs();
    const samples: number[] = [];
    for (let count = 0; count < reconnects; count++) {
      proxy.cut();
      await send(control);
      await sleep(pauseS * 1_000);
      samples.push(residentMb(agent.pid ?? 0));
    }
    const half = samples.slice(samples.length >> 1);
    const most = Math.max(...samples).toFixed(1);
    console.log(
      `${dialect}: ${samples.at(-1)?.toFixed(1)} MB resident after ${reconnects} reconnects in ${Math.round((nowMs() - startedMs) / 1000)} s (aim ≤ ${AIM_MB[dialect]} MB; at most ${most} MB; slope of the second half ${slope(half).toFixed(3)} MB per reconnect)`,
    );
    const step = Math.max(1, Math.floor(reconnects / 10));
    const shown = samples.filter((_, at) => (at + 1) % step === 0).map((mb) => mb.toFixed(1));
    console.log(`  after each ${step} reconnects: ${shown.join(", ")} MB`);
  } finally {
    agent.kill("SIGTERM");
    await ended;
    proxy.close();
    await cloud.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves when the agent is connected and has uploaded; asks again while it isn't there. */
async function send(control: string): Promise<void> {
  for (const untilMs = nowMs() + READY_WITHIN_MS; nowMs() < untilMs; await sleep(100)) {
    if (!existsSync(control)) continue;
    const client = await connectControl(control).catch(() => undefined);
    const isSent = await client?.ask("send").then(
      () => true,
      () => false,
    );
    client?.close();
    if (isSent) return;
  }
  throw new Error(`the agent has no connection after ${READY_WITHIN_MS / 1000} s`);
}

function writeAgent(folder: string, cloud: IdleCloud, port: number): string {
  const { ca = "", password, certificate, privateKey } = cloud.credentials;
  const own = join(folder, "agent");
  mkdirSync(own);
  const write = (name: string, text: string): void => writeFileSync(join(own, name), text, { mode: 0o600 });
  write("ca.pem", ca);
  if (password) write("password", password.reveal());
  if (certificate !== undefined) write("station.pem", certificate);
  if (privateKey) write("station.key", privateKey.reveal());
  write(
    "station.yaml",
    `format: 1
station: ${STATION}
ports:
  mast:
    serial: /dev/pump-station/none
devices:
  pump:
    type: pump-mk2
    port: mast
    address: 1
`,
  );
  write(
    "agent.yaml",
    `format: 1
station: ${STATION}
description: ${own}/station.yaml
data: ${own}/data
${cloud.lines(port).replaceAll(/-file: (.*)$/gm, `-file: ${own}/$1`)}
ca: ${own}/ca.pem
control: ${folder}/control.sock
upload-interval: 15min
connection: standing
trust-clock: always
log: error
`,
  );
  return join(own, "agent.yaml");
}

/** Least squares, per sample. */
function slope(values: readonly number[]): number {
  const mean = (all: readonly number[]): number => all.reduce((sum, value) => sum + value, 0) / all.length;
  const middle = (values.length - 1) / 2;
  const level = mean(values);
  const spread = mean(values.map((_, at) => (at - middle) ** 2));
  return mean(values.map((value, at) => (at - middle) * (value - level))) / spread;
}

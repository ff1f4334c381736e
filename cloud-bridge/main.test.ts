import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { encodeBatch } from "@pump-station/agent/wire/batch.ts";
import { encodeLedger } from "@pump-station/agent/wire/ledger.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Readings, StationSummary } from "./api/contract.ts";
import { connectStation } from "./testing/running-bridge.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Below node_modules, so that the natives outside of the bundle are found. */
const bundlePath = join(root, "node_modules/.cache/cloud-bridge-test/cloud-bridge.mjs");

beforeAll(async () => {
  const build = (await import(new URL("../tools/build.mjs", import.meta.url).href)) as {
    bundle(entry: string, outfile: string): Promise<void>;
  };
  await build.bundle("cloud-bridge/main.ts", bundlePath);
});

interface Ready {
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly pid: number;
}
interface Process {
  readonly child: ChildProcess;
  readonly ready: Ready;
  readonly output: () => string;
  /** Resolves with the exit code. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
}

let folder: string;
let started: Process[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bridge-main-"));
  started = [];
});
afterEach(async () => {
  for (const each of started) {
    if (each.child.exitCode === null && each.child.signalCode === null) await each.end("SIGKILL");
  }
  rmSync(folder, { recursive: true });
});

async function start(...more: string[]): Promise<Process> {
  const readyFile = join(folder, "ready.json");
  rmSync(readyFile, { force: true });
  const ports = ["--mqtt-port", "0", "--http-port", "0"];
  const child = spawn(process.execPath, [bundlePath, "run", "--data", folder, ...ports, ...more]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  await expect.poll(() => existsSync(readyFile) || child.exitCode !== null, { timeout: 20_000 }).toBe(true);
  const running: Process = {
    child,
    ready: JSON.parse(readFileSync(readyFile, "utf8")) as Ready,
    output: () => output,
    end: async (signal) => {
      child.kill(signal);
      return exited;
    },
  };
  started.push(running);
  return running;
}

const cli = async (...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [bundlePath, ...words])) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
};
const get = async <T>({ ready }: Process, path: string): Promise<T> =>
  (await (await fetch(`http://127.0.0.1:${ready.httpPort}${path}`)).json()) as T;

test("the bridge says when it is ready, shows its token once, keeps its secrets, and closes on SIGTERM", async () => {
  const first = await start();
  expect(first.ready.pid).toBe(first.child.pid);
  const token = readFileSync(join(folder, "token"), "utf8").trim();
  await expect.poll(() => first.output()).toContain(token);
  for (const name of ["token", "ca-key.pem", "station-ca-key.pem", "server-key.pem", "bridge.sqlite"])
    expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
  expect(statSync(join(folder, "ca.pem")).mode & 0o777).toBe(0o644);
  const added = await fetch(`http://127.0.0.1:${first.ready.httpPort}/api/stations`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ station: "lake" }),
  });
  expect(added.status).toBe(201);
  const { password } = (await added.json()) as { password: string };
  const station = await connectStation(
    { url: `mqtts://localhost:${first.ready.mqttPort}`, ca: ca() },
    "lake",
    password,
  );
  const beginMs = Date.now();
  expect(await first.end("SIGTERM")).toBe(0);
  expect(Date.now() - beginMs).toBeLessThan(5_000);
  expect(existsSync(join(folder, "ready.json"))).toBe(false);
  await station.leave();

  const second = await start();
  expect(second.output()).not.toContain(token);
  expect(await get<StationSummary[]>(second, "/api/stations")).toMatchObject([{ station: "lake" }]);
});

test("what can't work is said, with its exit code", async () => {
  expect((await cli("run")).code).toBe(64);
  const ports = await cli("run", "--data", folder, "--mqtt-port", "no", "--http-port", "99999");
  expect(ports.code).toBe(64);
  expect(ports.stderr).toMatch(/--mqtt-port[\s\S]*--http-port/);
  const running = await start();
  const second = await cli("run", "--data", folder, "--mqtt-port", "0", "--http-port", "0");
  expect(second.code).toBe(78);
  expect(second.stderr).toMatch(/another bridge/);
  const taken = await cli(
    "run",
    "--data",
    join(folder, "other"),
    "--mqtt-port",
    "0",
    "--http-port",
    String(running.ready.httpPort),
  );
  expect(taken.code).toBe(78);
  expect(taken.stderr).toMatch(/EADDRINUSE/);
});

test("a bridge beyond loopback warns that HTTP and token travel in the clear", async () => {
  const open = await start("--listen", "0.0.0.0");
  await expect.poll(() => open.output()).toContain("http-not-encrypted");
  await open.end("SIGTERM");
  const closed = await start();
  await expect.poll(() => closed.output()).toContain("bridge-ready");
  expect(closed.output()).not.toContain("http-not-encrypted");
});

test("a station can be added from the command line while the bridge runs", async () => {
  const running = await start();
  const { stdout } = await cli("station", "add", "lake", "--data", folder);
  const { password } = JSON.parse(stdout) as { password: string };
  const again = await cli("station", "add", "lake", "--data", folder);
  expect(again.code).toBe(1);
  expect(again.stderr).not.toMatch(/new store/);
  const elsewhere = join(folder, "mistyped");
  expect((await cli("station", "add", "lake", "--data", elsewhere)).stderr).toContain(
    `made a new store in ${elsewhere}`,
  );
  expect((await cli("station", "add", "No Name", "--data", folder)).code).toBe(64);
  const station = await connectStation(
    { url: `mqtts://localhost:${running.ready.mqttPort}`, ca: ca() },
    "lake",
    password,
  );
  await station.leave();
});

test("tokens are made, stations listed and revoked from the command line", async () => {
  const add = async (...words: string[]) => cli("station", "add", ...words, "--data", folder);
  const added = JSON.parse((await add("lake", "--token", "--valid", "2d")).stdout) as { token: string; until: number };
  expect(added.until - Date.now()).toBeGreaterThan(47 * 3_600_000);
  expect((await add("lake", "--token")).stderr).toContain("pump-station-bridge station token lake");
  expect((await add("pond", "--valid", "soon")).code).toBe(64);
  await add("pond");
  const again = JSON.parse((await cli("station", "token", "lake", "--data", folder)).stdout) as { token: string };
  expect(again.token).not.toBe(added.token);
  expect((await cli("station", "revoke", "pond", "--data", folder)).stdout).toContain('"revoked":true');
  expect((await cli("station", "revoke", "sea", "--data", folder)).code).toBe(1);
  const { stdout } = await cli("station", "list", "--data", folder);
  expect(stdout).toMatch(/^lake  not enrolled yet; token until \d{4}-\d\d-\d\d\npond  revoked: nobody comes in\n$/);
  expect(stdout).not.toContain(again.token);
});

test("whatever was acknowledged before a kill -9 is there after it", async () => {
  const { stdout } = await cli("station", "add", "lake", "--data", folder);
  const { password } = JSON.parse(stdout) as { password: string };
  let acknowledged = 0;
  for (let round = 0; round < 3; round++) {
    const running = await start();
    const station = await connectStation(
      { url: `mqtts://localhost:${running.ready.mqttPort}`, ca: ca() },
      "lake",
      password,
    );
    await station.client.publishAsync(topic("schema"), schemaBytes, { qos: 1 });
    // Killed in the midst of a stream of messages, of which some are on their way.
    const killed = new Promise<void>((resolve) => {
      for (let sequence = acknowledged + 1, left = 200; left > 0; left--, sequence++) {
        station.client.publish(topic("batch"), batchBytes(sequence), { qos: 1 }, (error) => {
          if (error) return;
          acknowledged = Math.max(acknowledged, sequence);
          if (left === 120) resolve(running.end("SIGKILL").then(() => undefined));
        });
      }
    });
    await killed;
    await station.leave();
  }
  const running = await start();
  const { rows } = await get<Readings>(running, "/api/stations/lake/readings?device=pump&limit=10000");
  const stored = rows.map(([, , sequence]) => sequence);
  expect(acknowledged).toBeGreaterThan(200);
  expect(stored).toEqual(Array.from({ length: stored.length }, (_, at) => at + 1));
  expect(stored.length).toBeGreaterThanOrEqual(acknowledged);
});

const PUMP: StreamSchema = { stream: "pump", channels: [{ name: "cycles", kind: "counter", unit: "", resolution: 1 }] };
const schemaBytes = Buffer.from(encodeLedger({ kind: "schema", schema: PUMP }));
const topic = (kind: string): string => topicsOf("lake").message("normal", { kind });
const ca = (): string => readFileSync(join(folder, "ca.pem"), "utf8");

function batchBytes(sequence: number): Buffer {
  const time = 1_777_000_000_000 + sequence * 1_000;
  const block = { stream: "pump", schemaHash: schemaHash(PUMP), sequence, times: [time], rows: [[sequence]] };
  return Buffer.from(encodeBatch({ epoch: "00000000000000e1", basis: { kind: "wall" }, blocks: [block] }, () => PUMP));
}

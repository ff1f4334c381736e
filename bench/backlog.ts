/**
 * A month that a station was cut off, drained by the real uplink from the real SQLite buffer over a slow link, while
 * sampling goes on: memory above idle, and how old what arrives is. `--days N` (default 30). Time is simulated, SQLite isn't.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSqliteBuffer } from "@pump-station/agent/buffer/sqlite-buffer.ts";
import type { Cloud } from "@pump-station/agent/cloud/cloud.ts";
import { createDatabases } from "@pump-station/agent/linux/sqlite.ts";
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { createUplink } from "@pump-station/agent/uplink/uplink.ts";
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import { AS_ON_A_BOARD } from "@pump-station/simulators/run/as-on-a-board.ts";

const AIM_BYTES = 30e6;
const DEVICES = 2;
const CHANNELS = 10;
const EVERY_MS = 10_000;
const COMMIT_MS = 60_000;
const INTERVAL_MS = 900_000;
/** A publish and its acknowledgement over LTE. */
const PUBLISH_MS = 150;
const BUFFER_BYTES = 256 * 1024 * 1024;

/** As the service's systemd unit starts it; collected once before the drain, so that what is counted is the drain's. */
const AGENT_FLAGS = AS_ON_A_BOARD.nodeFlags;
const HERE = "--in-this-process";

export async function run(args: readonly string[]): Promise<void> {
  if (!args.includes(HERE)) {
    const program = `import(${JSON.stringify(import.meta.url)}).then(({ run }) => run(${JSON.stringify([...args, HERE])}))`;
    const env = { ...process.env, ...AS_ON_A_BOARD.environment };
    spawnSync(process.execPath, [...AGENT_FLAGS, "-e", program], { stdio: "inherit", env });
    return;
  }
  const days = Number(args[args.indexOf("--days") + 1] ?? 30) || 30;
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "backlog-"));
  try {
    await drain(folder, days);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function drain(folder: string, days: number): Promise<void> {
  const time = createSimulatedTime();
  const random = randomFrom(7);
  let next = 1;
  const buffer = createSqliteBuffer(
    {
      ...time,
      databases: createDatabases(),
      chance: { fraction: random, bytes: (count) => new Uint8Array(count).fill(next++) },
      log: () => undefined,
    },
    { path: join(folder, "readings.db"), bytesMax: BUFFER_BYTES },
  );
  const devices = Array.from({ length: DEVICES }, (_, at) => `device-${at}`);
  for (const stream of devices) buffer.declare(schemaOf(stream));
  const walks = devices.map(() => Array.from({ length: CHANNELS }, () => 1_000));
  const sampleAll = (): void => {
    for (const [at, device] of devices.entries()) {
      const walk = walks[at] ?? [];
      for (const channel of walk.keys()) walk[channel] = (walk[channel] ?? 0) + Math.round(4 * random() - 2);
      buffer.append({ device, bootMs: time.clock.bootMs(), values: walk.map((k) => k / 100) });
    }
  };
  /** Sampling as the agent does it; every commit interval what is staged becomes durable. */
  const live = async (forMs: number): Promise<void> => {
    for (let ms = 0; ms < forMs; ms += EVERY_MS) {
      sampleAll();
      if (ms % COMMIT_MS === 0) buffer.commit();
      await time.advance(EVERY_MS);
      peak = Math.max(peak, process.memoryUsage.rss());
    }
  };
  let peak = 0;

  for (let ms = 0; ms < days * 86_400_000; ms += EVERY_MS) {
    sampleAll();
    if (ms % COMMIT_MS === 0) {
      buffer.commit();
      await time.advance(COMMIT_MS);
    }
  }
  buffer.commit();
  const { waiting, bytes } = buffer.status();
  console.log(
    `${days} days cut off, ${DEVICES * CHANNELS} channels at ${EVERY_MS / 1000} s: ${waiting.toLocaleString("en")} samples wait in ${megabytes(bytes)} MB`,
  );
  globalThis.gc?.();
  const idle = process.memoryUsage.rss();
  peak = idle;

  const sent = { messages: 0, bytes: 0 };
  const cloud: Cloud = {
    connect: async () => ({
      publish: async ({ payload }) => {
        await time.timers.sleep(PUBLISH_MS);
        sent.messages++;
        sent.bytes += payload.length;
      },
      getTwin: () => Promise.reject(new Error("nobody asks")),
      report: () => Promise.reject(new Error("nobody reports")),
      onDesired: () => undefined,
      onCommand: () => undefined,
      onLedger: () => undefined,
      onClosed: () => undefined,
      close: async () => undefined,
    }),
  };
  const uplink = createUplink(
    {
      ...time,
      cloud,
      buffer,
      chance: { fraction: random, bytes: (count) => new Uint8Array(count) },
      log: () => undefined,
    },
    { station: "demo-lake", intervalMs: INTERVAL_MS },
  );
  const stop = new AbortController();
  const running = uplink.run(stop.signal);
  const startMs = time.clock.bootMs();
  const cpuBefore = process.cpuUsage();
  while (buffer.status().waiting > 2 * DEVICES * (INTERVAL_MS / EVERY_MS)) await live(60_000);
  const drainMs = time.clock.bootMs() - startMs;
  const cpu = process.cpuUsage(cpuBefore);
  stop.abort();
  await time.advance(PUBLISH_MS);
  await running;
  buffer.close();

  const above = peak - idle;
  console.log(
    `drained in ${Math.round(drainMs / 60_000)} min at ${PUBLISH_MS} ms a message: ${sent.messages.toLocaleString("en")} messages, ${megabytes(sent.bytes)} MB, ${((cpu.user + cpu.system) / 1e6).toFixed(1)} s of processor time`,
  );
  console.log(
    `memory: ${megabytes(idle)} MB resident before, at most ${megabytes(above)} MB more (aim ${megabytes(AIM_BYTES)} MB): ${above <= AIM_BYTES ? "met" : "MISSED"}`,
  );
}

const megabytes = (count: number): string => (count / 1e6).toFixed(1);

const schemaOf = (stream: string): StreamSchema => ({
  stream,
  channels: Array.from({ length: CHANNELS }, (_, at) => ({
    name: `c${at}`,
    kind: "gauge" as const,
    unit: "mbar",
    resolution: 0.01,
  })),
});

/** Park-Miller, so that each run is the same. */
const randomFrom = (seed: number) => () => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};

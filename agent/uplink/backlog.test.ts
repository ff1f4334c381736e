import { expect, it } from "vitest";
import { createSqliteBuffer } from "../buffer/sqlite-buffer.ts";
import type { Cloud } from "../cloud/cloud.ts";
import { createDatabases } from "../linux/sqlite.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { decodeBatch } from "../wire/batch.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import type { Lane } from "../wire/topics.ts";
import { createUplink } from "./uplink.ts";

const MINUTE = 60_000;
const INTERVAL_MS = 15 * MINUTE;
/** A month; a week shows much of it sooner: `BACKLOG_DAYS=8 npx vitest run agent/uplink/backlog`. */
const DAYS = Number(process.env["BACKLOG_DAYS"] ?? 30);
/** A link so slow that a message takes almost as long as it may. */
const PUBLISH_MS = 25_000;
const CHANNELS = 20;
const SCHEMA: StreamSchema = {
  stream: "noise",
  channels: Array.from({ length: CHANNELS }, (_, at) => ({
    name: `c${at}`,
    kind: "gauge" as const,
    unit: "V",
    // Steps so fine that a value takes 9 bytes: few samples are many messages.
    resolution: 1,
  })),
};

const randomFrom = (seed: number) => () => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};

interface Arrived {
  readonly lane: Lane;
  readonly takenAt: number;
  readonly at: number;
}

it("what was spooled for days is sent beside what is measured now, which arrives within its interval all the time", async () => {
  const time = createSimulatedTime();
  const random = randomFrom(7);
  const buffer = createSqliteBuffer(
    {
      ...time,
      databases: createDatabases(),
      chance: { fraction: random, bytes: (count) => new Uint8Array(count).fill(7) },
      log: () => undefined,
    },
    { path: ":memory:", body: "deflated" },
  );
  buffer.declare(SCHEMA);
  const sample = (): void => {
    const values = Array.from({ length: CHANNELS }, () => Math.round(random() * 2 ** 50));
    buffer.append({ device: "noise", bootMs: time.clock.bootMs(), values });
    buffer.commit();
  };
  const arrived = new Map<number, Arrived>();
  const lanes: Lane[] = [];
  let twice = 0;
  const cloud: Cloud = {
    connect: async () => ({
      publish: async ({ lane, payload, properties }) => {
        await time.timers.sleep(PUBLISH_MS);
        if (properties["kind"] !== "batch") return;
        lanes.push(lane);
        const hash = schemaHash(SCHEMA);
        for (const block of decodeBatch(payload, (known) => (known === hash ? SCHEMA : undefined)).blocks) {
          for (const [at, takenAt] of block.times.entries()) {
            if (arrived.has(block.sequence + at)) twice += 1;
            arrived.set(block.sequence + at, { lane, takenAt, at: time.clock.wallMs() });
          }
        }
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

  const spooled = (DAYS * 24 * 60) / 5;
  for (let taken = 0; taken < spooled; taken++) {
    sample();
    await time.advance(5 * MINUTE);
  }
  const backAt = time.clock.wallMs();
  const uplink = createUplink(
    { ...time, cloud, buffer, chance: { fraction: random, bytes: (n) => new Uint8Array(n) }, log: () => undefined },
    { station: "demo-lake", intervalMs: INTERVAL_MS },
  );
  const stop = new AbortController();
  const running = uplink.run(stop.signal);
  let taken = spooled;
  let intervals = 0;
  while (buffer.status().backlog > 0 || intervals < 2) {
    for (let at = 0; at < INTERVAL_MS; at += 5 * MINUTE) {
      sample();
      taken += 1;
      await time.advance(5 * MINUTE);
    }
    intervals += 1;
  }
  await time.advance(2 * INTERVAL_MS);
  stop.abort();
  await time.advance(PUBLISH_MS);
  await running;

  expect(intervals).toBeGreaterThan(4);
  expect([...arrived.keys()].sort((one, other) => one - other)).toEqual(Array.from({ length: taken }, (_, n) => n + 1));
  expect(twice).toBe(0);
  const fresh = [...arrived.values()].filter(({ takenAt }) => takenAt >= backAt);
  const oldest = Math.max(...fresh.map(({ at, takenAt }) => at - takenAt));
  expect(fresh.every(({ lane }) => lane === "normal")).toBe(true);
  // Its interval, the message that was under way, and a late one before its turn.
  expect(oldest).toBeLessThanOrEqual(INTERVAL_MS + 3 * PUBLISH_MS);
  expect(lanes.filter((lane) => lane === "late").length).toBeGreaterThan(0.8 * lanes.length);
  expect(buffer.status()).toMatchObject({ waiting: 0, backlog: 0, dropped: 0 });
});

/** The uplink through the MQTT dialect on a network that forgets silent connections. */
import { describe, expect, it } from "vitest";
import { createMqttCloud } from "../cloud/mqtt/mqtt.ts";
import { createMemoryBroker } from "../testing/memory-mqtt.ts";
import { createQueueBuffer } from "../testing/queue-buffer.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import type { MqttClients } from "../world.ts";
import { createLink, type LinkConfig } from "./link.ts";
import { createNetworkMemory } from "./network-memory.ts";
import { createUplink } from "./uplink.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function standUp(
  options: Partial<LinkConfig> & {
    intervalMs?: number;
    forgetsIdleMs?: number;
    document?: unknown;
    network?: string;
  } = {},
) {
  const time = createSimulatedTime();
  const broker = createMemoryBroker(time);
  broker.faults.forgetsIdleMs = options.forgetsIdleMs;
  const queue = createQueueBuffer();
  const log: { level: string; event: string; fields: Readonly<Record<string, unknown>> | undefined }[] = [];
  const network = { name: options.network ?? "wwan0" };
  const file = { document: options.document, saves: 0 };
  const deps = {
    ...time,
    chance: { fraction: () => 0.5, bytes: (count: number) => new Uint8Array(count) },
    log: (level: string, event: string, fields?: Readonly<Record<string, unknown>>) =>
      void log.push({ level, event, fields }),
  };
  const memory = createNetworkMemory({
    ...deps,
    network: () => network.name,
    file: {
      load: () => file.document,
      save: (document) => {
        file.document = structuredClone(document);
        file.saves++;
      },
    },
  });
  const config = { keepAlive: "learn" as const, connection: "by-cost" as const, ...options };
  const intervalMs = options.intervalMs ?? 15 * MINUTE;
  const link = createLink({ ...deps, memory }, config, () => intervalMs);
  let connects = 0;
  let pings = 0;
  const clients: MqttClients = {
    connect: async (...args) => {
      connects++;
      const connection = await broker.clients.connect(...args);
      const ping: typeof connection.ping = (deadlineMs) => {
        pings++;
        return connection.ping(deadlineMs);
      };
      return { ...connection, ping };
    },
  };
  const cloud = createMqttCloud(
    { ...deps, clients },
    { url: "mqtts://broker:8883", station: "demo-lake", keepAlive: link.keepAlive },
  );
  const uplink = createUplink({ ...deps, cloud, buffer: queue.buffer, link }, { station: "demo-lake", intervalMs });
  const controller = new AbortController();
  const running = uplink.run(controller.signal);
  return {
    ...time,
    ...queue,
    broker,
    log,
    network,
    file,
    memory,
    link,
    uplink,
    running,
    controller,
    connects: () => connects,
    pings: () => pings,
    events: (name: string) => log.filter(({ event }) => event === name),
  };
}

describe("a link that is set otherwise while it runs", () => {
  it("announces what is set from the next connection on, and goes back to what it learns", async () => {
    const { advance, link } = standUp({});
    await advance(1_000);
    const learned = link.keepAlive.announceS();
    link.use({ keepAlive: 300_000, connection: "standing" });
    expect(link.keepAlive.announceS()).toBe(300);
    expect(link.status()).toMatchObject({
      keepAliveS: 290,
      isLearning: false,
      because: "it is set so (connection: standing)",
    });
    expect(link.mayLeave()).toBe(false);
    link.use({ keepAlive: "learn", connection: "by-cost" });
    expect(link.keepAlive.announceS()).toBe(learned);
    expect(link.status()).toMatchObject({ isLearning: true });
  });
});

describe("keep-alive that is learned", () => {
  it("is lengthened until a ping is lost twice, and then stays below what the network forgets", async () => {
    const { advance, link, memory, connects, events, log } = standUp({ forgetsIdleMs: 310_000 });
    expect(link.status()).toMatchObject({ isLearning: true, keepAliveS: 90 });
    await advance(3 * HOUR);
    const { survivedS, lostS = 0 } = memory.now();
    expect(survivedS).toBeLessThan(310);
    expect(lostS).toBeGreaterThanOrEqual(310);
    expect(lostS / survivedS).toBeLessThan(1.25);
    expect(link.status().isLearning).toBe(false);
    expect(link.keepAlive.silenceMs()).toBeLessThan(310_000 * 0.95);
    // Each loss was a new connection at once, and none of them an outage.
    const learning = connects();
    expect(learning).toBeLessThan(12);
    expect(events("uplink-away")).toEqual([]);
    expect(log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
    await advance(2 * DAY);
    expect(connects()).toBe(learning);
  });

  it("where the network forgets nothing, uploads are the only signs of life, and no ping is sent at all", async () => {
    const { advance, queues, connects, broker, link, pings } = standUp();
    for (let hour = 0; hour < 6; hour++) {
      for (let quarter = 0; quarter < 4; quarter++) {
        queues.normal.push(1);
        await advance(15 * MINUTE);
      }
    }
    expect(link.status()).toMatchObject({ isLearning: false, pingsPerDay: 0 });
    expect(connects()).toBe(1);
    expect(broker.connected).toEqual(["demo-lake"]);
    expect(pings()).toBeLessThan(9);
    const learning = pings();
    for (let quarter = 0; quarter < 96; quarter++) {
      queues.normal.push(1);
      await advance(15 * MINUTE);
    }
    expect(pings()).toBe(learning);
  });

  it("is remembered for its network: after a restart nothing is lost again, and another network is learned anew", async () => {
    const first = standUp({ forgetsIdleMs: 200_000 });
    await first.advance(4 * HOUR);
    const { document } = first.file;
    expect(first.file.saves).toBeLessThan(25);
    const second = standUp({ forgetsIdleMs: 200_000, document });
    await second.advance(DAY);
    expect(second.connects()).toBe(1);
    expect(second.link.keepAlive.silenceMs()).toBe(first.link.keepAlive.silenceMs());
    second.network.name = "eth0 via 10.0.0.1";
    expect(second.link.keepAlive.silenceMs()).toBe(90_000);
  });

  it("an outage teaches nothing: the network was away, and it backs off as ever", async () => {
    const { advance, broker, memory, events } = standUp();
    await advance(30 * MINUTE);
    const before = memory.now().survivedS;
    for (let outage = 0; outage < 5; outage++) {
      broker.faults.unreachable = true;
      broker.faults.loseMessages = true;
      await advance(40 * MINUTE);
      broker.faults.unreachable = false;
      broker.faults.loseMessages = false;
      await advance(40 * MINUTE);
    }
    expect(memory.now().survivedS).toBeGreaterThanOrEqual(before);
    expect(memory.now().lostS).toBeUndefined();
    expect(events("keep-alive-lost")).toEqual([]);
    expect(events("uplink-away").length).toBeGreaterThan(5);
  });

  it("one lost ping alone is tried once more before anything is made of it", async () => {
    const { advance, broker, memory, events } = standUp({ intervalMs: HOUR });
    await advance(70_000);
    broker.faults.forgetsIdleMs = 1_000;
    await advance(165_000);
    broker.faults.forgetsIdleMs = undefined;
    await advance(20_000);
    expect(events("keep-alive-lost")).toHaveLength(1);
    await advance(3 * HOUR);
    expect(memory.now().lostS).toBeUndefined();
    expect(memory.now().survivedS).toBeGreaterThan(600);
  });

  it("a network that has become stricter is learned again, and one that became milder after a week", async () => {
    const { advance, broker, link, memory } = standUp({ forgetsIdleMs: 400_000 });
    await advance(6 * HOUR);
    broker.faults.forgetsIdleMs = 100_000;
    await advance(6 * HOUR);
    expect(link.keepAlive.silenceMs()).toBeLessThan(100_000);
    const strict = link.keepAlive.silenceMs();
    broker.faults.forgetsIdleMs = undefined;
    await advance(2 * DAY);
    expect(link.keepAlive.silenceMs()).toBeLessThanOrEqual(strict * 1.3);
    await advance(7 * DAY);
    expect(memory.now().survivedS).toBeGreaterThan(600);
  });

  it("a fixed one is what it says, and is never tried out", async () => {
    const { advance, link, connects, memory } = standUp({ keepAlive: 5 * MINUTE });
    await advance(DAY);
    expect(link.status()).toMatchObject({ keepAliveS: 290, isLearning: false });
    expect(connects()).toBe(1);
    expect(memory.now().lostS).toBeUndefined();
  });

  it("an upload that is lost after a silence is sent again at once on the next connection", async () => {
    const { advance, queues, accepted, clock } = standUp({
      keepAlive: 15 * MINUTE,
      intervalMs: 10 * MINUTE,
      forgetsIdleMs: 5 * MINUTE,
    });
    await advance(9 * MINUTE);
    queues.normal.push(1);
    const due = clock.bootMs();
    await advance(12 * MINUTE);
    expect(accepted).toHaveLength(1);
    expect(clock.bootMs() - due).toBe(12 * MINUTE);
  });
});

describe("staying connected or leaving", () => {
  const LEARNED_SHORT = { networks: [{ name: "wwan0", survivedS: 60, lostS: 66, lostAt: Date.UTC(2026, 4, 2) }] };
  const LEARNED_LONG = { networks: [{ name: "wwan0", survivedS: 1_160 }] };

  it("where the network forgets within a minute and uploads are rare, it leaves, and comes back for each upload", async () => {
    const { advance, uplink, connects, queues, accepted } = standUp({
      intervalMs: HOUR,
      forgetsIdleMs: 62_000,
      document: LEARNED_SHORT,
    });
    await advance(MINUTE);
    expect(uplink.status()).toMatchObject({ connected: false, isAwayOnPurpose: true, link: { plan: "leave" } });
    expect(uplink.status().link?.because).toMatch(/kB a day for staying, .* kB for coming back/);
    for (let hour = 0; hour < 24; hour++) {
      queues.normal.push(1);
      await advance(HOUR);
    }
    expect(connects()).toBe(25);
    expect(accepted).toHaveLength(24);
  });

  it("an alarm and a technician's send bring it back at once", async () => {
    const { advance, uplink, queues, accepted } = standUp({
      intervalMs: HOUR,
      forgetsIdleMs: 62_000,
      document: LEARNED_SHORT,
    });
    await advance(5 * MINUTE);
    queues.urgent.push(1);
    uplink.urgent();
    await advance(1);
    expect(accepted.map(({ lane }) => lane)).toEqual(["urgent"]);
    await advance(MINUTE);
    queues.normal.push(1);
    const sent = uplink.sendNow();
    await advance(1);
    expect((await sent).messages).toBe(1);
    await advance(MINUTE);
    expect(uplink.status().isAwayOnPurpose).toBe(true);
  });

  it("where silence is long enough, it stays, whatever the interval", async () => {
    const { advance, uplink, connects } = standUp({ intervalMs: HOUR, document: LEARNED_LONG });
    await advance(DAY);
    expect(connects()).toBe(1);
    expect(uplink.status()).toMatchObject({ connected: true, link: { plan: "stay", pingsPerDay: 72 } });
  });

  it("stays while it learns, and where agent.yaml says so, and says that", async () => {
    const learning = standUp({ intervalMs: 6 * HOUR });
    await learning.advance(5 * MINUTE);
    expect(learning.uplink.status().link).toMatchObject({
      plan: "stay",
      because: expect.stringContaining("learns") as string,
    });
    const told = standUp({ intervalMs: HOUR, forgetsIdleMs: 62_000, document: LEARNED_SHORT, connection: "standing" });
    await told.advance(6 * HOUR);
    expect(told.uplink.status().link).toMatchObject({
      plan: "stay",
      because: expect.stringContaining("standing") as string,
    });
    expect(told.connects()).toBe(1);
  });
});

/** MQTT 5 beside 3.1.1, with client certificates: against mosquitto, and against brokers that don't speak it. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aedes } from "aedes";
import { connectAsync, type MqttClient } from "mqtt";
import { generate, type Packet, parser } from "mqtt-packet";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { describeCloud } from "../../cloud/cloud.conformance.ts";
import { CloudError } from "../../cloud/cloud.ts";
import { fixedKeepAlive } from "../../cloud/keep-alive.ts";
import { createMqttCloud } from "../../cloud/mqtt/mqtt.ts";
import { authority, forServer, makeParty, type Party } from "../../testing/certificates.ts";
import { createMemoryBridge } from "../../testing/memory-bridge.ts";
import { topicsOf } from "../../wire/topics.ts";
import { type LogLevel, Secret } from "../../world.ts";
import { createChance } from "../chance.ts";
import { createClock } from "../clock.ts";
import { createTimers } from "../timers.ts";
import { createMqttClients } from "./mqtt.ts";

const STATION = "demo-lake";
const MOSQUITTO = "/usr/sbin/mosquitto";
const topics = topicsOf(STATION);
const never = new AbortController().signal;
const deps = {
  clock: createClock({ trustClock: "always" }),
  timers: createTimers(),
  chance: createChance(),
  log: () => undefined,
};

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

let parties: Record<"ca" | "server" | "station" | "bridge", Party>;
beforeAll(async () => {
  const life = { fromMs: Date.now() - 60_000, toMs: Date.now() + 3_600_000 };
  const ca = await makeParty({ name: "Test CA", ...life, extensions: [authority(0)] });
  const party = (name: string) => makeParty({ name, issuer: ca, ...life, extensions: [forServer("127.0.0.1")] });
  parties = { ca, server: await party("broker"), station: await party(STATION), bridge: await party("bridge") };
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** mosquitto on loopback: who has a certificate of our authority comes in under its common name, and uses its topics. */
async function startMosquitto() {
  const folder = mkdtempSync(join(tmpdir(), "mosquitto-"));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const port = await freePort();
  const lines = [
    ...(process.getuid?.() === 0 ? ["user root"] : []),
    "persistence false",
    `listener ${port} 127.0.0.1`,
    `cafile ${file("ca.pem", parties.ca.pem)}`,
    `certfile ${file("server.pem", parties.server.pem)}`,
    `keyfile ${file("server.key", parties.server.key)}`,
    "require_certificate true",
    "use_identity_as_username true",
    `acl_file ${file("acl", "pattern readwrite ps/1/%u/#\nuser bridge\ntopic readwrite ps/1/#\n")}`,
  ];
  const broker: ChildProcess = spawn(MOSQUITTO, ["-c", file("mosquitto.conf", `${lines.join("\n")}\n`)], {
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => broker.once("exit", () => resolve()));
  const stop = async () => {
    broker.kill();
    await ended;
  };
  closing.push(async () => {
    await stop();
    rmSync(folder, { recursive: true });
  });
  await vi.waitFor(() => reach(port), { timeout: 10_000, interval: 20 });
  return { port, stop };
}

const reach = (port: number) =>
  new Promise<void>((resolve, reject) => {
    const socket = connectTcp(port, "127.0.0.1", () => {
      socket.destroy();
      resolve();
    }).on("error", reject);
  });

/** A wire that can be cut, or go dead without telling anybody. */
async function startWire(to: number) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTcp(to, "127.0.0.1");
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket
        .on("error", () => undefined)
        .on("close", () => {
          sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  closing.push(async () => {
    cut();
    await new Promise((resolve) => server.close(resolve));
  });
  const goDead = () => {
    for (const socket of sockets) socket.unpipe().pause();
  };
  return { port: (server.address() as { port: number }).port, cut, goDead };
}

const cloudAt = (
  port: number,
  version?: 5,
  log: (level: LogLevel, event: string) => void = () => undefined,
  keepAliveS = 60,
) =>
  createMqttCloud(
    {
      ...deps,
      clients: createMqttClients({ log }),
      credentials: () => ({
        ca: parties.ca.pem,
        certificate: parties.station.pem,
        privateKey: new Secret(parties.station.key),
      }),
    },
    {
      url: `mqtts://127.0.0.1:${port}`,
      station: STATION,
      connectTimeoutMs: 5_000,
      keepAlive: fixedKeepAlive(keepAliveS),
      ...(version && { version }),
    },
  );

async function startBridge(port: number): Promise<MqttClient> {
  const { ca, bridge } = parties;
  const options = { clientId: "bridge", protocolVersion: 5, ca: ca.pem, cert: bridge.pem, key: bridge.key } as const;
  const client = await connectAsync(`mqtts://127.0.0.1:${port}`, options);
  closing.push(() => client.endAsync(true));
  return client;
}

const isThere = existsSync(MOSQUITTO);
if (!isThere) console.warn("the tests against mosquitto are skipped: it isn't on this machine (apt install mosquitto)");

describe.skipIf(!isThere)("against mosquitto, with client certificates", () => {
  for (const version of [undefined, 5] as const) {
    describeCloud(`MQTT ${version ?? "3.1.1"} over mosquitto`, async () => {
      const { port, stop } = await startMosquitto();
      const wire = await startWire(port);
      const bridge = await startBridge(port);
      const filters = new Map<string, (topic: string, payload: Uint8Array) => void>();
      bridge.on("message", (topic, payload) => {
        for (const [filter, listener] of filters)
          if (new RegExp(`^${filter.replaceAll("+", "[^/]*")}$`).test(topic)) listener(topic, Uint8Array.from(payload));
      });
      const far = createMemoryBridge(
        {
          publish: (topic, payload) => void bridge.publish(topic, Buffer.from(payload), { qos: 1 }),
          subscribe: (filter, listener) => void filters.set(filter, listener),
        },
        STATION,
      );
      await bridge.subscribeAsync([...filters.keys()], { qos: 1 });
      const dispose = async () => {
        for (const close of closing.splice(0).reverse()) await close();
      };
      return { cloud: cloudAt(wire.port, version), far, cut: wire.cut, shut: stop, dispose };
    });
  }

  it("a message's properties and lane are user properties, too, in MQTT 5; in 3.1.1 the topic has them alone", async () => {
    const { port } = await startMosquitto();
    const bridge = await startBridge(port);
    const seen: unknown[] = [];
    bridge.on("message", (topic, _payload, packet) => seen.push([topic, { ...packet.properties?.userProperties }]));
    await bridge.subscribeAsync(`${topics.root}/late/+`);
    for (const version of [5, undefined] as const) {
      const connection = await cloudAt(port, version).connect(never);
      await connection.publish({ lane: "late", properties: { kind: "batch" }, payload: Uint8Array.of(1) });
      await connection.close();
    }
    await vi.waitFor(() => expect(seen).toHaveLength(2));
    const topic = `${topics.root}/late/kind=batch`;
    expect(seen).toEqual([
      [topic, { kind: "batch", lane: "late" }],
      [topic, {}],
    ]);
  });

  it("a birth is retained, and a station whose link goes dead is seen offline within its keep-alive and a half", async () => {
    const { port } = await startMosquitto();
    const wire = await startWire(port);
    await cloudAt(wire.port, 5, () => undefined, 3).connect(never);
    const bridge = await startBridge(port);
    const seen: [string, boolean][] = [];
    bridge.on("message", (_topic, payload, { retain }) => {
      seen.push([String((JSON.parse(String(payload)) as { online: boolean }).online), retain]);
    });
    await bridge.subscribeAsync(topics.alive);
    await vi.waitFor(() => expect(seen).toEqual([["true", true]]));
    wire.goDead();
    await vi.waitFor(() => expect(seen.at(-1)).toEqual(["false", false]), { timeout: 15_000 });
  });

  it("a broker that refuses what its list doesn't allow says so in MQTT 5: reprovision", async () => {
    const { port } = await startMosquitto();
    const { ca, station } = parties;
    const connection = await createMqttClients().connect(
      {
        url: `mqtts://127.0.0.1:${port}`,
        clientId: STATION,
        ca: ca.pem,
        cert: station.pem,
        key: new Secret(station.key),
        keepAliveS: 60,
        connectTimeoutMs: 5_000,
        version: 5,
      },
      never,
    );
    closing.push(() => connection.close());
    const publish = connection.publish("ps/1/other-lake/late/x", new Uint8Array(), { deadlineMs: 5_000 });
    await expect(publish).rejects.toMatchObject({ name: "CloudError", next: "reprovision" });
    await expect(publish).rejects.toThrow("reason 0x87");
  });
});

/** A broker that answers each packet like this. */
async function startScripted(answer: (socket: Socket, cmd: string) => void): Promise<string> {
  const server = createServer((socket) => {
    const packets = parser();
    packets.on("packet", ({ cmd }) => answer(socket, cmd));
    socket.on("data", (bytes) => packets.parse(bytes)).on("error", () => undefined);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  closing.push(() => server.close());
  return `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const plain = (url: string) => ({
  url,
  clientId: STATION,
  keepAliveS: 60,
  connectTimeoutMs: 3_000,
  version: 5 as const,
});

describe("a broker that doesn't speak MQTT 5", () => {
  it("is spoken to in 3.1.1, which is said once", async () => {
    const aedes = await Aedes.createBroker();
    const server = createServer(aedes.handle).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    closing.push(async () => {
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      server.close();
    });
    const versions: unknown[] = [];
    aedes.on("client", (client) => versions.push((client as unknown as { version: number }).version));
    const events: string[] = [];
    const clients = createMqttClients({ log: (_level, event) => events.push(event) });
    const url = `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
    for (let n = 0; n < 2; n++) {
      const connection = await clients.connect(plain(url), never);
      await connection.publish("a", Uint8Array.of(1), { deadlineMs: 3_000, properties: { kind: "x" } });
      await connection.close();
    }
    expect(versions).toEqual([4, 4]);
    expect(events).toEqual(["mqtt-5-not-spoken"]);
  });
});

describe("what a broker of MQTT 5 doesn't take", () => {
  /** Says so in CONNACK, and keeps what was sent; acknowledges when told. */
  async function startLimited(properties: object, refusesRetain = false) {
    const seen: Packet[] = [];
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      const packets = parser({ protocolVersion: 5 });
      packets.on("packet", (packet) => {
        seen.push(packet);
        if (packet.cmd !== "connect") return;
        const reasonCode = refusesRetain && packet.will?.retain ? 0x9a : 0;
        socket.write(
          generate({ cmd: "connack", reasonCode, sessionPresent: false, properties }, { protocolVersion: 5 }),
        );
      });
      socket.on("data", (bytes) => packets.parse(bytes)).on("error", () => undefined);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    closing.push(() => server.close());
    const url = `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
    const published = () => seen.filter((packet) => packet.cmd === "publish");
    const acknowledge = (at: number) => {
      const { messageId } = published()[at] ?? {};
      if (messageId === undefined) throw new Error(`nothing was published as number ${at}`);
      sockets.at(-1)?.write(generate({ cmd: "puback", messageId, reasonCode: 0 }, { protocolVersion: 5 }));
    };
    return { url, seen, published, acknowledge };
  }
  const opened = async (url: string, will?: { topic: string; payload: Uint8Array; retain: boolean }) => {
    const connection = await createMqttClients().connect({ ...plain(url), ...(will && { will }) }, never);
    closing.push(() => connection.close());
    return connection;
  };

  it("more messages at a time than it can receive wait for their turn", async () => {
    const { url, published, acknowledge } = await startLimited({ receiveMaximum: 1 });
    const connection = await opened(url);
    const both = ["a", "b"].map((topic) => connection.publish(topic, Uint8Array.of(1), { deadlineMs: 3_000 }));
    await vi.waitFor(() => expect(published().map(({ topic }) => topic)).toEqual(["a"]));
    acknowledge(0);
    await vi.waitFor(() => expect(published().map(({ topic }) => topic)).toEqual(["a", "b"]));
    acknowledge(1);
    await Promise.all(both);
  });

  it("a packet that is too large for it is dropped and reported, and the connection stays", async () => {
    const { url, published, acknowledge } = await startLimited({ maximumPacketSize: 200 });
    const connection = await opened(url);
    const properties = { kind: "batch" };
    // MQTT 5 §3.3: 11 bytes stand around topic and payload.
    expect(connection.payloadBytesMax?.("a")).toBe(200 - 11);
    const tooLarge = connection.publish("a", new Uint8Array(200), { deadlineMs: 3_000, properties });
    await expect(tooLarge).rejects.toMatchObject({ name: "CloudError", next: "drop-and-report" });
    const fits = connection.publish("a", new Uint8Array(160), { deadlineMs: 3_000, properties });
    await vi.waitFor(() => expect(published()).toHaveLength(1));
    acknowledge(0);
    await fits;
  });

  it("retained messages: birth and will go without", async () => {
    const { url, seen, published, acknowledge } = await startLimited({ retainAvailable: false }, true);
    const connection = await opened(url, { topic: "alive", payload: Uint8Array.of(0), retain: true });
    const birth = connection.publish("alive", Uint8Array.of(1), { retain: true, deadlineMs: 3_000 });
    await vi.waitFor(() => expect(published()).toMatchObject([{ topic: "alive", retain: false }]));
    acknowledge(0);
    await birth;
    const wills = seen.flatMap((packet) => (packet.cmd === "connect" ? [packet.will?.retain] : []));
    expect(wills).toEqual([true, false]);
  });
});

describe("a reason code of CONNACK", () => {
  it.each([
    [0x86, { code: "refused" }],
    [0x89, { name: "CloudError", next: "retry-after", afterMs: 30_000 }],
    [0x97, { name: "CloudError", next: "retry-after" }],
  ])("0x%s says what to do next", async (reasonCode, expected) => {
    const url = await startScripted((socket) =>
      socket.end(generate({ cmd: "connack", reasonCode, sessionPresent: false }, { protocolVersion: 5 })),
    );
    const error: unknown = await createMqttClients()
      .connect(plain(url), never)
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject(expected);
    expect(error instanceof CloudError).toBe(reasonCode !== 0x86);
  });

  it("a DISCONNECT's reason is why the connection ended", async () => {
    const url = await startScripted((socket, cmd) => {
      const connack = { cmd: "connack", reasonCode: 0, sessionPresent: false } as const;
      if (cmd === "connect") socket.write(generate(connack, { protocolVersion: 5 }));
      else socket.end(generate({ cmd: "disconnect", reasonCode: 0x8e }, { protocolVersion: 5 }));
    });
    const connection = await createMqttClients().connect(plain(url), never);
    await expect(connection.ping(3_000)).rejects.toMatchObject({ next: "reconnect" });
    expect(await new Promise((resolve) => connection.onClosed(resolve))).toContain("0x8e");
  });
});

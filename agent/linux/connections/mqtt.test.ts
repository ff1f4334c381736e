/** mqtt.js against a real broker (aedes) over real TLS on loopback, with certificates made for the test. */
import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import * as x509 from "@peculiar/x509";
import { Aedes } from "aedes";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { describeCloud } from "../../cloud/cloud.conformance.ts";
import { createMqttCloud } from "../../cloud/mqtt/mqtt.ts";
import { sideOf } from "../../testing/aedes-side.ts";
import { createMemoryBridge } from "../../testing/memory-bridge.ts";
import { topicsOf } from "../../wire/topics.ts";
import { type MqttOptions, Secret } from "../../world.ts";
import { createMqttClients } from "./mqtt.ts";

const STATION = "demo-lake";
const topics = topicsOf(STATION);
const never = new AbortController().signal;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

async function makeCertificates(): Promise<Certificates> {
  const generate = () => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const [caKeys, serverKeys] = [await generate(), await generate()];
  const times = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...times,
    name: "CN=Test CA",
    keys: caKeys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const server = await x509.X509CertificateGenerator.create({
    ...times,
    subject: "CN=broker",
    issuer: ca.subject,
    publicKey: serverKeys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", serverKeys.privateKey)).toString("base64");
  return {
    ca: ca.toString("pem"),
    cert: server.toString("pem"),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, "$&\n")}\n-----END PRIVATE KEY-----\n`,
  };
}

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

async function startBroker() {
  const aedes = await Aedes.createBroker();
  aedes.authenticate = (_client, username, password, done) =>
    username === STATION && password?.toString() === "right"
      ? done(null, true)
      : done(Object.assign(new Error("no"), { returnCode: 4 }), false);
  aedes.authorizeSubscribe = (_client, subscription, done) =>
    done(null, subscription.topic.startsWith(topics.root) ? subscription : null);
  const sockets = new Set<Socket>();
  const server = createTlsServer({ cert: certificates.cert, key: certificates.key }, aedes.handle);
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const port = await listen(server);
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    aedes,
    port,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    stop,
    dispose: async () => {
      if (server.listening) await stop();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
    },
  };
}

async function listen(server: ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no port");
  return address.port;
}

describeCloud("MQTT over TLS to a real broker", async () => {
  const broker = await startBroker();
  const { aedes } = broker;
  const far = createMemoryBridge(sideOf(aedes), STATION);
  const realTime = {
    clock: { bootId: "b", bootMs: () => performance.now(), wallMs: () => Date.now(), isWallTrusted: () => true },
    timers: {
      after: (ms: number, run: () => void) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    },
    chance: { fraction: Math.random, bytes: (count: number) => new Uint8Array(randomBytes(count)) },
  };
  const cloud = createMqttCloud(
    {
      clients: createMqttClients(),
      ...realTime,
      log: () => undefined,
      credentials: () => ({ password: new Secret("right"), ca: certificates.ca }),
    },
    {
      url: `mqtts://127.0.0.1:${broker.port}`,
      station: STATION,
      connectTimeoutMs: 5_000,
    },
  );
  return { cloud, far, cut: broker.cut, shut: broker.stop, dispose: broker.dispose };
});

describe("MQTT connections", () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  const broker = async () => {
    const started = await startBroker();
    closing.push(started.dispose);
    return started;
  };
  const optionsFor = (port: number, more: Partial<MqttOptions> = {}): MqttOptions & { ca?: string } => ({
    url: `mqtts://127.0.0.1:${port}`,
    clientId: STATION,
    username: STATION,
    password: new Secret("right"),
    ca: certificates.ca,
    keepAliveS: 60,
    connectTimeoutMs: 5_000,
    ...more,
  });
  const open = async (options: MqttOptions) => {
    const connection = await createMqttClients().connect(options, never);
    closing.push(connection.close);
    return connection;
  };

  it("wrong credentials reject with the code 'refused' and without the password", async () => {
    const { port } = await broker();
    const attempt = open(optionsFor(port, { password: new Secret("wrong-s3cret") }));
    const error: unknown = await attempt.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "refused" });
    expect(String(error)).not.toContain("wrong-s3cret");
  });

  it("a broker whose certificate another authority signed is not trusted", async () => {
    const { port } = await broker();
    const other = await makeCertificates();
    await expect(open(optionsFor(port, { ca: other.ca }))).rejects.toThrow(/signature|certificate|issuer/);
    const systemsOwn = { ...optionsFor(port) };
    delete systemsOwn.ca;
    await expect(open(systemsOwn)).rejects.toThrow(/certificate/);
  });

  it("a certificate for another name is not accepted", async () => {
    const { port } = await broker();
    await expect(open(optionsFor(port, { url: `mqtts://localhost:${port}` }))).rejects.toThrow(/altnames|Hostname/);
  });

  it("a topic that the broker refuses makes subscribe reject", async () => {
    const { port } = await broker();
    const connection = await open(optionsFor(port));
    await expect(connection.subscribe(["ps/1/other/ledger"])).rejects.toMatchObject({ next: "reprovision" });
  });

  it("a server that accepts and says nothing runs into the connect timeout", async () => {
    const silent = createTcpServer((socket) => void socket.resume());
    const port = await listen(silent);
    closing.push(() => new Promise((resolve) => silent.close(resolve)));
    await expect(open(optionsFor(port, { connectTimeoutMs: 200 }))).rejects.toThrow(/timeout/);
  });

  it("an aborted connect ends at once with the signal's reason", async () => {
    const silent = createTcpServer((socket) => void socket.resume());
    const port = await listen(silent);
    closing.push(() => new Promise((resolve) => silent.close(resolve)));
    const controller = new AbortController();
    const attempt = createMqttClients().connect(optionsFor(port), controller.signal);
    controller.abort(new Error("service stops"));
    await expect(attempt).rejects.toThrow("service stops");
  });

  it("a link that swallows everything: publish fails at its deadline, close ends within its grace, the will is sent", async () => {
    const { aedes, port } = await broker();
    const proxy = await startProxy(port);
    closing.push(proxy.stop);
    const will = { topic: topics.alive, payload: Buffer.from("gone"), retain: false };
    const wills: string[] = [];
    aedes.subscribe(
      topics.alive,
      (packet, done) => {
        wills.push(packet.payload.toString());
        done();
      },
      () => undefined,
    );
    const connection = await open(optionsFor(proxy.port, { will }));
    const reasons: string[] = [];
    connection.onClosed((reason) => reasons.push(reason));
    proxy.swallow();
    const publish = connection.publish(`${topics.root}/normal/x`, new Uint8Array(10), { deadlineMs: 200 });
    await expect(publish).rejects.toMatchObject({ name: "CloudError", next: "reconnect" });
    await connection.close();
    expect(reasons).toEqual(["closed by us"]);
    proxy.breakUp();
    await vi.waitFor(() => expect(wills).toEqual(["gone"]));
  });

  it("a publish in flight fails when the link breaks, and after that nothing can be published", async () => {
    const { port } = await broker();
    const proxy = await startProxy(port);
    closing.push(proxy.stop);
    const connection = await open(optionsFor(proxy.port));
    proxy.swallow();
    const inFlight = connection.publish(`${topics.root}/normal/x`, new Uint8Array(10), { deadlineMs: 20_000 });
    const failed = expect(inFlight).rejects.toMatchObject({ next: "reconnect" });
    proxy.breakUp();
    await failed;
    const later = connection.publish(`${topics.root}/normal/x`, new Uint8Array(10), { deadlineMs: 20_000 });
    await expect(later).rejects.toThrow("connection closed");
  });

  it("a ping is answered and counted; one that is lost fails at its deadline", async () => {
    const { port } = await broker();
    const proxy = await startProxy(port);
    closing.push(proxy.stop);
    const connection = await open(optionsFor(proxy.port));
    const before = connection.use();
    await connection.ping(5_000);
    // TLS 1.3 puts 22 bytes around each record of two.
    expect(connection.use()).toMatchObject({ pings: 1, bytes: before.bytes + 48 });
    proxy.swallow();
    await expect(connection.ping(200)).rejects.toMatchObject({ next: "reconnect" });
    expect(connection.use().pings).toBe(2);
  });

  it("what a connection costs is what passed over TCP, its handshake included", async () => {
    const { port } = await broker();
    const proxy = await startProxy(port);
    closing.push(proxy.stop);
    const connection = await open(optionsFor(proxy.port));
    await connection.publish(`${topics.root}/normal/x`, new Uint8Array(1_000), { deadlineMs: 5_000 });
    expect(connection.use().bytes).toBe(proxy.passed());
  });

  it("the next connection takes up the TLS session of the one before, which costs less than half", async () => {
    const { port } = await broker();
    const clients = createMqttClients();
    const costs: { bytes: number; isResumed: boolean }[] = [];
    for (let turn = 0; turn < 4; turn++) {
      const connection = await clients.connect(optionsFor(port), never);
      // Tickets come after the handshake, with the first thing that the broker says.
      await connection.publish(`${topics.root}/normal/x`, new Uint8Array(1), { deadlineMs: 5_000 });
      costs.push(connection.use());
      await connection.close();
    }
    expect(costs.map(({ isResumed }) => isResumed)).toEqual([false, true, true, true]);
    expect(costs[3]?.bytes).toBeLessThan((costs[0]?.bytes ?? 0) * 0.85);
  });

  it("a session isn't taken up for another user or another authority, nor with a broker that doesn't know it", async () => {
    const { port } = await broker();
    const clients = createMqttClients();
    const first = await clients.connect(optionsFor(port), never);
    await first.publish(`${topics.root}/normal/x`, new Uint8Array(1), { deadlineMs: 5_000 });
    await first.close();
    const other = await makeCertificates();
    await expect(clients.connect(optionsFor(port, { ca: other.ca }), never)).rejects.toThrow(
      /signature|certificate|issuer/,
    );
    const mine = await clients.connect(optionsFor(port), never);
    closing.push(mine.close);
    expect(mine.use().isResumed).toBe(false);
    await mine.publish(`${topics.root}/normal/x`, new Uint8Array(1), { deadlineMs: 5_000 });
    const elsewhere = await broker();
    const proxied = await startProxy(port);
    closing.push(proxied.stop);
    const before = await clients.connect(optionsFor(proxied.port), never);
    await before.publish(`${topics.root}/normal/x`, new Uint8Array(1), { deadlineMs: 5_000 });
    await before.close();
    // The same address, and behind it a broker that was started anew: its keys for tickets are others.
    proxied.redirect(elsewhere.port);
    const after = await clients.connect(optionsFor(proxied.port), never);
    closing.push(after.close);
    expect(after.use().isResumed).toBe(false);
  });
});

/** Passes bytes on until told to swallow them. */
async function startProxy(target: number) {
  const sockets = new Set<Socket>();
  let swallowing = false;
  let passed = 0;
  const server = createTcpServer((near) => {
    const far = connectTcp(target, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (bytes) => {
        if (swallowing) return;
        passed += bytes.length;
        to.write(bytes);
      });
      from.on("error", () => undefined);
      from.on("close", () => sockets.delete(from));
    }
  });
  const port = await listen(server);
  const breakUp = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    passed: () => passed,
    redirect: (elsewhere: number) => {
      target = elsewhere;
    },
    swallow: () => {
      swallowing = true;
    },
    breakUp,
    stop: async () => {
      breakUp();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

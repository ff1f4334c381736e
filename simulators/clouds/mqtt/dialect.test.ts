/** The agent's plain dialect in 3.1.1 and 5 over TLS, through a faulty front to a real broker. */
import { describeCloud } from "@pump-station/agent/cloud/cloud.conformance.ts";
import type { CloudConnection } from "@pump-station/agent/cloud/cloud.ts";
import { describeCloudFaults } from "@pump-station/agent/cloud/cloud-faults.conformance.ts";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createQueueBuffer } from "@pump-station/agent/testing/queue-buffer.ts";
import { createUplink } from "@pump-station/agent/uplink/uplink.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type MqttUnderTest, mqttUnderTest } from "./testing/mqtt-under-test.ts";

const never = new AbortController().signal;
const SOON = { timeout: 20_000, interval: 10 };
const VERSIONS = [undefined, 5] as const;
const messageOf = (bytes: number) => ({ lane: "normal", properties: {}, payload: new Uint8Array(bytes) }) as const;

for (const version of VERSIONS) {
  describeCloudFaults(`MQTT ${version ?? "3.1.1"} over TLS`, () => mqttUnderTest(version));
}
describeCloud("MQTT 5 over TLS through the front", () => mqttUnderTest(5));

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function standUp(version?: 5): Promise<MqttUnderTest> {
  const under = await mqttUnderTest(version);
  closing.push(under.dispose);
  return under;
}

async function connect(under: MqttUnderTest) {
  const connection = await under.cloud.connect(never);
  closing.push(() => connection.close());
  return { connection, closed: closedOf(connection) };
}

const closedOf = (connection: CloudConnection) =>
  new Promise<{ readonly reason: string; readonly afterMs: number | undefined }>((resolve) =>
    connection.onClosed((reason, afterMs) => resolve({ reason, afterMs })),
  );

describe("what a broker says in MQTT 5", () => {
  it("quota exceeded (0x97) in PUBACK is a request to wait; the connection stands", async () => {
    const under = await standUp(5);
    const { connection } = await connect(under);
    under.broker.throttleMessages = 1;
    const error = { name: "CloudError", next: "retry-after", afterMs: 30_000 };
    await expect(connection.publish(messageOf(3))).rejects.toMatchObject(error);
    expect(under.far.messages).toEqual([]);
    await connection.publish(messageOf(3));
    expect(under.far.messages).toHaveLength(1);
  });

  it.each([
    [0x89, "server busy", 30_000],
    [0x96, "message rate too high", 30_000],
    [0x97, "quota exceeded", 30_000],
    [0x8b, "server shutting down", undefined],
    [0x8d, "keep alive timeout", undefined],
  ])("DISCONNECT 0x%s (%s) says how long to stay away", async (reasonCode, _, afterMs) => {
    const under = await standUp(5);
    const { connection, closed } = await connect(under);
    under.broker.hangUpWith = reasonCode;
    await expect(connection.publish(messageOf(3))).rejects.toMatchObject({ next: "reconnect" });
    expect(await closed).toMatchObject({ reason: expect.stringContaining(`0x${reasonCode.toString(16)}`), afterMs });
  });

  it("a bound in CONNACK: what is larger waits unsent, no message with readings is lost, and the connection stands", async () => {
    const under = await standUp(5);
    Object.assign(under.broker, { packetBytesMax: 400, isBoundTold: true });
    const { connection } = await connect(under);
    const waits = {
      name: "CloudError",
      next: "retry-after",
      message: expect.stringContaining("max_packet_size") as string,
    };
    await expect(connection.publish(messageOf(400))).rejects.toMatchObject(waits);
    await expect(connection.publish(messageOf(20_000))).rejects.toMatchObject({ next: "drop-and-report" });
    await expect(connection.report({ words: "x".repeat(400) })).rejects.toMatchObject({ next: "drop-and-report" });
    expect(connection.reportBytesMax?.()).toBeLessThan(400);
    // With its properties it would be larger; they stand in the topic, too.
    const properties = { kind: "batch", n: "x".repeat(80) };
    await connection.publish({ ...messageOf(200), properties });
    expect(under.far.messages.map(({ payload }) => payload.length)).toEqual([200]);
    expect(under.far.messages[0]?.properties).toEqual(properties);
  });

  it("packet too large (0x95) without a bound: that message is refused for good, not what waits beside it", async () => {
    const under = await standUp(5);
    const { connection, closed } = await connect(under);
    under.broker.packetBytesMax = 400;
    under.far.silent = true;
    const waiting = expect(connection.getTwin()).rejects.toMatchObject({ next: "reconnect" });
    await expect(connection.publish(messageOf(600))).rejects.toMatchObject({ next: "drop-and-report" });
    expect((await closed).afterMs).toBeUndefined();
    await waiting;
    const again = await connect(under);
    await again.connection.publish(messageOf(300));
    expect(under.far.messages.map(({ payload }) => payload.length)).toEqual([300]);
  });

  it("a topic alias that nobody offered ends the connection; what it meant is in the next one's twin", async () => {
    const under = await standUp(5);
    const { connection, closed } = await connect(under);
    const seen: number[] = [];
    connection.onDesired(({ $version }) => seen.push($version));
    under.broker.unknownAlias = 1;
    under.far.setDesired({ upload: { interval: 60 } });
    await closed;
    expect(seen).toEqual([]);
    const again = await connect(under);
    expect((await again.connection.getTwin()).desired).toMatchObject({ upload: { interval: 60 } });
  });
});

describe("a refused CONNECT", () => {
  it.each([
    [undefined, 2, "reprovision"],
    [undefined, 3, "retry"],
    [undefined, 4, "reprovision"],
    [undefined, 5, "reprovision"],
    [5, 0x80, "retry"],
    [5, 0x85, "reprovision"],
    [5, 0x86, "reprovision"],
    [5, 0x87, "reprovision"],
    [5, 0x88, "retry-after"],
    [5, 0x89, "retry-after"],
    [5, 0x8a, "reprovision"],
    [5, 0x97, "retry-after"],
    [5, 0x9f, "retry-after"],
  ] as const)("in MQTT %s with code %i says %s", async (version, code, next) => {
    const under = await standUp(version);
    under.broker.refuseConnect = code;
    await expect(under.cloud.connect(never)).rejects.toMatchObject({ name: "CloudError", next });
    under.broker.refuseConnect = undefined;
    await connect(under);
  });
});

it.each(VERSIONS)("a throttled station (MQTT %s) slows down, and nothing gets lost", async (version) => {
  const under = await standUp(version);
  const { buffer, queues, accepted } = createQueueBuffer();
  const pauses: number[] = [];
  const uplink = createUplink(
    {
      ...under.time,
      chance: { ...createChance(), fraction: () => 1 },
      cloud: under.cloud,
      buffer,
      log: (_, event, fields) => {
        if (event === "uplink-away") pauses.push(Number(fields?.["pauseMs"]));
      },
    },
    { station: "demo-lake", intervalMs: 5_000 },
  );
  under.broker.throttleMessages = 2;
  queues.normal.push(...Array.from({ length: 25 }, (_, n) => n));
  const stopping = new AbortController();
  const running = uplink.run(stopping.signal);
  const startedAt = under.time.clock.bootMs();
  await vi.waitFor(() => expect(queues.normal).toEqual([]), SOON);
  // 30 s twice, with growing back-off on top; 3.1.1 has back-off alone.
  expect(under.time.clock.bootMs() - startedAt).toBeGreaterThan(version === 5 ? 63_000 : 3_000);
  expect(pauses).toHaveLength(version === 5 ? 0 : 2);
  expect(accepted.flatMap(({ samples }) => samples)).toEqual(Array.from({ length: 25 }, (_, n) => n));
  expect(under.far.messages.flatMap(({ payload }) => [...payload])).toEqual(accepted.flatMap(({ samples }) => samples));
  stopping.abort();
  await running;
});

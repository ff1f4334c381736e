/**
 * The agent's plain dialect over TLS to a real broker (aedes) behind the faulty front, as the suites want it. The agent's
 * time runs faster than the broker's, so that silences and deadlines pass in a moment.
 */
import { duplexPair } from "node:stream";
import type { FaultyCloudUnderTest } from "@pump-station/agent/cloud/cloud-faults.conformance.ts";
import { fixedKeepAlive } from "@pump-station/agent/cloud/keep-alive.ts";
import { createMqttCloud } from "@pump-station/agent/cloud/mqtt/mqtt.ts";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createMqttClients } from "@pump-station/agent/linux/connections/mqtt.ts";
import { sideOf } from "@pump-station/agent/testing/aedes-side.ts";
import { createMemoryBridge } from "@pump-station/agent/testing/memory-bridge.ts";
import { createMemoryFiles } from "@pump-station/agent/testing/memory-files.ts";
import { type Log, type MqttClients, Secret } from "@pump-station/agent/world.ts";
import { loadServerCertificate } from "@pump-station/cloud-bridge/host/certificates.ts";
import { Aedes } from "aedes";
import { generate, type Packet, parser } from "mqtt-packet";
import { serveTls } from "../../../host/tls-endpoint.ts";
import { createHastenedTime, type HastenedTime } from "../../azure/testing/hastened-time.ts";
import { type MqttFaults, noMqttFaults } from "../faults.ts";
import { type BrokerEnd, createMqttFront, type MqttFront } from "../front.ts";

export const STATION = "demo-lake";
const FASTER = 25;
const NOT_AUTHORIZED = 4;

export interface MqttUnderTest extends FaultyCloudUnderTest {
  readonly broker: MqttFaults;
  readonly front: MqttFront;
  readonly time: HastenedTime;
}

/** One for all of a test file, made once. */
const certificate = loadServerCertificate({ files: createMemoryFiles(), nowMs: Date.now() }, "/broker", ["127.0.0.1"]);

export async function mqttUnderTest(version: 5 | undefined, log: Log = () => undefined): Promise<MqttUnderTest> {
  const { ca, cert, key } = await certificate;
  const time = createHastenedTime(FASTER);
  const valid = { password: "right" };
  const aedes = await Aedes.createBroker();
  aedes.authenticate = (_client, username, password, done) =>
    username === STATION && password?.toString() === valid.password
      ? done(null, true)
      : done(Object.assign(new Error("no"), { returnCode: NOT_AUTHORIZED }), false);
  const broker = noMqttFaults();
  const front = createMqttFront({
    timers: time.timers,
    faults: broker,
    reach: (onPacket, onClosed) => reach(aedes, onPacket, onClosed),
  });
  const endpoint = await serveTls(front, { cert, key, port: 0 });
  const cloud = createMqttCloud(
    {
      clients: hastened(createMqttClients()),
      ...time,
      chance: createChance(),
      log,
      credentials: () => ({ password: new Secret("right"), ca }),
    },
    {
      url: `mqtts://127.0.0.1:${endpoint.port}`,
      station: STATION,
      keepAlive: fixedKeepAlive(60),
      ...(version && { version }),
    },
  );
  const leave = (): void => {
    valid.password = "another";
  };
  return {
    cloud,
    far: createMemoryBridge(sideOf(aedes), STATION),
    broker,
    front,
    time,
    hasNoWords: version === undefined,
    cut: () => front.cut(),
    shut: endpoint.close,
    dispose: async () => {
      await endpoint.close();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
    },
    pass: (ms) => time.timers.sleep(ms),
    faults: {
      loseAcknowledgement: () => {
        broker.loseAcknowledgements = 1;
      },
      acknowledgeTwice: () => {
        broker.acknowledgeTwice = 1;
      },
      delayAcknowledgements: (ms) => {
        broker.delayAcknowledgementsMs = ms;
      },
      deliverTwice: () => {
        broker.deliverTwice = 1;
      },
      cutMidMessage: () => {
        broker.cutMidMessage = 1;
      },
      throttle: () => {
        broker.throttleRequests = 1;
      },
      throttleMessage: () => {
        broker.throttleMessages = 1;
      },
      refuse: leave,
      admit: () => {
        valid.password = "right";
      },
      expire: () => {
        leave();
        front.hangUp(0x87);
      },
      freeze: () => front.freeze(),
      takeOver: async () => {
        const end = reach(
          aedes,
          () => undefined,
          () => undefined,
        );
        const [username, password] = [STATION, Buffer.from(valid.password)];
        const other = { protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 60 } as const;
        end.send({ cmd: "connect", ...other, clientId: STATION, username, password });
      },
      // Sessions are clean: a broker has nothing to forget.
      forgetSession: () => undefined,
      skew: (ms) => {
        time.clock.skewMs = ms;
      },
    },
  };
}

/** mqtt.js waits by the real clock: its deadlines come as much sooner as the agent's time runs faster. */
const hastened = (clients: MqttClients): MqttClients => ({
  connect: async (options, signal) => {
    const connection = await clients.connect(options, signal);
    return {
      ...connection,
      publish: (topic, payload, more) =>
        connection.publish(topic, payload, { ...more, deadlineMs: more.deadlineMs / FASTER }),
      ping: (deadlineMs) => connection.ping(deadlineMs / FASTER),
    };
  },
});

function reach(aedes: Aedes, onPacket: (packet: Packet) => void, onClosed: () => void): BrokerEnd {
  const [ours, theirs] = duplexPair();
  aedes.handle(theirs);
  const packets = parser({ protocolVersion: 4 });
  packets.on("packet", onPacket);
  ours.on("data", (bytes: Buffer) => packets.parse(bytes));
  // One end that is destroyed doesn't tell the other.
  theirs.on("close", onClosed);
  return {
    send: (packet) => void (ours.writable && ours.write(generate(packet))),
    end: () => {
      ours.destroy();
      theirs.destroy();
    },
  };
}

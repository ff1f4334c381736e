/**
 * A day on which nothing happens: the whole agent on a simulated clock, its connection real. A simulated step passes only
 * while nothing is under way on the link; pings are the agent's own, at their simulated times, and really sent.
 */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createAgent } from "@pump-station/agent/agent.ts";
import { parseConfig } from "@pump-station/agent/config.ts";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createHubClients } from "@pump-station/agent/linux/connections/azure-iot.ts";
import { createMqttClients } from "@pump-station/agent/linux/connections/mqtt.ts";
import { createDatabases } from "@pump-station/agent/linux/sqlite.ts";
import { createMemoryFiles } from "@pump-station/agent/testing/memory-files.ts";
import { createMemoryNetwork } from "@pump-station/agent/testing/memory-network.ts";
import { createScriptedGpio } from "@pump-station/agent/testing/scripted-gpio.ts";
import { createScriptedI2c } from "@pump-station/agent/testing/scripted-i2c.ts";
import { createScriptedSerial } from "@pump-station/agent/testing/scripted-serial.ts";
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { openCountingProxy } from "./counting-proxy.ts";
import { kilo } from "./day-report.ts";
import { simulatedSeries, stationFile, typeFile } from "./day-station.ts";
import { IDLE_CLOUDS, type IdleDialect } from "./idle-clouds.ts";
import { sleep } from "./rig.ts";

const STATION = "idle";
const KEEP_ALIVE_S = 1_177;
const STEP_MS = 10_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const QUIET_MS = 60;
const AIM: Readonly<Record<IdleDialect, number>> = { mqtt: 20_000, aws: 20_000, azure: 25_000 };

/** Prints the day's rows; resolves with whether the aim is met. */
export async function idleDay(dialect: IdleDialect, folder: string): Promise<boolean> {
  const cloud = await IDLE_CLOUDS[dialect](STATION, folder);
  const proxy = await openCountingProxy({ host: "localhost", port: cloud.port });
  const link = watched(() => proxy.ipBytes());
  const time = createSimulatedTime({ wallMs: Date.now() });
  const files = createMemoryFiles();
  const all = simulatedSeries();
  all.forEach((series, index) => files.write(`/types/${series.device}-board.yaml`, typeFile(series, index)));
  // Nothing is read, so that nothing but the connection itself is paid for.
  const paused = stationFile(all, STATION).replaceAll(/^( {4})port: .*$/gm, '$&\n$1paused: "measuring a quiet day"');
  files.write("/station.yaml", paused);
  const data = mkdtempSync(join(folder, "agent-"));
  const config = `format: 1
station: ${STATION}
description: /station.yaml
data: ${data}
${cloud.lines(proxy.port)}
upload-interval: 15min
keep-alive: ${KEEP_ALIVE_S}s
connection: standing
`;
  const agent = createAgent(
    {
      ...time,
      files,
      chance: createChance(),
      databases: createDatabases(),
      mqtt: link.mqtt,
      hubs: link.hubs,
      network: createMemoryNetwork(),
      log: () => undefined,
      ports: {
        serial: createScriptedSerial(time, () => []),
        i2c: () => createScriptedI2c(),
        gpio: () => createScriptedGpio(),
      },
      resources: () => ({ rssBytes: 0, cpuMs: 0 }),
    },
    parseConfig("agent.yaml", config),
    {
      description: "/station.yaml",
      deviceFolders: ["/types"],
      data,
      version: "bench",
      credentials: () => cloud.credentials,
    },
  );
  const stop = new AbortController();
  const running = agent.run(stop.signal);
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await time.advance(STEP_MS);
      await link.quiet();
    }
  };
  // What a station tells when it begins isn't of a quiet day.
  await pass(HOUR_MS);
  const [handshake, first] = [link.seen().connect, proxy.ipBytes()];
  const before = link.seen().counts;
  await pass(DAY_MS);
  const total = proxy.ipBytes() - first;
  const { counts, connections, byKind } = link.seen();
  const during = Object.entries(counts).map(([kind, count]) => [kind, count - (before[kind] ?? 0)] as const);
  const words = during.filter(([, count]) => count > 0).map(([kind, count]) => `${count} × ${kind}`);
  console.log(`${dialect}: a quiet day, keep-alive ${KEEP_ALIVE_S} s: ${kilo(total)} (aim ≤ ${kilo(AIM[dialect])})`);
  console.log(`  passed: ${words.join(", ")}; ${connections} connection(s) in 25 h`);
  console.log(`  bytes of one, the mean: ${byKind}`);
  console.log(`  a handshake, apart: ${kilo(handshake)} (TCP, TLS, CONNECT, subscriptions)`);
  stop.abort();
  for (let ended = false; !ended; ) {
    await time.advance(1_000);
    ended = await Promise.race([running.then(() => true), sleep(QUIET_MS).then(() => false)]);
  }
  proxy.close();
  await cloud.close();
  return total <= AIM[dialect];
}

/** Counts what passes, and knows when nothing is under way. */
function watched(ipBytes: () => number) {
  const mqttClients = createMqttClients();
  const hubClients = createHubClients();
  const counts: Record<string, number> = {};
  const bytes: Record<string, number> = {};
  let underWay = 0;
  let activity = 0;
  let connections = 0;
  let connect = 0;
  const watch = async <T>(kind: string, work: () => Promise<T>): Promise<T> => {
    counts[kind] = (counts[kind] ?? 0) + 1;
    const before = ipBytes();
    underWay++;
    activity++;
    try {
      return await work();
    } finally {
      await sleep(QUIET_MS);
      bytes[kind] = (bytes[kind] ?? 0) + ipBytes() - before;
      underWay--;
    }
  };
  const opened = async <T>(open: () => Promise<T>): Promise<T> => {
    const before = ipBytes();
    const connection = await watch("connect", open);
    connections++;
    connect = ipBytes() - before;
    return connection;
  };
  return {
    mqtt: {
      connect: (options, signal) =>
        opened(async () => {
          const connection = await mqttClients.connect(options, signal);
          return {
            ...connection,
            publish: (topic, payload, more) => watch(kindOf(topic), () => connection.publish(topic, payload, more)),
            subscribe: (topics) => watch("subscribe", () => connection.subscribe(topics)),
            ping: (deadlineMs) => watch("ping", () => connection.ping(deadlineMs)),
          };
        }),
    } satisfies ReturnType<typeof createMqttClients>,
    hubs: {
      connect: (options, signal) =>
        opened(async () => {
          const connection = await hubClients.connect(options, signal);
          return {
            ...connection,
            send: (message) => watch("message", () => connection.send(message)),
            getTwin: () => watch("twin get", () => connection.getTwin()),
            report: (patch) => watch("report", () => connection.report(patch)),
            ping: () => watch("ping", () => connection.ping()),
          };
        }),
    } satisfies ReturnType<typeof createHubClients>,
    quiet: async () => {
      for (let seen = -1; underWay > 0 || seen !== activity; ) {
        if (seen === -1 && underWay === 0 && activity === 0) return;
        seen = activity;
        await sleep(QUIET_MS);
      }
      activity = 0;
    },
    seen: () => ({
      counts: { ...counts },
      connections,
      connect,
      byKind: Object.keys(bytes)
        .map((kind) => `${kind} ${Math.round((bytes[kind] ?? 0) / (counts[kind] ?? 1))} B`)
        .join(", "),
    }),
  };
}

function kindOf(topic: string): string {
  if (/twin\/get|shadow\/(name\/[^/]+\/)?get/.test(topic)) return "twin get";
  if (/twin\/report|shadow\/(name\/[^/]+\/)?update/.test(topic)) return "report";
  return /\/alive$/.test(topic) ? "birth" : "message";
}

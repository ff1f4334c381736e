/**
 * The whole agent on a simulated clock, and a real link: its sources are asked, its buffer commits, its uplink and twin
 * talk MQTT over TLS to a bridge. A simulated second passes only while nothing is under way on the link.
 */
import { readFileSync } from "node:fs";
import { createAgent } from "@pump-station/agent/agent.ts";
import { parseConfig } from "@pump-station/agent/config.ts";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createMqttClients } from "@pump-station/agent/linux/connections/mqtt.ts";
import { createDatabases } from "@pump-station/agent/linux/sqlite.ts";
import type { AgentStatus } from "@pump-station/agent/status.ts";
import { createMemoryFiles } from "@pump-station/agent/testing/memory-files.ts";
import { createMemoryNetwork } from "@pump-station/agent/testing/memory-network.ts";
import { createScriptedGpio } from "@pump-station/agent/testing/scripted-gpio.ts";
import { createScriptedI2c } from "@pump-station/agent/testing/scripted-i2c.ts";
import { createScriptedSerial } from "@pump-station/agent/testing/scripted-serial.ts";
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { type MqttClients, Secret } from "@pump-station/agent/world.ts";
import { answerTo, EVERY_MS, type Series, stationFile, typeFile } from "./day-station.ts";

const DAY_MS = 86_400_000;
const STEP_MS = 1_000;
/** Longer than a delayed acknowledgement of TCP (40 ms), so that none is merged that a day would keep apart. */
const QUIET_MS = 70;

export interface Day {
  readonly status: AgentStatus;
  /** By what stands in their topic: lane or "twin"; when, since the start. */
  readonly messages: readonly { readonly topic: string; readonly bytes: number; readonly atMs: number }[];
  readonly received: readonly { readonly topic: string; readonly bytes: number }[];
  readonly connections: number;
  readonly handshakeBytes: number;
  /** Pings that a real day would have carried: mqtt.js sends one after so long without a packet of ours. */
  readonly pings: number;
  readonly totalBytes: number;
}

export interface DayOptions {
  readonly all: readonly Series[];
  readonly station: string;
  readonly url: string;
  readonly caFile: string;
  readonly password: string;
  readonly data: string;
  readonly interval: string;
  /** IP bytes so far, or an estimate of them. */
  readonly ipBytes: () => number;
}

export async function runDay({
  all,
  station,
  url,
  caFile,
  password,
  data,
  interval,
  ipBytes,
}: DayOptions): Promise<Day> {
  const time = createSimulatedTime({ wallMs: Date.UTC(2026, 4, 2) });
  const link = watchedLink(createMqttClients(), ipBytes, () => time.clock.bootMs());
  const startMs = time.clock.bootMs();
  const files = createMemoryFiles();
  all.forEach((series, index) => files.write(`/types/${series.device}-board.yaml`, typeFile(series, index)));
  files.write("/station.yaml", stationFile(all, station));
  const serial = createScriptedSerial(time, (request) =>
    answerTo(request, all, Math.floor((time.clock.bootMs() - startMs) / EVERY_MS)),
  );
  const config = `format: 1\nstation: ${station}\ndescription: /station.yaml\ndata: ${data}\ncloud: ${url}\nupload-interval: ${interval}\n`;
  const credentials = { ca: readFileSync(caFile, "utf8"), password: new Secret(password) };
  const agent = createAgent(
    {
      ...time,
      files,
      chance: createChance(),
      databases: createDatabases(),
      mqtt: link.clients,
      network: createMemoryNetwork(),
      log: () => {},
      ports: { serial, i2c: () => createScriptedI2c(), gpio: () => createScriptedGpio() },
      resources: () => ({ rssBytes: process.memoryUsage.rss(), cpuMs: 0 }),
    },
    parseConfig("agent.yaml", config),
    {
      description: "/station.yaml",
      deviceFolders: ["/types"],
      data,
      version: "bench",
      credentials: () => credentials,
    },
  );
  const before = ipBytes();
  const stop = new AbortController();
  const running = agent.run(stop.signal);
  await time.advance(STEP_MS);
  const { description } = (await agent.handlers["status"]?.({})) as AgentStatus;
  if (description.runs !== "file") throw new Error(`the station's description: ${description.problems.join("; ")}`);
  for (let passed = STEP_MS; passed < DAY_MS; passed += STEP_MS) {
    await time.advance(STEP_MS);
    await link.quiet();
  }
  const status = (await agent.handlers["status"]?.({})) as AgentStatus;
  const measured = { ...link.seen(), totalBytes: ipBytes() - before };
  stop.abort();
  for (let ended = false; !ended; ) {
    await time.advance(STEP_MS);
    ended = await Promise.race([running.then(() => true), pause(QUIET_MS).then(() => false)]);
  }
  return { status, ...measured };
}

/** Counts what passes, and knows when nothing is under way. */
function watchedLink(clients: MqttClients, ipBytes: () => number, now: () => number) {
  const startMs = now();
  let underWay = 0;
  let activity = 0;
  let connections = 0;
  let handshakeBytes = 0;
  let pings = 0;
  const messages: { topic: string; bytes: number; atMs: number }[] = [];
  const received: { topic: string; bytes: number }[] = [];
  const watched = async <T>(work: () => Promise<T>): Promise<T> => {
    underWay++;
    activity++;
    try {
      return await work();
    } finally {
      underWay--;
    }
  };
  const watchedClients: MqttClients = {
    connect: (options, signal) =>
      watched(async () => {
        const before = ipBytes();
        const connection = await clients.connect(options, signal);
        connections++;
        handshakeBytes += ipBytes() - before;
        connection.onMessage((topic, payload) => {
          activity++;
          received.push({ topic, bytes: payload.length });
        });
        return {
          ...connection,
          publish: (topic, payload, publishOptions) => {
            messages.push({ topic, bytes: payload.length, atMs: now() - startMs });
            return watched(() => connection.publish(topic, payload, publishOptions));
          },
          subscribe: (topics) => watched(() => connection.subscribe(topics)),
          // Counted here and priced by those that were measured beside.
          ping: async () => {
            pings++;
          },
        };
      }),
  };
  return {
    clients: watchedClients,
    quiet: async () => {
      for (let seen = -1; underWay > 0 || seen !== activity; ) {
        if (seen === -1 && underWay === 0 && activity === 0) return;
        seen = activity;
        await pause(QUIET_MS);
      }
      activity = 0;
    },
    seen: () => ({ messages, received, connections, handshakeBytes, pings }),
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

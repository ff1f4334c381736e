import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAgent } from "./agent.ts";
import type { AgentPlaces } from "./agent-deps.ts";
import { parseConfig } from "./config.ts";
import { createDatabases } from "./linux/sqlite.ts";
import type { AgentStatus, LiveValue } from "./status.ts";
import { createMemoryBridge } from "./testing/memory-bridge.ts";
import { createMemoryFiles } from "./testing/memory-files.ts";
import { createMemoryBroker } from "./testing/memory-mqtt.ts";
import { createMemoryNetwork } from "./testing/memory-network.ts";
import { createScriptedGpio } from "./testing/scripted-gpio.ts";
import { createScriptedI2c } from "./testing/scripted-i2c.ts";
import { createScriptedSerial, type Portion } from "./testing/scripted-serial.ts";
import { createSimulatedTime } from "./testing/simulated-time.ts";
import { decodeBatch } from "./wire/batch.ts";
import { decodeLedger } from "./wire/ledger.ts";
import { type StreamSchema, schemaHash } from "./wire/schema.ts";
import type { Chance } from "./world.ts";

const CONFIG = parseConfig(
  "agent.yaml",
  "format: 1\nstation: demo-lake\ndescription: /station.yaml\ndata: /data\ncloud: mqtts://broker:8883\nupload-interval: 5s",
);
const PLACES: AgentPlaces = { description: "/station.yaml", deviceFolders: ["/types"], data: "/data", version: "1" };

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "agent-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A register that is asked with 01 and written with 02; frames are A5, length, body, sum of all before. */
const typeWith = (channels: string): string => `format: 1
type: valve
source: "this test"
every: 10s
serial: { speed: 9600, mode: 8N1 }
timing: { answer-within: 100ms }
frame:
  - { part: start,  bytes: "A5" }
  - { part: length, as: u8, counts: body }
  - { part: body }
  - { part: check,  sum: sum8, over: start to body }
reads:
  all:
    send: "01"
    answer: "81"
    channels:
${channels}
settings:
  target:
    write: "02 {value}"
    answer: "82"
    read-back: target
    range: 0 to 200 mbar
    step: 1 mbar
`;
const VALVE = typeWith("      target: { byte: 1, as: u8, scale: 1, unit: mbar }");
const station = (device: string): string => `format: 1
station: demo-lake
ports:
  line:
    serial: /dev/line
devices:
${device}`;
const valve = (name: string): string => `  ${name}:\n    type: valve\n    port: line\n`;

function createBench() {
  const time = createSimulatedTime();
  const files = createMemoryFiles();
  const broker = createMemoryBroker(time);
  const far = createMemoryBridge(broker, "demo-lake");
  const log: string[] = [];
  const register = { target: 100, isSilent: false };
  const frame = (...body: number[]): Uint8Array => {
    const bytes = [0xa5, body.length, ...body];
    return Uint8Array.of(
      ...bytes,
      bytes.reduce((sum, byte) => (sum + byte) & 0xff),
    );
  };
  const serial = createScriptedSerial(time, (request): Portion[] => {
    if (register.isSilent) return [];
    if (request[2] === 2) register.target = request[3] ?? 0;
    return [{ afterMs: 5, bytes: request[2] === 2 ? frame(0x82) : frame(0x81, register.target) }];
  });
  const chance: Chance = { fraction: () => 0.5, bytes: (count) => new Uint8Array(count).fill(7) };
  const stop = new AbortController();
  files.write("/types/valve.yaml", VALVE);
  const deps = {
    ...time,
    files,
    chance,
    databases: createDatabases(),
    mqtt: broker.clients,
    network: createMemoryNetwork(),
    log: (_: string, event: string, fields = {}) => void log.push(`${event} ${JSON.stringify(fields)}`),
    ports: { serial, i2c: () => createScriptedI2c(), gpio: () => createScriptedGpio() },
    resources: () => ({ rssBytes: 0, cpuMs: 0 }),
  };
  const start = () => {
    const agent = createAgent(deps, CONFIG, { ...PLACES, data: folder });
    const ended = agent.run(stop.signal).then(
      () => "stopped",
      (error: unknown) => String(error),
    );
    return {
      status: () => agent.handlers["status"]?.({}) as AgentStatus,
      read: () => agent.handlers["read"]?.({}) as LiveValue[],
      /** What was saved goes to work now, not when it has settled. */
      tryNow: () => agent.handlers["try"]?.({}),
      ended,
    };
  };
  return { time, files, broker, far, log, register, serial, chance, stop, start };
}

describe("an agent whose description is replaced", () => {
  it("while a setting is being written to a device that has another name now goes on", async () => {
    const { time, files, far, register, start, log, stop } = createBench();
    files.write("/station.yaml", station(valve("one")));
    const { status, tryNow, ended } = start();
    await time.advance(3_000);
    expect(status().devices[0]?.health).toBe("good");
    far.setDesired({ devices: { one: { target: 150 } } });
    await time.advance(1);
    files.write("/station.yaml", station(valve("two")));
    void tryNow();
    await time.advance(60_000);
    expect(register.target).toBe(150);
    // A line that we closed ourselves is no reading.
    expect(log.filter((line) => line.includes("port-absent"))).toEqual([]);
    expect(status().devices.map(({ device, health }) => [device, health])).toEqual([["two", "good"]]);
    stop.abort();
    await time.advance(10_000);
    expect(await ended).toBe("stopped");
  });

  it("by one that can't be put to work runs the one before", async () => {
    const { time, files, start, log, stop } = createBench();
    files.write("/station.yaml", station(valve("one")));
    const { status, ended } = start();
    await time.advance(3_000);
    // Each file is within its bounds; with the rates it is more than a stream's schema holds.
    const many = Array.from({ length: 250 }, (_, at) => `      c${at}: { byte: 1, as: u8, scale: 1, unit: mbar }`);
    const rates = many.slice(0, 10).map((_, at) => `      r${at}: c${at} per 1h over 3h\n`);
    files.write(
      "/types/valve.yaml",
      typeWith([...many, "      target: { byte: 1, as: u8, scale: 1, unit: mbar }"].join("\n")),
    );
    files.write("/station.yaml", station(`${valve("one")}    rate-of-change:\n${rates.join("")}`));
    await time.advance(3_000);
    expect(log.filter((line) => line.startsWith("description-failed"))).toHaveLength(1);
    const before = status().devices[0]?.polls ?? 0;
    await time.advance(30_000);
    expect(status().devices[0]).toMatchObject({ device: "one", health: "good" });
    expect(status().devices[0]?.polls).toBeGreaterThan(before);
    stop.abort();
    await time.advance(10_000);
    expect(await ended).toBe("stopped");
  });

  it("never shows a value under the name of another channel", async () => {
    const { time, files, serial, start, stop } = createBench();
    files.write("/station.yaml", station(valve("one")));
    const { status, tryNow, ended } = start();
    await time.advance(3_000);
    expect(status().devices[0]?.health).toBe("good");
    serial.isStuck = true;
    files.write(
      "/types/valve.yaml",
      typeWith(`      level:  { byte: 1, as: u8, scale: 1, unit: "%" }
      target: { byte: 1, as: u8, scale: 1, unit: mbar }`),
    );
    void tryNow();
    await time.advance(10);
    expect(status().devices[0]?.health).toBe("waiting");
    stop.abort();
    await time.advance(10_000);
    expect(await ended).toBe("stopped");
  });
});

describe("Writes are not reads: settings of a device that may lose them", () => {
  it("are read back at start, whenever it reappears, and every ten minutes, and written only where they differ", async () => {
    const { time, files, far, register, serial, start, stop } = createBench();
    const writes = (): number => serial.written.filter(({ bytes }) => bytes[2] === 2).length;
    files.write("/station.yaml", station(valve("one")));
    far.setDesired({ devices: { one: { target: 150 } } });
    const { ended } = start();
    await time.advance(10_000);
    expect([register.target, writes()]).toEqual([150, 1]);

    register.isSilent = true;
    await time.advance(120_000);
    // It was without power, and begins with what its maker thought of.
    register.target = 100;
    register.isSilent = false;
    await time.advance(70_000);
    expect([register.target, writes()]).toEqual([150, 2]);

    // Somebody turned it by hand.
    register.target = 100;
    await time.advance(615_000);
    expect([register.target, writes()]).toEqual([150, 3]);
    await time.advance(1_300_000);
    expect(writes()).toBe(3);
    stop.abort();
    await time.advance(10_000);
    expect(await ended).toBe("stopped");
  });

  it.each([
    ["1h", 12 - 2, 2 + 2],
    ["1min", 0, 120 + 2],
  ])("asked every %s, reading back costs one question where no poll has answered it, and stores nothing", async (every, more, stored) => {
    const { time, files, far, register, serial, start, stop } = createBench();
    const questions = (): number => serial.written.filter(({ bytes }) => bytes[2] === 1).length;
    files.write("/station.yaml", station(`${valve("one")}    every: ${every}\n`));
    const { status, ended } = start();
    far.setDesired({ devices: { one: { target: 150 } } });
    await time.advance(10_000);
    expect(register.target).toBe(150);
    const [before, polls] = [questions(), status().devices[0]?.polls ?? 0];
    await time.advance(7_200_000);
    const asked = (status().devices[0]?.polls ?? 0) - polls;
    expect(questions() - before - asked).toBe(more);
    stop.abort();
    await time.advance(10_000);
    expect(await ended).toBe("stopped");
    const database = createDatabases().open(join(folder, "readings.db"));
    expect(database.prepare("SELECT sum(samples) AS n FROM rows").get()).toEqual({ n: stored });
  });
});

describe("an agent of which a part fails by a bug", () => {
  it("ends as a whole, with everything staged on the disk, so that it is started anew", async () => {
    const { time, files, broker, chance, start } = createBench();
    files.write("/station.yaml", station(valve("one")));
    broker.faults.unreachable = true;
    chance.fraction = () => {
      throw new RangeError("a bug");
    };
    const { ended } = start();
    await time.advance(20_000);
    expect(await Promise.race([ended, Promise.resolve("runs")])).toBe("RangeError: a bug");
    const database = createDatabases().open(join(folder, "readings.db"));
    expect(database.prepare("SELECT sum(samples) AS n FROM rows").get()).toEqual({ n: 1 });
    expect(time.waiting).toBe(0);
  });
});

describe("an agent that filters and aggregates", () => {
  /** What the cloud makes of all that it was sent: rows by channel name, per stream. */
  const received = (messages: ReturnType<typeof createBench>["far"]["messages"]) => {
    const schemas = new Map<string, StreamSchema>();
    for (const { properties, payload } of messages) {
      const message = properties["kind"] === "schema" ? decodeLedger(payload) : undefined;
      if (message?.kind === "schema") schemas.set(schemaHash(message.schema), message.schema);
    }
    const blocks = messages
      .filter(({ properties }) => properties["kind"] === "batch")
      .flatMap(({ payload }) => decodeBatch(payload, (hash) => schemas.get(hash)).blocks);
    return blocks.flatMap(({ schemaHash: hash, rows }) => {
      const channels = schemas.get(hash)?.channels ?? [];
      return rows.map((row) => Object.fromEntries(channels.map(({ name }, at) => [name, row[at]])));
    });
  };

  it("sends the channels that its description makes of those that are read, and alarms and read go by what is read", async () => {
    const { time, files, far, register, start, stop } = createBench();
    const alarms = "alarms:\n  high: { when: target above 150 mbar, severity: critical }\n";
    files.write("/types/valve.yaml", VALVE + alarms);
    files.write(
      "/station.yaml",
      station(`${valve("one")}    every: 1s
    filter:
      target:
        - median: 3s
    rate-of-change:
      climb: target per 1s over 10s
    aggregate:
      every: 10s
      target: mean
      peak: max of target
      climb: last
`),
    );
    const { status, read, ended } = start();
    await time.advance(25_000);
    register.target = 200;
    await time.advance(1_000);
    register.target = 100;
    await time.advance(60_000);
    const rows = received(far.messages);
    expect(Object.keys(rows[0] ?? {})).toEqual(["target", "climb", "peak"]);
    expect(rows.length).toBeGreaterThanOrEqual(6);
    // One reading in three is a spike: the median takes it out, whatever the window makes of it.
    expect(rows.map(({ target, peak }) => [target, peak])).toEqual(rows.map(() => [100, 100]));
    expect(rows.at(-1)?.["climb"]).toBe(0);
    expect(read().map(({ channel, value }) => [channel, value])).toEqual([
      ["target", 100],
      ["climb", 0],
      ["peak", 100],
    ]);
    // The alarm saw it all the same, and ended with it.
    const told = far.messages.filter(({ properties }) => properties["kind"] === "alarms");
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(status().activeAlarms).toEqual([]);
    stop.abort();
    await time.advance(10_000);
    expect(await ended).toBe("stopped");
  });
});

/** Commands and on-site mode through the whole agent: MQTT in memory, a scripted line, simulated time. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAgent } from "./agent.ts";
import type { CommandAnswer } from "./cloud/cloud.ts";
import type { OnSiteStatus } from "./commands/on-site.ts";
import { parseConfig } from "./config.ts";
import { createDatabases } from "./linux/sqlite.ts";
import type { AgentStatus } from "./status.ts";
import { createMemoryBridge } from "./testing/memory-bridge.ts";
import { createMemoryFiles } from "./testing/memory-files.ts";
import { createMemoryBroker } from "./testing/memory-mqtt.ts";
import { createMemoryNetwork } from "./testing/memory-network.ts";
import { createScriptedGpio } from "./testing/scripted-gpio.ts";
import { createScriptedI2c } from "./testing/scripted-i2c.ts";
import { createScriptedSerial, type Portion } from "./testing/scripted-serial.ts";
import { createSimulatedTime } from "./testing/simulated-time.ts";
import { decodeAlarms } from "./wire/alarms.ts";
import type { AlarmMessage } from "./wire/messages.ts";
import type { JsonObject } from "./wire/twin-document.ts";

const CONFIG = parseConfig(
  "agent.yaml",
  "format: 1\nstation: demo-lake\ndescription: /station.yaml\ndata: /data\ncloud: mqtts://broker:8883\nupload-interval: 1h",
);

/** A register that is asked with 01, written with 02 and emptied with 03; frames are A5, length, body, sum. */
const VALVE = `format: 1
type: valve
source: "this test"
every: 10min
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
      target: { byte: 1, as: u8, scale: 1, unit: mbar }
settings:
  target:
    write: "02 {value}"
    answer: "82"
    read-back: target
    range: 0 to 200 mbar
    step: 1 mbar
commands:
  empty: { send: "03", answer: "83", confirm: target below 1 mbar, within: 2s }
alarms:
  high: { when: target above 180 mbar, severity: critical }
`;
const STATION = `format: 1
station: demo-lake
place:
  time-zone: Europe/Berlin
ports:
  line:
    serial: /dev/line
devices:
  valve:
    type: valve
    port: line
`;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "agent-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function createBench(station = STATION) {
  const time = createSimulatedTime();
  const files = createMemoryFiles();
  const broker = createMemoryBroker(time);
  const far = createMemoryBridge(broker, "demo-lake");
  const register = { target: 100, asked: 0 };
  const frame = (...body: number[]): Uint8Array => {
    const bytes = [0xa5, body.length, ...body];
    return Uint8Array.of(
      ...bytes,
      bytes.reduce((sum, byte) => (sum + byte) & 0xff),
    );
  };
  const serial = createScriptedSerial(time, (request): Portion[] => {
    const [, , what = 0, value = 0] = request;
    if (what === 1) register.asked++;
    if (what === 2) register.target = value;
    if (what === 3) register.target = 0;
    return [{ afterMs: 5, bytes: what === 1 ? frame(0x81, register.target) : frame(0x80 + what) }];
  });
  files.write("/types/valve.yaml", VALVE);
  files.write("/station.yaml", station);
  const stop = new AbortController();
  const agent = createAgent(
    {
      ...time,
      files,
      chance: { fraction: () => 0.5, bytes: (count) => new Uint8Array(count).fill(7) },
      databases: createDatabases(),
      mqtt: broker.clients,
      network: createMemoryNetwork(),
      log: () => undefined,
      ports: { serial, i2c: () => createScriptedI2c(), gpio: () => createScriptedGpio() },
      resources: () => ({ rssBytes: 0, cpuMs: 0 }),
    },
    CONFIG,
    { description: "/station.yaml", deviceFolders: ["/types"], data: folder, version: "1" },
  );
  let ended: string | undefined;
  void agent.run(stop.signal).then(
    () => (ended = "in order"),
    (error: unknown) => (ended = String(error)),
  );
  let ids = 0;
  return {
    ...time,
    files,
    far,
    broker,
    register,
    ended: () => ended,
    ask: (what: string, parameters = {}) => agent.handlers[what]?.(parameters),
    status: () => agent.handlers["status"]?.({}) as AgentStatus,
    reported: () => far.twin.documents().reported as JsonObject,
    call: async (command: string, more: { device?: string; arguments?: JsonObject } = {}, withinMs = 10_000) => {
      let answer: CommandAnswer | undefined;
      void far.call({ id: `c${++ids}`, command, by: "anna", ...more }).then((given) => (answer = given));
      await time.advance(withinMs);
      return answer;
    },
    alarms: (): AlarmMessage[] =>
      far.messages
        .filter(({ properties }) => properties["kind"] === "alarms")
        .flatMap(({ payload }) => decodeAlarms(payload)),
    stop: async () => {
      stop.abort();
      await time.advance(10_000);
    },
  };
}

describe("commands of the station", () => {
  it("read-now asks the device out of turn and answers what it says now, with its time", async () => {
    const { advance, register, call, clock, stop } = createBench();
    await advance(3_000);
    register.target = 140;
    const asked = register.asked;
    const answer = await call("read-now", { arguments: { device: "valve" } });
    expect(register.asked).toBe(asked + 1);
    const at = expect.any(Number) as number;
    expect(answer).toMatchObject({
      status: 200,
      body: { values: [{ device: "valve", channel: "target", value: 140, unit: "mbar", quality: "good", at }] },
    });
    const { at: readAt } = (answer?.body as { values: { at: number }[] }).values[0] ?? { at: 0 };
    expect(clock.wallMs() - readAt).toBeGreaterThan(9_000);
    expect(clock.wallMs() - readAt).toBeLessThan(11_000);
    await stop();
  });

  it("upload-now sends what waits; settings and explain answer what the command line shows", async () => {
    const { advance, call, far, stop } = createBench();
    await advance(3_000);
    const batches = () => far.messages.filter(({ properties }) => properties["kind"] === "batch").length;
    expect(batches()).toBe(0);
    expect(await call("upload-now")).toMatchObject({ status: 200, text: expect.stringContaining("sent") });
    expect(batches()).toBe(1);
    expect(await call("settings")).toMatchObject({
      body: {
        settings: expect.arrayContaining([expect.objectContaining({ path: "devices/valve/target", running: 100 })]),
      },
    });
    expect(await call("explain", { arguments: { device: "valve" } })).toMatchObject({
      body: { device: "valve", exchanges: [{ what: "read all" }] },
    });
    expect(await call("explain", { arguments: { device: "pump" } })).toMatchObject({ status: 404 });
    await stop();
  });

  it("diagnostics answers what it sends, and sends it in parts; the command line gets the same file", async () => {
    const { advance, call, far, ask, stop } = createBench();
    await advance(3_000);
    const answer = await call("diagnostics");
    expect(answer).toMatchObject({ status: 200, body: { name: "diagnostics.tar.gz", parts: 1 } });
    await advance(5_000);
    const sent = far.messages.find(({ properties }) => properties["name"] === "diagnostics.tar.gz");
    const { sha256, bytes } = answer?.body as { sha256: string; bytes: number };
    expect(sent?.payload.length).toBe(bytes);
    expect(
      createHash("sha256")
        .update(sent?.payload ?? "")
        .digest("hex"),
    ).toBe(sha256);
    const here = Buffer.from((await ask("diagnostics")) as string, "base64");
    expect(gunzipSync(here).toString("latin1")).toContain("type: valve");
    await stop();
  });

  it("diagnostics goes in parts that the broker takes, and says where it takes none", async () => {
    const { advance, call, far, broker, stop } = createBench();
    broker.faults.packetBytesMax = 900;
    await advance(3_000);
    const answer = await call("diagnostics");
    const { sha256, parts } = answer?.body as { sha256: string; parts: number };
    expect(parts).toBeGreaterThan(1);
    await advance(parts * 3_000);
    const sent = far.messages.filter(({ properties }) => properties["name"] === "diagnostics.tar.gz");
    expect(sent).toHaveLength(parts);
    const whole = Buffer.concat(sent.map(({ payload }) => payload));
    expect(createHash("sha256").update(whole).digest("hex")).toBe(sha256);
    broker.faults.packetBytesMax = 600;
    expect(await call("diagnostics")).toMatchObject({
      status: 413,
      text: expect.stringContaining("not sent") as string,
    });
    await stop();
  });

  it("restart answers first, then ends in order; a description on trial is waited for unless forced", async () => {
    const { advance, call, files, ask, ended } = createBench();
    await advance(3_000);
    files.write("/station.yaml", STATION.replace("port: line", "port: line\n    every: 20s"));
    void ask("try");
    await advance(5_000);
    expect(await call("restart")).toMatchObject({ status: 409, text: expect.stringContaining("on trial") });
    expect(await call("restart", { arguments: { force: true } }, 1_000)).toMatchObject({ status: 200 });
    expect(ended()).toBeUndefined();
    await advance(20_000);
    expect(ended()).toBe("in order");
  });
});

describe("while somebody is on site", () => {
  it("a key switch begins it and ends it, for as long as the file says at most", async () => {
    const key = "port: line\n    on-site: { when: target above 150 mbar, at-most: 30min }";
    const { advance, call, register, ask, stop } = createBench(STATION.replace("port: line", key));
    await advance(12_000);
    expect(await ask("onsite", {})).toMatchObject({ onSite: null });
    register.target = 160;
    await call("read-now");
    expect(await ask("onsite", {})).toMatchObject({ onSite: { by: "the switch valve", isOurs: true } });
    expect(await call("on-site", { arguments: { end: true } })).toMatchObject({ status: 409 });
    const refused = { status: 409, text: expect.stringContaining("on-site") };
    expect(await call("empty", { device: "valve" })).toMatchObject(refused);
    register.target = 100;
    await call("read-now");
    expect(await ask("onsite", {})).toMatchObject({ onSite: null });
    register.target = 160;
    await call("read-now");
    expect(await ask("onsite", {})).toMatchObject({ onSite: { by: "the switch valve" } });
    await advance(31 * 60_000);
    expect(await ask("onsite", {})).toMatchObject({ onSite: null });
    await stop();
  });

  it("nothing from the cloud moves hardware; what waited is applied when it ends by itself", async () => {
    const { advance, call, far, register, ask, reported, stop } = createBench();
    await advance(3_000);
    far.setDesired({ devices: { valve: { target: 120 } } });
    await advance(5_000);
    expect(register.target).toBe(120);
    expect(await ask("onsite", { for: "30min" })).toMatchObject({ onSite: { isOurs: true }, isKept: true });
    expect(await call("empty", { device: "valve" })).toEqual({
      status: 409,
      text: "on-site until 10:30, ended by itself then",
    });
    far.setDesired({ devices: { valve: { target: 150 } } });
    await advance(60_000);
    expect(register.target).toBe(120);
    const waits = { ac: 202, value: 120, ad: "on-site until 10:30, ended by itself then" };
    expect(reported()).toMatchObject({ devices: { valve: { target: waits } }, "on-site": { by: "here" } });
    // What the station has already is no matter of waiting.
    far.setDesired({ devices: { valve: { target: 120 } } });
    await advance(60_000);
    expect(reported()).toMatchObject({ devices: { valve: { target: { ac: 200, value: 120 } } } });
    far.setDesired({ devices: { valve: { target: 150 } } });
    await advance(30 * 60_000);
    expect(register.target).toBe(150);
    expect(reported()).toMatchObject({ devices: { valve: { target: { ac: 200, value: 150 } } } });
    expect(reported()).not.toHaveProperty("on-site");
    await stop();
  });

  it("alarms are as grave as ever, and marked; begin, end and commands are told in their stream", async () => {
    const { advance, call, register, ask, alarms, stop } = createBench();
    await advance(3_000);
    await ask("onsite", { for: "1h" });
    register.target = 190;
    await call("read-now");
    await ask("onsite", { end: true });
    expect(await call("empty", { device: "valve" })).toMatchObject({ status: 200 });
    await advance(11 * 60_000);
    const told = alarms().map(({ device, alarm, active, severity, because, onSite }) => ({
      what: `${device} ${alarm} ${severity} ${active ? "begins" : "ends"}`,
      because,
      onSite,
    }));
    expect(told.map(({ what }) => what)).toEqual([
      "_station on-site info begins",
      "valve high critical begins",
      "_station on-site info ends",
      "_station command info ends",
      "valve high critical ends",
    ]);
    expect(told.map(({ onSite }) => onSite)).toEqual([undefined, true, undefined, undefined, undefined]);
    expect(told[3]?.because).toMatch(/^valve empty, asked by anna \(c2\): 200 /);
    await stop();
  });

  it("the cloud lengthens what was begun here, never ends it; what it began it ends", async () => {
    const { advance, call, ask, status, stop } = createBench();
    await advance(3_000);
    await ask("onsite", { for: "1h" });
    expect(await call("on-site", { arguments: { end: true } })).toMatchObject({ status: 409 });
    expect(await call("on-site", { arguments: { for: "10min" } })).toMatchObject({ status: 409 });
    expect(await call("on-site", { arguments: { for: "2h" } })).toMatchObject({ status: 200 });
    expect(Math.round((status().onSite?.leftMs ?? 0) / 60_000)).toBe(120);
    expect(await call("on-site", { arguments: { end: true } })).toMatchObject({ status: 409 });
    expect(await call("restart")).toMatchObject({ status: 409, text: expect.stringContaining("on-site") });
    await ask("onsite", { end: true });
    expect(await call("on-site", { arguments: { for: "10min" } })).toMatchObject({
      body: { "on-site": { by: "anna", "left-s": 600 } },
    });
    expect(await call("on-site", { arguments: { end: true } })).toMatchObject({ body: { "on-site": null } });
    expect(((await ask("onsite")) as { onSite: OnSiteStatus | null }).onSite).toBeNull();
    expect(() => ask("onsite", { for: "2" })).toThrow("write how long like 30min or 2h");
    await stop();
  });

  it("status and audit show what was asked for", async () => {
    const { advance, call, ask, status, stop } = createBench();
    await advance(3_000);
    await call("empty", { device: "valve" });
    await call("read-now");
    expect(status().commands.map(({ command, by, status: code }) => [command, by, code])).toEqual([
      ["read-now", "anna", 200],
      ["empty", "anna", 200],
    ]);
    expect(await ask("audit")).toHaveLength(2);
    await stop();
  });
});

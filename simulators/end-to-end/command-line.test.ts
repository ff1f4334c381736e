/** What a technician types: on a broken file, without an agent, and beside a running station. */
import { chmodSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentStatus, LiveValue } from "@pump-station/agent/status.ts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { textFiles } from "../host/files.ts";
import { wiredStation } from "../run/station-file.ts";
import { type Demo, startDemo } from "./testing/demo.ts";
import { type AtEnd, PATIENCE_MS, PROGRAMS, runProgram, temporaryFolder, until } from "./testing/programs.ts";

const cleanups: (() => Promise<void>)[] = [];
const atEnd: AtEnd = (cleanup) => void cleanups.push(cleanup);
const cleanUp = async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
};
const agent = (...words: string[]) => runProgram(PROGRAMS.agent, ...words);
const demoLake = () => textFiles.read(`${PROGRAMS.catalogue}/stations/demo-lake.yaml`) ?? "";

describe("without an agent", () => {
  afterEach(cleanUp);

  test("check on a broken station file exits 78 and names every problem with its place", async () => {
    const path = join(temporaryFolder(atEnd), "broken.yaml");
    const broken = demoLake()
      .replace("    every: 30s", "    evrey: 30s")
      .replace("    address: 0x76", "    address: 76")
      .replace("    type: sht4x", "    type: sht5x")
      .replace("    pin: 17\n", "");
    writeFileSync(path, broken);
    const { code, out } = await agent("check", path);
    expect(code).toBe(78);
    const lineOf = (text: string) => broken.split("\n").findIndex((line) => line.includes(text)) + 1;
    for (const [text, problem] of [
      ["evrey", /unknown key "evrey"[\s\S]*did you mean "every"/],
      ["address: 76", /0x76/],
      ["sht5x", /sht5x[\s\S]*sht[234]x/],
      ["rain:", /pin/],
    ] as const) {
      const place = `${path}:${lineOf(text)}:`;
      expect(out, out).toContain(place);
      expect(out.slice(out.indexOf(place)).split("\n\n")[0]).toMatch(problem);
    }
    expect(out).toContain("4 problems");
  });

  test("check on the catalogue's station exits 0, so that the codes above tell something", async () => {
    const path = join(temporaryFolder(atEnd), "good.yaml");
    writeFileSync(path, wiredStation(demoLake(), { terminals: "/dev", simulator: "/run/ports.sock" }));
    const { code, out } = await agent("check", path);
    expect(out).toContain("good. Demo lake, north jetty: 4 devices");
    expect(code).toBe(0);
  });

  test("run with an agent.yaml that can't work exits 78 and names each problem with its line", async () => {
    const folder = temporaryFolder(atEnd);
    const path = join(folder, "agent.yaml");
    const good = [
      "format: 1",
      "station: demo-lake",
      "description: station.yaml",
      "data: data",
      "cloud: mqtts://localhost:1",
      "control: control.sock",
    ];
    const run = (...lines: string[]) => {
      writeFileSync(path, `${lines.join("\n")}\n`);
      return agent("run", "--config", path);
    };
    const many = await run(...good.map((line) => line.replace("mqtts://", "https://")), "uplod: 5s", "buffer: 1 kB");
    expect(many.code).toBe(78);
    for (const words of [`${path}:5:1 "cloud"`, `${path}:7:1 "uplod": unknown key`, `${path}:8:1 "buffer"`])
      expect(many.err).toContain(words);

    expect(await run("format: 1", "  station: x")).toMatchObject({
      code: 78,
      err: expect.stringContaining(`${path}:`),
    });
    expect(await agent("run", "--config", join(folder, "none.yaml"))).toMatchObject({
      code: 78,
      err: expect.stringContaining("none.yaml"),
    });
    const noPassword = await run(...good, "password-file: password");
    expect(noPassword).toMatchObject({ code: 78, err: expect.stringContaining(join(folder, "password")) });
    writeFileSync(join(folder, "password"), "of-this-station\n");
    chmodSync(join(folder, "password"), 0o644);
    const readable = await run(...good, "password-file: password");
    expect(readable).toMatchObject({ code: 78, err: expect.stringContaining("chmod 600") });
    expect(readable.err).not.toContain("of-this-station");
  });

  test("a command, an option or a file that there isn't exits 64", async () => {
    for (const words of [["raed"], ["status", "--jsno"], ["check"]]) {
      const { code, err } = await agent(...words);
      expect(code, words.join(" ")).toBe(64);
      expect(err).toContain("pump-station --help");
    }
    expect((await agent("--help")).code).toBe(0);
  });

  test("read, status and send exit 1 and say how an agent is started", async () => {
    const socket = join(temporaryFolder(atEnd), "control.sock");
    for (const command of ["read", "status", "send"]) {
      const { code, out, err } = await agent(command, "--control", socket);
      expect(code, command).toBe(1);
      expect(out).toBe("");
      expect(err).toContain(`${socket}: no agent runs here; start it with: systemctl start pump-station`);
    }
  });
});

describe("beside a running station", { timeout: PATIENCE_MS }, () => {
  let demo: Demo;
  beforeAll(async () => {
    demo = await startDemo(atEnd);
    await until("every device was read", async () =>
      (await demo.status()).devices.every(({ health }) => health === "good") ? true : undefined,
    );
  }, PATIENCE_MS);
  afterAll(cleanUp);

  test("read prints the newest value of every channel with unit and age", async () => {
    const { code, out } = await demo.cli("read");
    expect(code).toBe(0);
    expect(out).toMatch(/^pump\.pressure +\d+(\.\d)? mbar +[\d.]+ s ago +good$/m);
    expect(out).toMatch(/^pump\.state +(idle|pumping|cooling) +[\d.]+ s ago +good$/m);
    expect(out).toMatch(/^climate\.temperature +-?[\d.]+ (°C|Cel) +/m);
    const json = await demo.cli("read", "--json");
    const values = JSON.parse(json.out) as LiveValue[];
    expect(values.length).toBe(out.trim().split("\n").length);
    for (const { ageMs } of values) expect(ageMs).toBeLessThan(20_000);
  });

  test("read of one channel prints that one, and of a wrong one names those that there are", async () => {
    const text = await demo.cli("read", "pump.pressure");
    expect(text).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^pump\.pressure +\S+ mbar +\S+ s ago +good\n$/),
    });
    const json = await demo.cli("read", "pump.pressure", "--json");
    const [value, ...others] = JSON.parse(json.out) as LiveValue[];
    expect(others).toEqual([]);
    expect(value).toMatchObject({ device: "pump", channel: "pressure", unit: "mbar", value: expect.any(Number) });
    const wrong = await demo.cli("read", "pump.presure");
    expect(wrong).toMatchObject({ code: 1, out: "", err: expect.stringContaining("pressure, current") });
  });

  test("status says in words and in JSON what is read, what waits, and that the cloud is reached", async () => {
    const { code, out } = await demo.cli("status");
    expect(code).toBe(0);
    for (const words of [
      /^demo-lake: running for /m,
      /^Description: .*station\.yaml$/m,
      /^ {2}pump +pump-mk2 +every .* good /m,
      /samples wait/,
      /: connected for /,
      /not set by the cloud/,
    ])
      expect(out).toMatch(words);
    const status = JSON.parse((await demo.cli("status", "--json")).out) as AgentStatus;
    expect(status).toMatchObject({
      station: "demo-lake",
      description: { runs: "file", problems: [] },
      uplink: { connected: true },
    });
    expect(status.devices.map(({ device }) => device)).toEqual(["pump", "climate", "cabinet", "rain"]);
    expect(status.settings.map(({ path }) => path)).toContain("devices/pump/target");
  });

  test("send uploads what waits at once, in words and in JSON", async () => {
    const text = await demo.cli("send");
    expect(text).toMatchObject({ code: 0, out: expect.stringMatching(/^sent \d+ messages?, [\d.]+ k?B\n$/) });
    // A pump that is read every few seconds has something to send sooner or later, before the next upload.
    await until("something was sent", async () => {
      const { code, out } = await demo.cli("send", "--json");
      expect(code).toBe(0);
      const { messages, bytes } = JSON.parse(out) as { messages: number; bytes: number };
      return messages > 0 && bytes > 0 ? true : undefined;
    });
  });

  test("show says what a device does and which line says so; of an unknown one it names those that there are", async () => {
    const { stationFile } = demo.layout;
    const { code, out } = await agent("show", "pump", "--file", stationFile);
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}every +5 ?s +.*station\.yaml:\d+/m);
    const json = await agent("show", "pump", "--file", stationFile, "--json");
    expect(JSON.parse(json.out)).toEqual([expect.objectContaining({ title: expect.stringContaining("pump") })]);
    const wrong = await agent("show", "pmup", "--file", stationFile);
    expect(wrong).toMatchObject({ code: 1, out: "", err: expect.stringContaining("pump, climate, cabinet, rain") });
    expect(await agent("show", "bme280", "--file", join(tmpdir(), "no-such-station.yaml"))).toMatchObject({ code: 0 });
  });
});

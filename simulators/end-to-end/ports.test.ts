/** What a technician finds on ports without an agent, and what QA plays from a recording: the built programs, a real pseudo-terminal. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LiveValue } from "@pump-station/agent/status.ts";
import { joined, recordedLine } from "@pump-station/agent/tap/exchanges.ts";
import { parseBusRecording } from "@pump-station/agent/tap/recording.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textFiles } from "../host/files.ts";
import { wiredStation } from "../run/station-file.ts";
import { type Demo, startDemo } from "./testing/demo.ts";
import {
  type AtEnd,
  PATIENCE_MS,
  PROGRAMS,
  runProgram,
  startProgram,
  temporaryFolder,
  until,
  untilSaid,
} from "./testing/programs.ts";

const agent = (...words: string[]) => runProgram(PROGRAMS.agent, ...words);
const cleanups: (() => Promise<void>)[] = [];
const atEnd: AtEnd = (cleanup) => void cleanups.push(cleanup);
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
const demoLake = () => textFiles.read(`${PROGRAMS.catalogue}/stations/demo-lake.yaml`) ?? "";
const simulators = (...words: string[]) => {
  const program = startProgram(PROGRAMS.simulators, words);
  atEnd(async () => {
    program.child.kill("SIGTERM");
    await program.ended;
  });
  return program;
};

describe("without an agent", { timeout: PATIENCE_MS }, () => {
  let folder = "";
  let where: string[] = [];
  beforeAll(async () => {
    folder = temporaryFolder(atEnd);
    const station = join(folder, "station.yaml");
    writeFileSync(station, wiredStation(demoLake(), { terminals: folder, simulator: join(folder, "ports.sock") }));
    where = ["--file", station, "--control", join(folder, "none.sock"), "--config", join(folder, "none.yaml")];
    await untilSaid(simulators("hardware", "--data", folder, "--station", station), /pins: gpio/);
  }, PATIENCE_MS);

  test("scan finds the chips of a bus and the baseboard of a line, and writes a station file that passes check", async () => {
    const file = join(folder, "first.yaml");
    const { code, out, err } = await agent(
      "scan",
      "mast",
      "baseboard",
      "--ping",
      "--only",
      "ask",
      "--write",
      file,
      ...where,
    );
    expect(code, err).toBe(0);
    expect(out).toMatch(/0x76 +bme280 +identified +register D0 says 60/);
    expect(out).toMatch(/0x44 +.*sht4x.* +possible/);
    expect(out).toMatch(/address 1, 115200 8N1 +pump-mk2 +identified/);
    expect(await agent("check", file)).toMatchObject({ code: 0, out: expect.stringContaining("good.") });
    expect(readFileSync(file, "utf8")).toContain("type: pump-mk2");
  });

  test("read asks the devices itself, and says so", async () => {
    const { code, out, err } = await agent("read", "--json", ...where);
    expect(code, err).toBe(0);
    const values = JSON.parse(out) as LiveValue[];
    expect(new Set(values.map(({ device }) => device))).toEqual(new Set(["pump", "climate", "cabinet"]));
    expect(values.filter(({ quality }) => quality !== "good")).toEqual([]);
    expect(err).toContain("No agent runs");
    expect(err).toContain("rain (pulses");
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

  test("scan keeps off ports that the agent holds", async () => {
    const where = ["--file", demo.layout.stationFile, "--control", demo.layout.sockets.control];
    for (const port of ["mast", "baseboard"]) {
      const { code, out, err } = await agent("scan", port, ...where);
      expect([code, out]).toEqual([1, ""]);
      expect(err).toMatch(/the running agent holds it .*[\s\S]*systemctl stop pump-station/);
    }
  });

  test("what was recorded of pump and bus is played, and read as it was", async () => {
    const folder = temporaryFolder(atEnd);
    const [line, bus] = [join(folder, "line.jsonl"), join(folder, "bus.jsonl")];
    const [pump, mast] = await Promise.all([
      demo.cli("record", "pump", line, "--for", "7s"),
      demo.cli("record", "mast", bus, "--for", "12s"),
    ]);
    expect([pump.code, mast.code], pump.err + mast.err).toEqual([0, 0]);
    expect((await demo.status()).devices.map(({ failures }) => failures)).toEqual([0, 0, 0, 0]);
    await demo.stop();

    const [terminal, socket] = [join(folder, "baseboard"), join(folder, "bus.sock")];
    await untilSaid(simulators("replay-bus", line, "--at", terminal), /serial at/);
    await untilSaid(simulators("replay-bus", bus, "--at", socket), /i2c/);
    const station = join(folder, "station.yaml");
    // The conversation with a chip begins with its set-up, which was over when the recording began: only the pump is asked.
    writeFileSync(station, wiredStation(demoLake(), { terminals: folder, simulator: socket }));
    const where = ["--file", station, "--control", join(folder, "none.sock"), "--config", join(folder, "none.yaml")];
    const { out, err } = await agent("read", "pump", "--json", ...where);
    const values = JSON.parse(out) as LiveValue[];
    expect(
      values.every(({ quality }) => quality === "good"),
      out + err,
    ).toBe(true);
    const examples = await agent("record", "--examples", line, "--file", demo.layout.stationFile);
    expect(examples.out).toMatch(/read: status[\s\S]*gives: {2}\{ state: \w+, pressure: [\d.]+, /);
    // Any of them: on a busy machine a retry may have taken the first. The pressure is u16 in 0.1 mbar behind 6 bytes.
    const { exchanges } = recordedLine(parseBusRecording(readFileSync(line, "utf8")).events);
    const pressures = exchanges.map(({ answer }) => Buffer.from(joined(answer)).readUInt16BE(6) / 10);
    expect(pressures).toContain(values.find(({ channel }) => channel === "pressure")?.value);
    expect((await agent("record", "--examples", bus, "--file", station)).out).toContain("the chip at 0x76");
  });
});

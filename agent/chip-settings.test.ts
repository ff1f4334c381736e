/** From the cloud's wish to a register of a chip on I2C, and back: the whole agent over a scripted bus. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAgent } from "./agent.ts";
import { parseConfig } from "./config.ts";
import { createDatabases } from "./linux/sqlite.ts";
import type { AgentStatus } from "./status.ts";
import { createMemoryBridge } from "./testing/memory-bridge.ts";
import { createMemoryFiles } from "./testing/memory-files.ts";
import { createMemoryBroker } from "./testing/memory-mqtt.ts";
import { createMemoryNetwork } from "./testing/memory-network.ts";
import { createScriptedGpio } from "./testing/scripted-gpio.ts";
import { createScriptedI2c } from "./testing/scripted-i2c.ts";
import { createScriptedSerial } from "./testing/scripted-serial.ts";
import { createSimulatedTime } from "./testing/simulated-time.ts";

const CONFIG = parseConfig(
  "agent.yaml",
  "format: 1\nstation: demo-lake\ndescription: /station.yaml\ndata: /data\ncloud: mqtts://broker:8883\nupload-interval: 5s",
);
const TYPE = readFileSync(join(import.meta.dirname, "../sensor-descriptions/sensors/tmp102-alert.yaml"), "utf8");
const STATION = `format: 1
station: demo-lake
ports:
  mast:
    i2c: /dev/i2c-1
devices:
  cabinet:
    type: tmp102-alert
    port: mast
    every: 10s
`;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "agent-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** TMP102: 16 bits behind a pointer; 80 and 75 °C after power on. */
function createChip() {
  const afterPowerOn = [0x1900, 0x60a0, 0x4b00, 0x5000];
  const chip = { registers: [...afterPowerOn], writes: [] as string[], isAway: false, ignores: false };
  let pointer = 0;
  return {
    chip,
    powerOff: () => (chip.registers = [...afterPowerOn]),
    answer: (write: Uint8Array, readLength: number): Uint8Array | "nack" => {
      if (chip.isAway) return "nack";
      pointer = write[0] ?? pointer;
      if (write.length === 3 && pointer > 1) chip.writes.push(Buffer.from(write).toString("hex"));
      if (write.length === 3 && !chip.ignores) chip.registers[pointer] = ((write[1] ?? 0) << 8) | (write[2] ?? 0);
      const word = chip.registers[pointer] ?? 0;
      return Uint8Array.of(word >> 8, word & 0xff).slice(0, readLength);
    },
  };
}

function createBench() {
  const time = createSimulatedTime();
  const files = createMemoryFiles();
  const broker = createMemoryBroker(time);
  const far = createMemoryBridge(broker, "demo-lake");
  const i2c = createScriptedI2c();
  const device = createChip();
  i2c.chips.set(0x48, device.answer);
  files.write("/types/tmp102-alert.yaml", TYPE);
  files.write("/station.yaml", STATION);
  const stop = new AbortController();
  const deps = {
    ...time,
    files,
    chance: { fraction: () => 0.5, bytes: (count: number) => new Uint8Array(count).fill(7) },
    databases: createDatabases(),
    mqtt: broker.clients,
    log: () => {},
    ports: { serial: createScriptedSerial(time, () => []), i2c: () => i2c, gpio: () => createScriptedGpio() },
    network: createMemoryNetwork(),
    resources: () => ({ rssBytes: 0, cpuMs: 0 }),
  };
  const places = { description: "/station.yaml", deviceFolders: ["/types"], data: folder, version: "1" };
  const agent = createAgent(deps, CONFIG, places);
  const ended = agent.run(stop.signal);
  return {
    time,
    far,
    ...device,
    status: () => agent.handlers["status"]?.({}) as AgentStatus,
    end: async () => {
      stop.abort();
      await time.advance(10_000);
      await ended;
    },
  };
}

/** What was stored last. */
const reportedBy = ({ reports }: { readonly reports: readonly unknown[] }): unknown => reports.at(-1);

describe("a chip's setting from the cloud", () => {
  it("is written once, read back and reported, and its neighbour is left alone", async () => {
    const { time, far, chip, end } = createBench();
    await time.advance(5_000);
    far.setDesired({ devices: { cabinet: { "alert-above": 50 } } });
    await time.advance(60_000);
    expect(chip.writes).toEqual(["033200"]);
    expect(chip.registers.slice(2)).toEqual([0x4b00, 0x3200]);
    expect(reportedBy(far)).toMatchObject({ devices: { cabinet: { "alert-above": { value: 50, ac: 200 } } } });
    await end();
  });

  it("isn't written when it is so already", async () => {
    const { time, far, chip, end } = createBench();
    far.setDesired({ devices: { cabinet: { "alert-above": 80 } } });
    await time.advance(60_000);
    expect(chip.writes).toEqual([]);
    expect(reportedBy(far)).toMatchObject({ devices: { cabinet: { "alert-above": { value: 80, ac: 200 } } } });
    await end();
  });

  it("is set again when the chip lost it with its power", async () => {
    const { time, far, chip, powerOff, end } = createBench();
    far.setDesired({ devices: { cabinet: { "alert-above": 50 } } });
    await time.advance(60_000);
    chip.isAway = true;
    await time.advance(120_000);
    powerOff();
    chip.isAway = false;
    await time.advance(600_000);
    expect(chip.writes).toEqual(["033200", "033200"]);
    expect(chip.registers[3]).toBe(0x3200);
    await end();
  });

  it("that the chip ignores is refused with what it reads back", async () => {
    const { time, far, chip, end } = createBench();
    chip.ignores = true;
    far.setDesired({ devices: { cabinet: { "alert-above": 50 } } });
    await time.advance(30_000);
    expect(chip.writes).toEqual(["033200"]);
    expect(reportedBy(far)).toMatchObject({ devices: { cabinet: { "alert-above": { value: 80 } } } });
    expect(JSON.stringify(reportedBy(far))).toMatch(/acknowledged every transfer; it reads back 80/);
    await end();
  });

  it("beyond its range or between its steps never reaches the bus", async () => {
    const { time, far, chip, end } = createBench();
    far.setDesired({ devices: { cabinet: { "alert-above": 126, "alert-until": 20.3 } } });
    await time.advance(60_000);
    expect(chip.writes).toEqual([]);
    await end();
  });
});

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import type { SerialProtocol } from "@pump-station/sensor-descriptions/model.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAgent } from "../agent.ts";
import { parseConfig } from "../config.ts";
import { createDatabases } from "../linux/sqlite.ts";
import { createMemoryFiles } from "../testing/memory-files.ts";
import { createMemoryBroker } from "../testing/memory-mqtt.ts";
import { createMemoryNetwork } from "../testing/memory-network.ts";
import { createScriptedGpio } from "../testing/scripted-gpio.ts";
import { createScriptedI2c } from "../testing/scripted-i2c.ts";
import { createScriptedSerial } from "../testing/scripted-serial.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import type { CliDeps } from "./command.ts";
import { explain } from "./explain.ts";

const fileOf = (name: string): string =>
  readFileSync(join(import.meta.dirname, "../../sensor-descriptions", name), "utf8");
const PUMP = fileOf("boards/pump-mk2.yaml");
const STATION = `format: 1
station: demo-lake
ports:
  baseboard:
    serial: /dev/line
  mast:
    i2c: /dev/i2c-1
devices:
  air:
    type: lm75
    port: mast
    address: 0x48
    every: 10s
  pump:
    type: pump-mk2
    port: baseboard
    address: 1
    every: 10s
    correct:
      temperature: -0.4 °C
    small-change:
      temperature: 0.2 °C
      pressure: 5 mbar
    filter:
      temperature:
        - median: 30s
`;
const CONFIG = parseConfig(
  "agent.yaml",
  "format: 1\nstation: demo-lake\ndescription: /station.yaml\ndata: /data\ncloud: mqtts://broker:8883\nupload-interval: 15min",
);

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "explain-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An agent whose pump answers with these values, and the command line beside it. */
async function bench() {
  const { type } = loadDeviceType({ path: "/types/pump-mk2.yaml", text: PUMP });
  const protocol = type?.protocol(new Map()) as SerialProtocol;
  const values = new Map([
    ["state", 1],
    ["pressure", 812.5],
    ["current", 11.42],
    ["temperature", 41.3],
    ["cycles", 20417],
    ["target", 1000],
  ]);
  const pump = { values, isSilent: false, isDamaged: false };
  const time = createSimulatedTime();
  const files = createMemoryFiles();
  files.write("/types/pump-mk2.yaml", PUMP);
  files.write("/types/lm75.yaml", fileOf("sensors/lm75.yaml"));
  files.write("/station.yaml", STATION);
  const i2c = createScriptedI2c();
  i2c.chips.set(0x48, (_write, length) => Uint8Array.of(0x19, 0x7f).subarray(0, length));
  const device = protocol.deviceSide(1);
  const serial = createScriptedSerial(time, (request) => {
    const [heard] = device.push(request);
    if (pump.isSilent || heard?.kind !== "read") return [];
    const bytes = heard.answer(pump.values);
    if (pump.isDamaged) bytes[5] = 3;
    return [{ afterMs: 5, bytes }];
  });
  const stop = new AbortController();
  const agent = createAgent(
    {
      ...time,
      files,
      chance: { fraction: () => 0.5, bytes: (count) => new Uint8Array(count).fill(7) },
      databases: createDatabases(),
      network: createMemoryNetwork(),
      mqtt: createMemoryBroker(time).clients,
      log: () => {},
      ports: { serial, i2c: () => i2c, gpio: () => createScriptedGpio() },
      resources: () => ({ rssBytes: 0, cpuMs: 0 }),
    },
    CONFIG,
    { description: "/station.yaml", deviceFolders: ["/types"], data: folder, version: "1" },
  );
  const ended = agent.run(stop.signal);
  const said = { out: "", err: "" };
  const deps = {
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    colour: false,
    files,
    catalogue: ["/types"],
    connectControl: async () => ({
      ask: async (ask: string, parameters = {}) =>
        JSON.parse(JSON.stringify(agent.handlers[ask]?.(parameters))) as unknown,
      close: () => {},
    }),
  } as unknown as CliDeps;
  const live = async (name = "pump", json = false): Promise<string> => {
    said.out = said.err = "";
    await explain(deps, name, { file: "/station.yaml", devices: [], control: "/s", json, live: true });
    return `\n${said.out}${said.err}`;
  };
  const close = async (): Promise<void> => {
    stop.abort();
    await time.advance(120_000);
    await ended;
  };
  return { time, pump, i2c, live, close, files };
}

describe("explain --live", () => {
  it("shows the newest exchange, and the way of each value to its decision, to disk and to the cloud", async () => {
    const { time, pump, live, close } = await bench();
    await time.advance(15_000);
    pump.values.set("temperature", 41.8).set("pressure", 813);
    await time.advance(30_000);
    expect(await live()).toMatchInlineSnapshot(`
      "
      sent 6 s ago for "read status"
      request "read status"
         0  55 AA  start    as described
         2  01     address  1: this device
         3  01     length   1: counts the body's bytes
         4  01     request  the request "read status"
         5  E0 50  check    CRC-16/MODBUS over address to body (bytes 2 to 4), low
                            byte first: right

      heard 6 s ago: answer
      answer to "read status"
         0  55 AA        start        as described
         2  01           address      1: this device
         3  0E           length       14: counts the body's bytes
         4  81           answer       81 begins the answer to "read status"
         5  01           state        pumping (1)
         6  1F C2        pressure     8130 × 0.1 = 813 mbar
         8  04 76        current      1142 × 0.01 = 11.42 A
        10  01 A2        temperature  418 × 0.1 = 41.8 °C
        12  00 00 4F C1  cycles       20417
        16  27 10        target       10000 × 0.1 = 1000 mbar
        18  40 91        check        CRC-16/MODBUS over address to body (bytes 2 to
                                      17), low byte first: right

      what became of it, 6 s ago:
        state
          read       pumping
          kept?      no, unchanged: pumping after pumping, the last one kept, of 45s
                     ago
        pressure
          read       813 mbar
          plausible  yes: within 0 to 1500
          kept?      no, unchanged: it differs by 0.5 mbar, less than 5 mbar, from the
                     last one kept, 812.5 mbar of 45s ago
        current
          read       11.42 A
          plausible  yes: within 0 to 30
          kept?      no, unchanged: 11.42 A after 11.42 A, the last one kept, of 45s
                     ago
        temperature
          read       41.8 °C
          corrected  − 0.4 °C: 41.4 °C (/station.yaml:19)
          plausible  yes: within -40 to 125
          filter     median over 30s: 41.4 °C
          kept?      yes: it differs by 0.25 °C, at least 0.2 °C, from the last one
                     kept, 41.15 °C of 16s ago
        cycles
          read       20417
          kept?      no, unchanged: 20417 after 20417, the last one kept, of 45s ago
        target
          read       1000 mbar
          kept?      no, unchanged: 1000 mbar after 1000 mbar, the last one kept, of
                     45s ago

      kept readings: number 3 is the newest on disk (epoch 0707070707070707)
      upload: lane normal, due in 7 min; alarms go at once

      alarms:
        too-hot (critical): not active, begins when temperature above 85 °C, for 10 s:
        temperature 41.4 Cel → not so
        fault (critical): not active, begins when state is fault: state pumping → not
        so
      "
    `);
    await close();
  });

  it("shows what was heard although it was no answer, and that nothing was heard", async () => {
    const { time, pump, live, close } = await bench();
    pump.isDamaged = true;
    await time.advance(15_000);
    expect(await live()).toMatch(/heard .* ago: checksum: .*\nanswer to "read status", with a wrong check/);
    pump.isSilent = true;
    await time.advance(10_000);
    expect(await live()).toMatch(/sent .* ago for "read status"; nothing was heard: timeout: no byte within 100 ms/);
    await close();
  });

  it("shows the transfers of a chip, those of its preparation first, and a bus that fails", async () => {
    const { time, i2c, live, close } = await bench();
    await time.advance(25_000);
    const text = await live("air");
    expect(text).toContain("a measurement in 2 transfers");
    expect(text).toContain("   0  19 7F  raw_t  bits 7 to 15: 50 × 0.5 = 25\n");
    expect(text).toContain("temperature = raw_t = 25 °C\n");
    i2c.chips.clear();
    await time.advance(10_000);
    expect(await live("air")).toMatch(/^transfers that ended .* ago; the last one failed: .*nack/m);
    await close();
  });

  it("says when the file is another one than what runs, and speaks JSON", async () => {
    const { time, live, close, files } = await bench();
    await time.advance(15_000);
    expect(await live()).not.toContain("differs from the file");
    files.write("/station.yaml", STATION.replace("every: 10s", "every: 20s"));
    expect(await live()).toContain("what runs differs from the file");
    expect(JSON.parse(await live("pump", true))).toMatchObject({
      device: "pump",
      explained: [{}, { values: { state: 1 } }],
    });
    await close();
  });
});

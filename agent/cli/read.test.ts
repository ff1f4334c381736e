import { describe, expect, it } from "vitest";
import type { LiveValue } from "../status.ts";
import { createCliBench } from "../testing/cli-bench.ts";

const value = (more: Partial<LiveValue> = {}): LiveValue => ({
  device: "pump",
  channel: "pressure",
  unit: "mbar",
  value: 812.5,
  ageMs: 1_000,
  quality: "good",
  ...more,
});

const STATION = `format: 1
station: demo
ports:
  mast:
    i2c: /dev/i2c-1
  line:
    serial: /dev/ttyUSB0
  pins:
    gpio: pinctrl
devices:
  board:
    type: lm75
    port: mast
    address: 0x48
  rain:
    type: tipping-bucket
    port: pins
    pin: 17
    per-pulse: 0.2 mm
  valve:
    type: relay
    port: pins
    pin: 18
  pump:
    type: pump-mk2
    port: line
    paused: "spare part ordered"
`;

const withStation = () => {
  const bench = createCliBench();
  bench.files.write("/etc/pump-station/station.yaml", STATION);
  // LM75: 25 °C is 0x1900.
  bench.i2c.chips.set(0x48, (_, length) => (length === 2 ? Uint8Array.of(0x19, 0) : new Uint8Array(length)));
  return bench;
};

describe("read from the agent", () => {
  it("prints value, unit, age and quality, with colours only where the terminal wants them", async () => {
    const bench = createCliBench();
    bench.agent = () => [value(), value({ channel: "flow", value: null, missing: "timeout", quality: "timeout" })];
    expect(await bench.run(["read"])).toBe(0);
    expect(bench.out).toMatch(/^pump\.pressure +812\.5 mbar +1 s ago +good$/m);
    expect(bench.out).toMatch(/^pump\.flow +no value: timeout +1 s ago +timeout$/m);
    expect(bench.out).not.toContain("\u001b");
    bench.colour = true;
    await bench.run(["read"]);
    expect(bench.out).toContain("\u001b[31mtimeout\u001b[0m");
  });

  it("repaints in place on a terminal", async () => {
    const bench = createCliBench();
    bench.columns = 80;
    bench.agent = () => [value(), value({ channel: "flow" })];
    await bench.run(["read", "--watch"], 2_500);
    expect(bench.out.split("\u001b[2A\u001b[J").length).toBe(3);
  });

  it("prints a line only for what changes where nobody repaints, and an array a round for programs", async () => {
    const bench = createCliBench();
    let pressure = 812.5;
    bench.agent = () => [value({ value: (pressure += 0.5) }), value({ channel: "flow", value: 3 })];
    await bench.run(["read", "--watch"], 2_500);
    expect(bench.out.trim().split("\n")).toEqual([
      "pump.pressure  813 mbar  good",
      "pump.flow  3 mbar  good",
      "pump.pressure  813.5 mbar  good",
      "pump.pressure  814 mbar  good",
    ]);
    const programs = createCliBench();
    programs.agent = () => [value()];
    await programs.run(["read", "--watch", "--json"], 1_500);
    const rounds = programs.out.trim().split("\n");
    expect(rounds.length).toBe(2);
    expect(rounds.every((round) => Array.isArray(JSON.parse(round)))).toBe(true);
  });
});

describe("read without an agent", () => {
  it("asks the devices itself and says so, but counts no pulses and switches no output", async () => {
    const bench = withStation();
    expect(await bench.run(["read"])).toBe(0);
    expect(bench.out).toMatch(/^board\.temperature +25 °C +0 s ago +good$/m);
    expect(bench.err).toContain("No agent runs: /etc/pump-station/station.yaml is asked here and now.");
    expect(bench.err).toMatch(
      /Left out: rain \(pulses.*\), valve \(.*switch it\), pump \(paused: spare part ordered\)/,
    );
    expect([bench.gpio.open, bench.gpio.driven, bench.serial.opened]).toEqual([0, [], 0]);
  });

  it("asks again each second while watched, and closes its ports at Ctrl-C", async () => {
    const bench = withStation();
    const running = bench.run(["read", "board", "--watch", "--json"]);
    await bench.time.advance(3_500);
    bench.interrupt();
    expect(await running).toBe(0);
    expect(bench.out.trim().split("\n").length).toBeGreaterThanOrEqual(3);
  });

  it("says why a device gives nothing, in the port's words", async () => {
    const bench = withStation();
    bench.i2c.failure = "denied";
    expect(await bench.run(["read", "board", "--json"])).toBe(0);
    expect(JSON.parse(bench.out)).toMatchObject([{ value: null, missing: "port-absent", quality: "port-absent" }]);
    expect(bench.err).toContain("board: open /dev/i2c-1: denied");
  });

  it("opens nothing while an agent has the data folder", async () => {
    const bench = withStation();
    bench.isFolderHeld = true;
    bench.files.write(
      "/etc/pump-station/agent.yaml",
      "format: 1\nstation: x\ndescription: s.yaml\ndata: data\ncloud: mqtt://localhost:1\ncontrol: c.sock\n",
    );
    expect(await bench.run(["read"])).toBe(1);
    expect(bench.err).toContain("an agent runs on /etc/pump-station/data");
    expect(bench.i2c.opened).toBe(0);
  });

  it("names the devices that there are when that one isn't", async () => {
    const bench = withStation();
    expect(await bench.run(["read", "boat"])).toBe(1);
    expect(bench.err).toContain("board, rain, valve, pump");
  });

  it("says how an agent is started when there is no station file either", async () => {
    const bench = createCliBench();
    expect(await bench.run(["read"])).toBe(1);
    expect(bench.err).toContain("no agent runs here; start it with: systemctl start pump-station");
    expect(bench.err).toContain("there is no such file");
  });
});

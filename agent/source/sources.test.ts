import type { Device, Port, Station } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { missing } from "../reading.ts";
import { createScriptedGpio } from "../testing/scripted-gpio.ts";
import { createScriptedI2c } from "../testing/scripted-i2c.ts";
import { createScriptedSerial } from "../testing/scripted-serial.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createSmallDevice, createSmallDeviceSide } from "../testing/small-protocol.ts";
import type { Ports } from "../world.ts";
import { createSources } from "./sources.ts";

function createBench(devices: readonly Device[]) {
  const time = createSimulatedTime();
  const far = createSmallDeviceSide();
  const serial = createScriptedSerial(time, (request) => [{ afterMs: 1, bytes: far.hear(request)! }]);
  const asked: (string | undefined)[] = [];
  const i2c = createScriptedI2c();
  const ports: Ports = {
    serial,
    i2c: (simulator) => {
      asked.push(simulator);
      return i2c;
    },
    gpio: () => createScriptedGpio(),
  };
  const totals = { loadTotal: () => 0, saveTotal: () => {} };
  const port = (name: string, kind: Port["kind"]): [string, Port] => [
    name,
    { name, kind, path: name, simulator: "/sim" },
  ];
  const station: Station = {
    name: "test",
    label: "",
    timeZone: "UTC",
    ports: new Map([port("line", "serial"), port("mast", "i2c")]),
    devices,
    hash: "",
  };
  const made = createSources({ ports, clock: time.clock, timers: time.timers, log: () => {}, totals }, station);
  return { time, serial, asked, ...made };
}

const chip: Device = {
  ...createSmallDevice({ name: "climate", port: "mast" }),
  protocol: {
    kind: "i2c",
    readLengthMax: 1,
    *prepare() {
      return new Map();
    },
    *measure() {
      yield { do: "transfer", write: Uint8Array.of(), readLength: 1 };
      return new Map();
    },
  },
};

describe("the sources of a station", () => {
  it("share a port between its devices, and leave out what is paused", () => {
    const devices = [
      createSmallDevice(),
      createSmallDevice({ name: "two" }),
      createSmallDevice({ name: "off", paused: "x" }),
    ];
    expect([...createBench(devices).sources.keys()]).toEqual(["pump", "two"]);
  });

  it("open a shared line once, and close it", async () => {
    const bench = createBench([createSmallDevice(), createSmallDevice({ name: "two" })]);
    const { sources, time, serial } = bench;
    const polling = Promise.all([...sources.values()].map((source) => source.poll()));
    await time.advance(1_000);
    expect((await polling).map(({ values }) => values)).toEqual([
      [50, 0, 100],
      [50, 0, 100],
    ]);
    expect(serial.opened).toBe(1);
    await bench.close();
    await expect(sources.get("pump")!.poll()).resolves.toMatchObject({ values: [{}, {}, {}] });
    expect(serial.opened).toBe(1);
  });

  it("of a port that fails fail alone", async () => {
    const { sources, time, serial, asked } = createBench([createSmallDevice(), chip]);
    serial.failure = "absent";
    const polling = Promise.all([...sources.values()].map((source) => source.poll()));
    await time.advance(1_000);
    const [pump, climate] = await polling;
    expect(pump!.values[0]).toEqual(missing("port-absent"));
    expect(climate!.values[0]).toEqual(missing("nack"));
    expect(asked).toEqual(["/sim"]);
  });

  it("are closed, all of them, also when one can't be", async () => {
    const bench = createBench([createSmallDevice(), chip]);
    const polling = Promise.all([...bench.sources.values()].map((source) => source.poll()));
    await bench.time.advance(1_000);
    await polling;
    bench.sources.get("climate")!.close = () => Promise.reject(new Error("EINVAL: unexport"));
    await bench.close();
    bench.serial.say(Uint8Array.of(1));
    await expect(bench.sources.get("pump")!.poll()).resolves.toMatchObject({ values: [{}, {}, {}] });
  });

  it("refuse a port that the station hasn't, by the device's place", () => {
    expect(() => createBench([createSmallDevice({ port: "nowhere" })])).toThrow("station.yaml:1");
  });
});

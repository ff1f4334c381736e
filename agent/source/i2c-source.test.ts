import { createChecksum } from "@pump-station/sensor-descriptions/checksum/checksum.ts";
import { loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import { I2cAnswerError, type I2cProtocol } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { missing } from "../reading.ts";
import { createScriptedI2c } from "../testing/scripted-i2c.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createSmallDevice } from "../testing/small-protocol.ts";
import { type I2cBus, PortError, type Ports } from "../world.ts";
import { createI2cPort } from "./i2c-port.ts";
import { createI2cSource, type I2cDevice } from "./i2c-source.ts";

/** Register 0xD0 identifies, 0x88 holds the factor, 0xF4 triggers, 0xF7 gives the value and its complement. */
const protocol: I2cProtocol = {
  kind: "i2c",
  readLengthMax: 2,
  *prepare() {
    const id = yield { do: "transfer", write: Uint8Array.of(0xd0), readLength: 1 };
    if (id[0] !== 0x60) throw new I2cAnswerError("malformed", "identify: not 0x60");
    const factor = yield { do: "transfer", write: Uint8Array.of(0x88), readLength: 1 };
    return new Map([["factor", factor[0]!]]);
  },
  *measure(constants) {
    yield { do: "transfer", write: Uint8Array.of(0xf4, 1), readLength: 0 };
    yield { do: "wait", ms: 40 };
    const read = yield { do: "transfer", write: Uint8Array.of(0xf7), readLength: 2 };
    if (read[1] === 0xfe) throw new I2cAnswerError("busy", "measure: status 254 means busy");
    if (read[1] === 2) throw new I2cAnswerError("refused", "measure: status 2 means refused", 2);
    if (read[0]! + read[1]! !== 255) throw new I2cAnswerError("checksum", "measure: complement");
    return new Map([["level", read[0]! * constants.get("factor")!]]);
  },
};

function createBench(earlyMs = 0) {
  const time = createSimulatedTime();
  const timers = { ...time.timers, sleep: (ms: number) => time.timers.sleep(ms - Math.min(earlyMs, ms / 2)) };
  const i2c = createScriptedI2c();
  const chip = { id: 0x60, factor: 3, value: 7, complement: 248 };
  i2c.chips.set(0x76, (write) => {
    if (write[0] === 0xd0) return Uint8Array.of(chip.id);
    if (write[0] === 0x88) return Uint8Array.of(chip.factor);
    return write[0] === 0xf7 ? Uint8Array.of(chip.value, chip.complement) : new Uint8Array(0);
  });
  const ports = { i2c: () => i2c } as unknown as Ports;
  const deps = { ports, clock: time.clock, timers, log: () => {} };
  const small = createSmallDevice();
  const device: I2cDevice = { ...small, address: 0x76, protocol, channels: small.channels.slice(0, 1) };
  const port = createI2cPort(deps, { name: "mast", path: "/dev/i2c-1" });
  const source = createI2cSource(deps, device, port);
  const poll = async () => {
    const polling = source.poll();
    await time.advance(200);
    return (await polling).values;
  };
  const prepared = () => i2c.transfers.filter(({ write }) => write[0] === 0xd0).length;
  return { time, i2c, chip, source, poll, prepared };
}

describe("a chip on I2C", () => {
  it("is never asked before it is ready, though timers may come early", async () => {
    const { poll, time, source } = createBench(5);
    await poll();
    const startMs = time.clock.bootMs();
    const polling = source.poll();
    await time.advance(200);
    expect((await polling).bootMs - startMs).toBeGreaterThanOrEqual(40);
  });

  it("is prepared once and then measured, waiting on the timers", async () => {
    const { poll, prepared, time, source } = createBench();
    expect(await poll()).toEqual([21]);
    expect(await poll()).toEqual([21]);
    expect(prepared()).toBe(1);
    const startMs = time.clock.bootMs();
    const polling = source.poll();
    await time.advance(100);
    expect((await polling).bootMs - startMs).toBe(40);
  });

  it("is prepared again after it was away, since it may have lost its power", async () => {
    const { poll, prepared, i2c, chip } = createBench();
    await poll();
    const answering = i2c.chips.get(0x76)!;
    i2c.chips.delete(0x76);
    expect(await poll()).toEqual([missing("nack")]);
    i2c.chips.set(0x76, answering);
    chip.factor = 4;
    expect(await poll()).toEqual([28]);
    expect(prepared()).toBe(2);
  });

  it("whose bytes are wrong is named by what is wrong", async () => {
    const { poll, chip, source } = createBench();
    chip.complement = 0;
    expect(await poll()).toEqual([missing("checksum")]);
    chip.id = 1;
    expect(await poll()).toEqual([missing("malformed")]);
    expect(source.health()).toMatchObject({ polls: 2, good: 0, checksumErrors: 1 });
  });

  it("that says itself that it has nothing is believed, with its own number of a refusal", async () => {
    const { poll, chip } = createBench();
    chip.complement = 0xfe;
    expect(await poll()).toEqual([missing("busy")]);
    chip.complement = 2;
    expect(await poll()).toEqual([missing("refused", 2)]);
  });

  it("on a bus that hangs, is busy or absent gets the bus's reason", async () => {
    const { poll, i2c } = createBench();
    i2c.chips.set(0x76, () => "stuck");
    expect(await poll()).toEqual([missing("timeout")]);
    i2c.chips.set(0x76, () => "busy");
    expect(await poll()).toEqual([missing("busy")]);
    i2c.failure = "absent";
    expect(await poll()).toEqual([missing("port-absent")]);
  });

  it("comes back when the bus does", async () => {
    const { poll, i2c } = createBench();
    i2c.failure = "absent";
    expect(await poll()).toEqual([missing("port-absent")]);
    i2c.failure = undefined;
    expect(await poll()).toEqual([21]);
  });

  it("opens a bus that went away anew, and one that merely hung not", async () => {
    const { poll, i2c } = createBench();
    await poll();
    i2c.failure = "stuck";
    await poll();
    i2c.failure = "absent";
    await poll();
    i2c.failure = undefined;
    expect(await poll()).toEqual([21]);
    expect(i2c.opened).toBe(2);
  });

  it("refuses settings and commands that it doesn't have", async () => {
    const { source } = createBench();
    expect(await source.set("target", 1)).toMatchObject({ done: "refused" });
    expect(await source.command("stop")).toMatchObject({ done: "refused" });
  });
});

/** A thermometer: register 01 takes the mode (0 after power on: converts nothing), 00 gives the temperature, 39 heats. */
const THERMOMETER = `format: 1
type: thermometer
source: "test"
protocol: i2c
every: 10s
identify:
  - { write: "0F", expect: "B1" }
set-up:
  - write: "01 60"
measure:
  - { write: "00", read: 3, crc8: { name: CRC-8/NRSC-5, every: 2 }, fields: { raw: { byte: 0, as: i16 } } }
channels:
  temperature: { field: raw, unit: °C, resolution: 1 }
commands:
  heat:
    steps: [{ write: "39" }]
    only-when: temperature below 40 °C
    confirm: temperature above 30 °C
    within: 1s
  reset:
    steps: [{ write: "06" }]
`;

function createThermometer() {
  const time = createSimulatedTime();
  const i2c = createScriptedI2c();
  const chip = { mode: 0, temperature: 21, heats: true };
  const powerOff = (): void => {
    chip.mode = 0;
    chip.temperature = 21;
  };
  const crc8 = createChecksum({ kind: "crc", name: "CRC-8/NRSC-5" });
  const answer = (write: Uint8Array): Uint8Array => {
    if (write[0] === 0x0f) return Uint8Array.of(0xb1);
    if (write[0] === 0x01) chip.mode = write[1]!;
    if (write[0] === 0x06) powerOff();
    if (write[0] === 0x39 && chip.heats) chip.temperature = 35;
    if (write[0] !== 0x00) return new Uint8Array();
    // An unconfigured chip answers, too: with what stands in its registers after power on.
    const word = chip.mode === 0x60 ? [0, chip.temperature] : [0, 0];
    return Uint8Array.of(...word, chip.mode === 0x60 ? crc8.of(Uint8Array.from(word)) : 0);
  };
  i2c.chips.set(0x44, answer);
  const logged: string[] = [];
  const deps = {
    ports: { i2c: () => i2c } as unknown as Ports,
    clock: time.clock,
    timers: time.timers,
    log: (_level: string, event: string) => void logged.push(event),
  };
  const { type, problems } = loadDeviceType({ path: "thermometer.yaml", text: THERMOMETER });
  if (!type) throw new Error(problems.map(({ message }) => message).join("\n"));
  const protocol = type.protocol(new Map([["address", 0x44]])) as I2cProtocol;
  const { channels, commands } = type;
  const port = createI2cPort(deps, { name: "mast", path: "/dev/i2c-1" });
  const sourceAt = (address: number) =>
    createI2cSource(deps, { ...createSmallDevice(), address, protocol, channels, commands }, port);
  const settled = async <T>(work: Promise<T>): Promise<T> => {
    await time.advance(3_000);
    return work;
  };
  const source = sourceAt(0x44);
  const poll = async (from = source) => (await settled(from.poll())).values;
  return { time, i2c, chip, answer, powerOff, source, sourceAt, poll, settled, logged };
}

describe("a described chip", () => {
  it("that lost its power and came back with its first registers is set up again", async () => {
    const { poll, powerOff, i2c, answer } = createThermometer();
    expect(await poll()).toEqual([21]);
    powerOff();
    // Its registers hold zeros now, and the check byte of nothing is not zero.
    expect(await poll()).toEqual([missing("checksum")]);
    expect(await poll()).toEqual([21]);
    // Away in the middle of a measurement, another time.
    i2c.chips.set(0x44, (write) => (write[0] === 0 ? "nack" : answer(write)));
    expect(await poll()).toEqual([missing("nack")]);
    powerOff();
    i2c.chips.set(0x44, answer);
    expect(await poll()).toEqual([21]);
  });

  it("on a wedged bus times out, its neighbour is told busy at once, and both come back; it is logged once", async () => {
    const { poll, i2c, answer, logged, sourceAt } = createThermometer();
    const neighbour = sourceAt(0x45);
    i2c.chips.set(0x45, answer);
    expect(await poll(neighbour)).toEqual([21]);
    i2c.chips.set(0x44, () => "stuck");
    i2c.chips.set(0x45, () => "busy");
    expect(await poll()).toEqual([missing("timeout")]);
    expect(await poll()).toEqual([missing("timeout")]);
    expect(await poll(neighbour)).toEqual([missing("busy")]);
    expect(logged.filter((event) => event === "bus-stuck")).toHaveLength(1);
    i2c.chips.set(0x44, answer);
    i2c.chips.set(0x45, answer);
    expect(await poll(neighbour)).toEqual([21]);
    expect(await poll()).toEqual([21]);
    expect(logged.at(-1)).toBe("bus-free");
  });
});

describe("a command to a chip", () => {
  it("is sent once and confirmed by measuring", async () => {
    const { source, settled, i2c } = createThermometer();
    expect(await settled(source.command("heat"))).toEqual({ done: "confirmed", reason: "temperature above 30 °C" });
    expect(i2c.transfers.filter(({ write }) => write[0] === 0x39)).toHaveLength(1);
  });

  it("whose effect doesn't show is unknown, and not sent again", async () => {
    const { source, settled, i2c, chip } = createThermometer();
    chip.heats = false;
    expect(await settled(source.command("heat"))).toMatchObject({
      done: "unknown",
      reason: expect.stringMatching(/did not hold within 1000 ms/),
    });
    expect(i2c.transfers.filter(({ write }) => write[0] === 0x39)).toHaveLength(1);
  });

  it("is held back by its interlock, by a missing value, and by a chip that isn't there", async () => {
    const { source, settled, i2c, chip } = createThermometer();
    chip.temperature = 45;
    expect(await settled(source.command("heat"))).toMatchObject({
      done: "interlocked",
      reason: expect.stringMatching(/does not hold/),
    });
    i2c.chips.set(0x44, () => "nack");
    expect(await settled(source.command("heat"))).toMatchObject({
      done: "interlocked",
      reason: expect.stringMatching(/can't be judged/),
    });
    expect(await settled(source.command("reset"))).toMatchObject({
      done: "interlocked",
      reason: expect.stringMatching(/prepare/),
    });
    expect(i2c.transfers.some(({ write }) => write[0] === 0x39)).toBe(false);
  });

  it("that fails on its way is unknown, and the chip is set up again afterwards", async () => {
    const { source, settled, i2c, answer, poll } = createThermometer();
    await poll();
    i2c.chips.set(0x44, (write) => (write[0] === 0x06 ? "nack" : answer(write)));
    expect(await settled(source.command("reset"))).toMatchObject({ done: "unknown" });
    i2c.chips.set(0x44, answer);
    expect(await settled(source.command("reset"))).toMatchObject({ done: "answered" });
    expect(await poll()).toEqual([21]);
  });
});

describe("an I2C bus", () => {
  it("carries one transfer at a time, and is free while a chip converts", async () => {
    let inFlight = 0;
    let inFlightMax = 0;
    const time = createSimulatedTime();
    const bus: I2cBus = {
      transfer: async (_address, _write, readLength) => {
        inFlightMax = Math.max(inFlightMax, ++inFlight);
        await time.timers.sleep(1);
        inFlight--;
        return new Uint8Array(readLength);
      },
      close: async () => {},
    };
    const ports = { i2c: () => ({ open: async () => bus }) } as unknown as Ports;
    const port = createI2cPort({ ports, log: () => {} }, { name: "mast", path: "/dev/i2c-1" });
    const step = { do: "transfer", write: Uint8Array.of(1), readLength: 1 } as const;
    const all = Promise.all([1, 2, 3, 4].map((address) => port.transfer(address, step)));
    await time.advance(10);
    expect(await all).toHaveLength(4);
    expect(inFlightMax).toBe(1);
  });
});

describe("a chip that sleeps", () => {
  const bench = () => {
    const text = `format: 1
type: sleeper
source: "test"
protocol: i2c
every: 10s
measure:
  - { write: "00", optional: true }
  - { write: "03 00" }
  - { read: 1, fields: { raw: { byte: 0, as: u8 } } }
channels:
  level: { field: raw }
`;
    const { type } = loadDeviceType({ path: "sleeper.yaml", text });
    const time = createSimulatedTime();
    const i2c = createScriptedI2c();
    const ports = { i2c: () => i2c } as unknown as Ports;
    const deps = { ports, clock: time.clock, timers: time.timers, log: () => {} };
    const small = createSmallDevice();
    const protocol = type?.protocol(new Map()) as I2cProtocol;
    const device: I2cDevice = { ...small, address: 0x5c, protocol, channels: small.channels.slice(0, 1) };
    const source = createI2cSource(deps, device, createI2cPort(deps, { name: "mast", path: "/dev/i2c-1" }));
    const poll = async () => {
      const polling = source.poll();
      await time.advance(200);
      return (await polling).values;
    };
    return { i2c, poll };
  };

  it("is read although it doesn't acknowledge what wakes it; any other step has to be", async () => {
    const { i2c, poll } = bench();
    let deafTo = 0x00;
    i2c.chips.set(0x5c, (write) => {
      if (write[0] === deafTo) throw new PortError("nack", "transfer: nack");
      return Uint8Array.of(7);
    });
    expect(await poll()).toEqual([7]);
    deafTo = 0x03;
    expect(await poll()).toEqual([missing("nack")]);
  });
});

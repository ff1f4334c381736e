import { describe, expect, it } from "vitest";
import { I2C_DEADLINE_MS } from "../../limits.ts";
import { createSimulatedTime } from "../../testing/simulated-time.ts";
import { createI2cBuses, type I2cModule } from "./i2c.ts";

type Bus = Awaited<ReturnType<I2cModule["openPromisified"]>>;

/** The module's face; each call is noted, and answered with 1, 2, 3 … or as `answer` says. */
function createBench(answer: () => Promise<void> = async () => {}, isThere = () => true) {
  const time = createSimulatedTime();
  const calls: unknown[][] = [];
  const fill = async (length: number, buffer: Buffer) => {
    await answer();
    for (let at = 0; at < length; at++) buffer[at] = at + 1;
    return { bytesRead: length, buffer };
  };
  const bus: Bus = {
    i2cRead: (address, length, buffer) => (calls.push(["read", address, length]), fill(length, buffer)),
    i2cWrite: async (address, length, buffer) => {
      calls.push(["write", address, [...buffer]]);
      await answer();
      return { bytesWritten: length, buffer };
    },
    readI2cBlock: (address, command, length, buffer) => (
      calls.push(["block", address, command, length]), fill(length, buffer)
    ),
    writeI2cBlock: async (address, command, length, buffer) => {
      calls.push(["write block", address, command, [...buffer]]);
      return { bytesWritten: length, buffer };
    },
    sendByte: async (address, byte) => void calls.push(["send byte", address, byte]),
    receiveByte: async (address) => (calls.push(["receive byte", address]), 0x42),
    close: async () => void calls.push(["close"]),
  };
  const opened: number[] = [];
  const load = async (): Promise<I2cModule> => ({ openPromisified: async (number) => (opened.push(number), bus) });
  return { time, calls, opened, load, buses: createI2cBuses({ timers: time.timers, load, isThere }) };
}

const failing = (code: string) => async () => {
  throw Object.assign(new Error(`${code}: it failed`), { code });
};

describe("an I2C bus over i2c-bus", () => {
  it("reads a register of up to 32 bytes in one combined transfer, anything else as write and read", async () => {
    const { buses, calls, opened } = createBench();
    const bus = await buses.open("/dev/i2c-7");
    expect(opened).toEqual([7]);
    expect(await bus.transfer(0x76, Uint8Array.of(0xf7), 3)).toEqual(Uint8Array.of(1, 2, 3));
    await bus.transfer(0x76, Uint8Array.of(0x88), 33);
    await bus.transfer(0x44, Uint8Array.of(0x2c, 0x06), 6);
    await bus.transfer(0x44, Uint8Array.of(), 6);
    await bus.transfer(0x44, Uint8Array.of(0xfd), 0);
    expect(calls).toEqual([
      ["block", 0x76, 0xf7, 3],
      ["write", 0x76, [0x88]],
      ["read", 0x76, 33],
      ["write", 0x44, [0x2c, 0x06]],
      ["read", 0x44, 6],
      ["read", 0x44, 6],
      ["write", 0x44, [0xfd]],
    ]);
  });

  it.each([
    ["ENXIO", "nack"],
    ["EREMOTEIO", "nack"],
    ["ETIMEDOUT", "stuck"],
    ["EBUSY", "busy"],
    ["EACCES", "denied"],
    ["ENODEV", "nack"],
  ])("names %s %s", async (code, failure) => {
    const bus = await createBench(failing(code)).buses.open("/dev/i2c-1");
    const error: unknown = await bus.transfer(0x76, Uint8Array.of(1), 1).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure, message: expect.stringContaining("0x76 on /dev/i2c-1") });
  });

  it.each([
    "ENOTSUP",
    "EOPNOTSUPP",
  ])("on an SMBus-only adapter (%s) sends the same bytes as SMBus does", async (code) => {
    const { buses, calls } = createBench(failing(code));
    const bus = await buses.open("/dev/i2c-0");
    await bus.transfer(0x76, Uint8Array.of(0xf2, 1, 0xf4, 0x25), 0);
    await bus.transfer(0x70, Uint8Array.of(0xfd), 0);
    expect(await bus.transfer(0x23, Uint8Array.of(), 1)).toEqual(Uint8Array.of(0x42));
    expect(calls.filter(([call]) => call !== "write" && call !== "read")).toEqual([
      ["write block", 0x76, 0xf2, [1, 0xf4, 0x25]],
      ["send byte", 0x70, 0xfd],
      ["receive byte", 0x23],
    ]);
  });

  it("is found by a link, whichever number it has this time", async () => {
    const { load, opened } = createBench();
    const [one, two] = ["/dev/i2c-1", "/dev/i2c-2"].map((real) =>
      createI2cBuses({ timers: createSimulatedTime().timers, load, followed: () => real }),
    );
    await one?.open("/dev/pump-station/mast");
    await two?.open("/dev/pump-station/mast");
    expect(opened).toEqual([1, 2]);
    await expect(createBench().buses.open("/dev/pump-station/none")).rejects.toThrow("an I2C bus is named /dev/i2c-1");
  });

  it.each([
    "ENODEV",
    "EIO",
  ])("knows by the bus that is gone that an adapter was unplugged, whatever its driver says (%s)", async (code) => {
    const bus = await createBench(failing(code), () => false).buses.open("/dev/i2c-1");
    await expect(bus.transfer(0x76, Uint8Array.of(0), 1)).rejects.toMatchObject({ failure: "absent" });
  });

  it("on an SMBus-only adapter says what it can't do", async () => {
    const bus = await createBench(failing("ENOTSUP")).buses.open("/dev/i2c-0");
    const read: unknown = await bus.transfer(0x44, Uint8Array.of(), 6).catch((error: unknown) => error);
    expect(read).toMatchObject({ failure: "denied", message: expect.stringMatching(/SMBus only.*read of 6 bytes/) });
    const write: unknown = await bus.transfer(0x44, new Uint8Array(40), 0).catch((error: unknown) => error);
    expect(write).toMatchObject({ failure: "denied", message: expect.stringMatching(/SMBus only.*write of 40 bytes/) });
  });

  it("frees who waits at the deadline, and is busy until the call that hangs returns", async () => {
    let release = () => {};
    const { buses, time, calls } = createBench(() => new Promise((resolve) => (release = resolve)));
    const bus = await buses.open("/dev/i2c-1");
    const stuck = bus.transfer(0x76, Uint8Array.of(1), 1).catch((error: unknown) => error);
    await time.advance(I2C_DEADLINE_MS);
    expect(await stuck).toMatchObject({ failure: "stuck" });
    await expect(bus.transfer(0x76, Uint8Array.of(1), 1)).rejects.toMatchObject({ failure: "busy" });
    expect(calls).toHaveLength(1);
    await bus.close();
    expect(calls).toHaveLength(1);
    release();
    await time.advance(0);
    expect(calls.at(-1)).toEqual(["close"]);
  });

  it("says what to install when the module is missing, and what a bus is called", async () => {
    const { timers } = createSimulatedTime();
    const missing = new Error("Cannot find package");
    const buses = createI2cBuses({ timers, load: () => Promise.reject(missing) });
    await expect(buses.open("/dev/i2c-1")).rejects.toBe(missing);
    await expect(buses.open("mast")).rejects.toMatchObject({
      failure: "absent",
      message: expect.stringMatching(/named \/dev\/i2c-1/),
    });
  });

  it("that isn't there is absent, by the real module", async () => {
    const buses = createI2cBuses({ timers: createSimulatedTime().timers });
    // i2c-bus opens the device file at the first transfer.
    const bus = await buses.open("/dev/i2c-99");
    await expect(bus.transfer(0x76, Uint8Array.of(1), 1)).rejects.toMatchObject({ failure: "absent" });
  });
});

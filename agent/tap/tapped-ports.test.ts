import { describe, expect, it } from "vitest";
import { TAP_EVENTS_MAX, TAP_FORGOTTEN_AFTER_MS, TAPS_MAX } from "../limits.ts";
import { createScriptedGpio } from "../testing/scripted-gpio.ts";
import { createScriptedI2c } from "../testing/scripted-i2c.ts";
import { createScriptedSerial } from "../testing/scripted-serial.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createTappedPorts } from "./tapped-ports.ts";
import { createTaps } from "./taps.ts";

const SETTINGS = { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 } as const;

function createBench() {
  const time = createSimulatedTime();
  const serial = createScriptedSerial(time, (bytes) => [{ afterMs: 5, bytes: bytes.toReversed() }]);
  const [i2c, gpio] = [createScriptedI2c(), createScriptedGpio()];
  const taps = createTaps(time);
  const ports = createTappedPorts({ serial, i2c: () => i2c, gpio: () => gpio }, taps, time.clock);
  return { time, serial, i2c, gpio, taps, ports };
}

describe("a port that somebody looks on at", () => {
  it("tells what is sent and heard on a line, with times from the beginning, and how it was open", async () => {
    const { time, serial, taps, ports } = createBench();
    const line = await ports.serial.open("/dev/x", SETTINGS);
    await time.advance(1_000);
    const { tap, settings } = taps.start({ path: "/dev/x" });
    expect(settings).toEqual(SETTINGS);
    await line.write(Uint8Array.of(1, 2), 100);
    await time.advance(10);
    serial.unplug();
    expect(taps.take(tap)).toEqual({
      ms: 10,
      events: [
        { ms: 0, sent: "01 02" },
        { ms: 5, heard: "02 01" },
        { ms: 10, closed: "unplugged" },
      ],
    });
    expect(taps.take(tap).events).toEqual([]);
    expect(taps.start({ path: "/dev/x" })).not.toHaveProperty("settings");
  });

  it("tells transfers with their results, and pulses, levels and outputs, and changes none of them", async () => {
    const { i2c, gpio, taps, ports } = createBench();
    i2c.chips.set(0x76, () => Uint8Array.of(0x60));
    const bus = await ports.i2c(undefined).open("/dev/i2c-1");
    const onBus = taps.start({ path: "/dev/i2c-1" });
    expect(await bus.transfer(0x76, Uint8Array.of(0xd0), 1)).toEqual(Uint8Array.of(0x60));
    await expect(bus.transfer(0x44, new Uint8Array(), 6)).rejects.toMatchObject({ failure: "nack" });
    expect(taps.take(onBus.tap).events).toEqual([
      { ms: 0, took: 0, address: "0x76", write: "D0", read: 1, got: "60" },
      { ms: 0, took: 0, address: "0x44", write: "", read: 6, failed: "nack" },
    ]);
    const pins = taps.start({ path: "chip" });
    let pulses = 0;
    const chips = ports.gpio(undefined);
    await chips.countPulses("chip", 17, { edge: "falling", debounceMs: 1 }, () => pulses++);
    await chips.watchLevel("chip", "DOOR", { active: "low" }, () => undefined);
    const relay = await chips.drive("chip", 5, { active: "high", safe: 0 }, () => undefined);
    gpio.pulse();
    gpio.input(1);
    await relay.set(1);
    expect(taps.take(pins.tap).events).toEqual([
      { ms: 0, pin: 5, drive: 0 },
      { ms: 0, pin: 17, edge: "falling" },
      { ms: 0, pin: "DOOR", edge: "both" },
      { ms: 0, pin: 5, drive: 1 },
    ]);
    expect([pulses, gpio.driven]).toEqual([1, [0, 1]]);
  });

  it("tells nothing of another port, nor of the same path at a simulator", async () => {
    const { taps, ports } = createBench();
    const others = [taps.start({ path: "/dev/y" }), taps.start({ path: "/dev/x", simulator: "/run/sim" })];
    const line = await ports.serial.open("/dev/x", SETTINGS);
    await line.write(Uint8Array.of(1), 100);
    expect(others.flatMap(({ tap }) => taps.take(tap).events)).toEqual([]);
  });

  it("keeps so much until it is fetched, and counts the rest", () => {
    const { taps } = createBench();
    const { tap } = taps.start({ path: "/dev/x" });
    for (let i = 0; i < TAP_EVENTS_MAX + 7; i++) taps.pass({ path: "/dev/x" }, () => ({ heard: "00" }));
    const { events } = taps.take(tap);
    expect(events.length).toBe(TAP_EVENTS_MAX + 1);
    expect(events.at(-1)).toEqual({ ms: 0, lost: 7 });
    taps.pass({ path: "/dev/x" }, () => ({ heard: "01" }));
    expect(taps.take(tap).events).toEqual([{ ms: 0, heard: "01" }]);
  });

  it("forgets who fetches nothing any more, and lets only so many look on", async () => {
    const { time, taps } = createBench();
    const first = taps.start({ path: "/dev/x" });
    for (let i = 1; i < TAPS_MAX; i++) taps.start({ path: "/dev/x" });
    expect(() => taps.start({ path: "/dev/x" })).toThrow("recordings run already");
    await time.advance(TAP_FORGOTTEN_AFTER_MS + 1);
    taps.pass({ path: "/dev/x" }, () => ({ heard: "00" }));
    expect(() => taps.take(first.tap)).toThrow("has ended this recording");
    expect(taps.start({ path: "/dev/x" }).tap).toBeGreaterThan(first.tap);
  });

  it("puts nothing into words while nobody looks on", async () => {
    const { taps } = createBench();
    let asked = 0;
    const happening = () => {
      asked++;
      return { heard: "00" };
    };
    taps.pass({ path: "/dev/x" }, happening);
    const { tap } = taps.start({ path: "/dev/y" });
    taps.pass({ path: "/dev/x" }, happening);
    taps.end(tap);
    taps.pass({ path: "/dev/y" }, happening);
    expect(asked).toBe(0);
  });
});

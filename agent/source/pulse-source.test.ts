import type { PulseProtocol } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { missing } from "../reading.ts";
import { createScriptedGpio } from "../testing/scripted-gpio.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createSmallDevice } from "../testing/small-protocol.ts";
import type { Ports } from "../world.ts";
import { createPulseSource, type PulseDevice } from "./pulse-source.ts";

const protocol: PulseProtocol = {
  kind: "pulses",
  edge: "falling",
  debounceMs: 50,
  values: ({ total, since, sinceMs }) =>
    new Map([
      ["level", total],
      ["state", since],
      ["target", sinceMs],
    ]),
};

function createBench() {
  const time = createSimulatedTime();
  const gpio = createScriptedGpio();
  const stored = new Map<string, number>();
  const saves: number[] = [];
  const disk = { isReadOnly: false };
  const totals = {
    loadTotal: (device: string) => stored.get(device) ?? 0,
    saveTotal: (device: string, total: number) => {
      if (disk.isReadOnly) throw Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" });
      stored.set(device, total);
      saves.push(total);
    },
  };
  const ports = { gpio: () => gpio } as unknown as Ports;
  const deps = { ports, clock: time.clock, timers: time.timers, log: () => {}, totals };
  const device: PulseDevice = { ...createSmallDevice(), pin: 17, protocol };
  const open = (more: Partial<PulseProtocol> = {}) =>
    createPulseSource(
      deps,
      { ...device, protocol: { ...protocol, ...more } },
      { name: "pins", kind: "gpio", path: "chip" },
    );
  return { time, gpio, saves, disk, open };
}

describe("pulses", () => {
  it("are told as total, as count since the sample before, and with the time between", async () => {
    const { open, gpio, time } = createBench();
    const source = open();
    await source.poll();
    gpio.pulse(3);
    await time.advance(10_000);
    expect((await source.poll()).values).toEqual([3, 3, 10_000]);
    gpio.pulse(2);
    await time.advance(5_000);
    expect((await source.poll()).values).toEqual([5, 2, 5_000]);
  });

  it("are read on while the disk takes no total, which is saved when it does again", async () => {
    const { open, gpio, time, disk, saves } = createBench();
    const source = open();
    disk.isReadOnly = true;
    gpio.pulse(3);
    await time.advance(60_000);
    expect((await source.poll()).values[0]).toBe(3);
    disk.isReadOnly = false;
    await time.advance(60_000);
    expect((await source.poll()).values[0]).toBe(3);
    expect(saves).toEqual([3]);
    disk.isReadOnly = true;
    gpio.pulse(1);
    await source.close();
    expect(gpio.open).toBe(0);
  });

  it("go on from the stored total after a restart, including those after the last poll", async () => {
    const { open, gpio, time } = createBench();
    const source = open();
    await source.poll();
    gpio.pulse(4);
    await source.close();
    const next = open();
    await time.advance(1_000);
    gpio.pulse(1);
    expect((await next.poll()).values).toEqual([5, 1, 1_000]);
  });

  it("are saved at most once a minute, and not at all while nothing comes", async () => {
    const { open, gpio, time, saves } = createBench();
    const source = open();
    for (let second = 0; second < 300; second++) {
      if (second < 120) gpio.pulse();
      await source.poll();
      await time.advance(1_000);
    }
    expect(saves.length).toBeLessThanOrEqual(3);
    expect(saves.at(-1)).toBe(120);
  });

  it("of a chip that isn't there are missing until it comes, without a poll opening it", async () => {
    const { open, gpio, time } = createBench();
    gpio.failure = "absent";
    const source = open();
    expect((await source.poll()).values[0]).toEqual(missing("port-absent"));
    gpio.failure = "busy";
    await time.advance(1_100);
    expect((await source.poll()).values[0]).toEqual(missing("busy"));
    gpio.failure = undefined;
    await time.advance(2_100);
    gpio.pulse(2);
    expect((await source.poll()).values[0]).toBe(2);
    gpio.failure = "absent";
    expect((await source.poll()).values[0]).toEqual(missing("port-absent"));
    gpio.failure = undefined;
    expect((await source.poll()).values[0]).toBe(2);
  });

  it("go on from the same total when the description changes", async () => {
    const { open, gpio } = createBench();
    const source = open();
    await source.poll();
    gpio.pulse(7);
    await source.close();
    const changed = open({
      debounceMs: 5,
      values: ({ total }) =>
        new Map([
          ["level", total * 2],
          ["state", 0],
          ["target", 0],
        ]),
    });
    expect((await changed.poll()).values[0]).toBe(14);
  });

  it("above the plausible rate are noise: told, missing, and never in the total", async () => {
    const { open, gpio, time } = createBench();
    const source = open({ rate: { low: 0, high: 5 } });
    await source.poll();
    gpio.pulse(50);
    await time.advance(10_000);
    expect((await source.poll()).values).toEqual([50, 50, 10_000]);
    gpio.pulse(5_000);
    await time.advance(10_000);
    expect((await source.poll()).values[0]).toEqual(missing("implausible"));
    expect(source.health().lastError?.what).toBe(
      "5000 pulses in 10 s: more than 5 Hz is not plausible; they are not counted",
    );
    gpio.pulse(3);
    await time.advance(10_000);
    expect((await source.poll()).values).toEqual([53, 3, 10_000]);
  });

  it("below the plausible rate are missing, but counted", async () => {
    const { open, gpio, time } = createBench();
    const source = open({ rate: { low: 1, high: 50 } });
    await source.poll();
    gpio.pulse(3);
    await time.advance(10_000);
    expect((await source.poll()).values[0]).toEqual(missing("implausible"));
    gpio.pulse(12);
    await time.advance(10_000);
    expect((await source.poll()).values[0]).toBe(15);
  });

  it("that come faster than their debounce are counted and told", async () => {
    const { open, gpio } = createBench();
    const source = open();
    await source.poll();
    gpio.trouble = "the contact bounces";
    gpio.pulse(1);
    expect((await source.poll()).values[0]).toBe(1);
    expect(source.health().lastError?.what).toBe("the contact bounces");
  });

  it("leave nothing open behind", async () => {
    const { open, gpio, time } = createBench();
    await open().close();
    gpio.failure = "absent";
    const second = open();
    await time.advance(10);
    await second.close();
    expect(gpio.open).toBe(0);
    expect(time.waiting).toBe(0);
  });
});

import type { LevelProtocol } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { missing } from "../reading.ts";
import { createScriptedGpio } from "../testing/scripted-gpio.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createSmallDevice } from "../testing/small-protocol.ts";
import type { Ports } from "../world.ts";
import { createLevelSource, type LevelDevice } from "./level-source.ts";

const protocol: LevelProtocol = {
  kind: "levels",
  active: "low",
  debounceMs: 50,
  values: (level) =>
    new Map([
      ["level", level],
      ["state", level],
      ["target", 0],
    ]),
};

function createBench() {
  const time = createSimulatedTime();
  const gpio = createScriptedGpio();
  const told: number[] = [];
  const device: LevelDevice = { ...createSmallDevice(), pin: 22, protocol };
  const deps = {
    ports: { gpio: () => gpio } as unknown as Ports,
    clock: time.clock,
    timers: time.timers,
    log: () => {},
    onChanged: () => void told.push(time.clock.bootMs()),
  };
  const source = createLevelSource(deps, device, { name: "pins", path: "chip" });
  const now = async () => (await source.poll()).values[1];
  return { time, gpio, told, source, now };
}

describe("a level", () => {
  it("is told once it has stayed as long as its debounce, without waiting for a poll", async () => {
    const { time, gpio, told, now } = createBench();
    expect(await now()).toBe(0);
    gpio.input(1);
    await time.advance(49);
    expect(told).toEqual([]);
    expect(await now()).toBe(0);
    await time.advance(1);
    expect(told).toEqual([1_050]);
    expect(await now()).toBe(1);
  });

  it("that bounces back within the debounce was never there", async () => {
    const { time, gpio, told, now } = createBench();
    await now();
    gpio.input(1);
    await time.advance(20);
    gpio.input(0);
    await time.advance(200);
    expect(told).toEqual([]);
    expect(await now()).toBe(0);
  });

  it("of a contact that is never still is told all the same, and that it bounces", async () => {
    const { time, gpio, told, source, now } = createBench();
    await now();
    for (let edge = 0; edge < 40; edge++) {
      gpio.input(edge % 2 === 0 ? 1 : 0);
      await time.advance(30);
    }
    expect(told.length).toBeGreaterThanOrEqual(1);
    expect(source.health().lastError?.what).toContain("never still for 50 ms");
  });

  it("that changes all the time doesn't fill the link, and is still read", async () => {
    const { time, gpio, told, source, now } = createBench();
    await now();
    for (let edge = 0; edge < 300; edge++) {
      gpio.input(edge % 2 === 0 ? 1 : 0);
      await time.advance(100);
    }
    expect(told).toHaveLength(30);
    expect(source.health().lastError?.what).toContain("more than 30 changes in a minute");
    gpio.input(1);
    await time.advance(100);
    expect(await now()).toBe(1);
  });

  it("of a chip that isn't there is missing until it comes", async () => {
    const time = createSimulatedTime();
    const gpio = createScriptedGpio();
    gpio.failure = "absent";
    const device: LevelDevice = { ...createSmallDevice(), pin: 22, protocol };
    const ports = { gpio: () => gpio } as unknown as Ports;
    const deps = { ports, clock: time.clock, timers: time.timers, log: () => {} };
    const source = createLevelSource(deps, device, { name: "pins", path: "chip" });
    expect((await source.poll()).values[0]).toEqual(missing("port-absent"));
    gpio.failure = undefined;
    await time.advance(1_000);
    expect((await source.poll()).values[0]).toBe(0);
    gpio.failure = "busy";
    expect((await source.poll()).values[0]).toEqual(missing("busy"));
    gpio.failure = undefined;
    await source.close();
    expect(gpio.open).toBe(0);
    expect(time.waiting).toBe(0);
  });

  it("can't be set", async () => {
    const { source } = createBench();
    expect((await source.set("target", 1)).done).toBe("refused");
    expect((await source.command("stop")).done).toBe("refused");
  });
});

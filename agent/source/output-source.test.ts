import type { OutputProtocol } from "@pump-station/sensor-descriptions/model.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { missing } from "../reading.ts";
import { createScriptedGpio } from "../testing/scripted-gpio.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createSmallDevice, whenIs } from "../testing/small-protocol.ts";
import type { Ports } from "../world.ts";
import { createOutputSource, type OutputDevice } from "./output-source.ts";

const AT_MOST_MS = 60_000;
const protocol: OutputProtocol = {
  kind: "outputs",
  active: "high",
  safe: 0,
  atMostMs: AT_MOST_MS,
  sets: new Map([
    ["blink", { level: 1, forMs: 5_000 }],
    ["start", { level: 1 }],
    ["stop", { level: 0 }],
  ]),
  values: (level) => new Map([["relay", level]]),
};

function createBench(more: Partial<OutputDevice> = {}) {
  const time = createSimulatedTime();
  const gpio = createScriptedGpio();
  const events: string[] = [];
  const told: number[] = [];
  const device: OutputDevice = {
    ...createSmallDevice(),
    name: "lamp",
    pin: 5,
    protocol,
    channels: [
      {
        name: "relay",
        kind: "state",
        unit: "",
        resolution: 1,
        states: new Map([
          [0, "off"],
          [1, "on"],
        ]),
      },
    ],
    settings: [{ name: "relay", readBack: "relay", unit: "", range: { low: 0, high: 1 }, step: 1 }],
    commands: ["blink", "start", "stop"].map((name) => ({ name, withinMs: 0 })),
    ...more,
  };
  const deps = {
    ports: { gpio: () => gpio } as unknown as Ports,
    clock: time.clock,
    timers: time.timers,
    log: (_: string, event: string) => void events.push(event),
    onChanged: () => void told.push(time.clock.bootMs()),
  };
  const source = createOutputSource(deps, device, { name: "pins", path: "chip" });
  const now = async () => (await source.poll()).values[0];
  return { time, gpio, events, told, source, now };
}

describe("an output", () => {
  it("is safe from the start and at the end, whatever it was told in between", async () => {
    const { gpio, source, time } = createBench();
    await time.advance(0);
    expect(gpio.driven).toEqual([0]);
    await source.set("relay", 1);
    await source.close();
    expect(gpio.driven).toEqual([0, 1, 0, "closed"]);
    expect(time.waiting).toBe(0);
  });

  it("is set and read back, and written only where it differs", async () => {
    const { gpio, source, now } = createBench();
    expect(await source.set("relay", 1)).toEqual({ done: "applied", value: 1 });
    expect(await source.set("relay", 1)).toEqual({ done: "applied", value: 1 });
    expect(gpio.driven).toEqual([0, 1]);
    expect(await now()).toBe(1);
  });

  it("that doesn't follow is told, with what it reads back", async () => {
    const { gpio, source, now } = createBench();
    gpio.stuckAt = 0;
    const outcome = await source.set("relay", 1);
    expect(outcome).toEqual({ done: "refused", reason: "set on; it reads back off" });
    expect(await now()).toBe(0);
  });

  it("goes back to safe when a command's time is over, and is told at once", async () => {
    const { gpio, source, time, told, now } = createBench();
    expect(await source.command("blink")).toEqual({ done: "confirmed", reason: "reads back on for 5s" });
    await time.advance(4_999);
    expect(gpio.driven).toEqual([0, 1]);
    told.length = 0;
    await time.advance(1);
    expect(gpio.driven).toEqual([0, 1, 0]);
    expect(told).toEqual([time.clock.bootMs()]);
    expect(await now()).toBe(0);
    expect(await source.command("blink")).toMatchObject({ done: "confirmed" });
  });

  it("is never on for longer than at-most in a row, however often it is asked for", async () => {
    const { gpio, source, time, events } = createBench();
    await source.set("relay", 1);
    for (let second = 0; second < 59; second++) {
      await time.advance(1_000);
      await source.set("relay", 1);
      if (second % 10 === 0) await source.command("blink");
      await source.command("start");
    }
    expect(gpio.driven).toEqual([0, 1]);
    await time.advance(1_000);
    expect(gpio.driven).toEqual([0, 1, 0]);
    expect(events).toContain("output-time-is-up");
  });

  it("whose time was up stays safe until it was set safe, so that a standing wish can't turn it on again", async () => {
    const { source, time, now } = createBench();
    await source.set("relay", 1);
    await time.advance(AT_MOST_MS);
    expect(await source.set("relay", 1)).toMatchObject({
      done: "interlocked",
      reason: "was on for its longest time: set it off first",
    });
    expect((await source.command("blink")).done).toBe("interlocked");
    expect(await now()).toBe(0);
    await source.set("relay", 0);
    expect(await source.set("relay", 1)).toMatchObject({ done: "applied" });
  });

  it("is kept as it is by its interlock, judged on the line itself", async () => {
    const commands = [{ name: "blink", withinMs: 0, onlyWhen: whenIs("relay", 1) }];
    const { source, gpio } = createBench({ commands });
    expect(await source.command("blink")).toMatchObject({
      done: "interlocked",
      reason: "only when relay is 1: does not hold",
    });
    expect(gpio.driven).toEqual([0]);
  });

  it("whose holder is lost is missing, and safe when it is driven again", async () => {
    const { source, gpio, time, now, told } = createBench();
    await source.set("relay", 1);
    gpio.failure = "absent";
    gpio.lose("the holder ended");
    expect(told.length).toBeGreaterThan(0);
    expect(await now()).toEqual(missing("port-absent"));
    expect(await source.set("relay", 1)).toMatchObject({ done: "interlocked" });
    expect(source.health().lastError?.what).toContain("the holder ended");
    gpio.failure = undefined;
    await time.advance(5_000);
    expect(await now()).toBe(0);
    await time.advance(10 * AT_MOST_MS);
    expect(gpio.driven).toEqual([0, 1, 0]);
  });

  it("that can't be made safe when its time is over is tried every second until it is", async () => {
    const { source, gpio, time, events } = createBench();
    await source.command("blink");
    gpio.failure = "stuck";
    await time.advance(7_500);
    expect(events.filter((event) => event === "output-not-safe")).toHaveLength(3);
    gpio.failure = undefined;
    await time.advance(1_000);
    expect(gpio.driven.at(-1)).toBe(0);
    await source.close();
    expect(time.waiting).toBe(0);
  });

  it("refuses what it has no name for", async () => {
    const { source } = createBench();
    expect((await source.set("colour", 1)).done).toBe("refused");
    expect((await source.set("relay", 0.5)).done).toBe("refused");
    expect((await source.command("dance")).done).toBe("refused");
  });

  it("holds its longest time whatever comes in whatever order (property)", async () => {
    const step = fc.oneof(
      fc.record({ wait: fc.integer({ min: 0, max: 40_000 }) }),
      fc.record({ set: fc.constantFrom(0, 1) }),
      fc.record({ command: fc.constantFrom("blink", "start", "stop") }),
      fc.record({ lose: fc.constant(true) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { source, gpio, time } = createBench();
        const changes: { readonly level: number | string; readonly ms: number }[] = [];
        gpio.driven.push = (...levels) => changes.push(...levels.map((level) => ({ level, ms: time.clock.bootMs() })));
        for (const one of steps) {
          if ("wait" in one) await time.advance(one.wait);
          if ("set" in one) await source.set("relay", one.set);
          if ("command" in one) await source.command(one.command);
          if ("lose" in one) {
            gpio.lose("gone");
            changes.push({ level: "closed", ms: time.clock.bootMs() });
          }
        }
        await source.close();
        expect(changes.at(-1)?.level).not.toBe(1);
        let onSinceMs: number | undefined;
        for (const { level, ms } of changes) {
          if (level === 1) onSinceMs ??= ms;
          else {
            expect(ms - (onSinceMs ?? ms)).toBeLessThanOrEqual(AT_MOST_MS);
            onSinceMs = undefined;
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

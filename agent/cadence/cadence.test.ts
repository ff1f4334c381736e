import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PENALTY_AFTER_MISSES, PROBE_EVERY_MAX_MS } from "../limits.ts";
import { type ChannelValue, missing, type Sample } from "../reading.ts";
import { createSerialPort } from "../source/serial-port.ts";
import { createSerialSource } from "../source/serial-source.ts";
import type { DeviceSource } from "../source/source.ts";
import { createScriptedSerial } from "../testing/scripted-serial.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createSmallDevice, createSmallDeviceSide, createSmallProtocol, whenIs } from "../testing/small-protocol.ts";
import type { Ports, Timers } from "../world.ts";
import { createCadence } from "./cadence.ts";

type Answer = { readonly takesMs: number; readonly values: readonly ChannelValue[] };

/** Devices whose polls take as long and give what `answer` says. */
function createBench(
  devices: readonly Device[],
  answer: (device: string, poll: number) => Answer,
  options: { startMs?: number; fullSpeed?: boolean; earlyMs?: number } = {},
) {
  const time = createSimulatedTime({ bootMs: options.startMs ?? 0 });
  const polls: { device: string; atMs: number }[] = [];
  const samples: Sample[] = [];
  const interrupted: string[] = [];
  const sources = new Map<string, DeviceSource>();
  for (const { name } of devices) {
    let count = 0;
    sources.set(name, {
      device: name,
      poll: async () => {
        polls.push({ device: name, atMs: time.clock.bootMs() });
        const { takesMs, values } = answer(name, count++);
        if (takesMs > 0) await time.timers.sleep(takesMs);
        return { device: name, bootMs: time.clock.bootMs(), values };
      },
      set: async () => ({ done: "refused", reason: "" }),
      command: async () => ({ done: "refused", reason: "" }),
      close: async () => {},
      interrupt: () => void interrupted.push(name),
    });
  }
  const early: Timers = { ...time.timers, after: (ms, run) => time.timers.after(ms - (options.earlyMs ?? 0), run) };
  const deps = { clock: time.clock, timers: early, log: () => {} };
  const cadence = createCadence(deps, devices, sources, (_, sample) => samples.push(sample), options);
  const times = (device: string) => polls.filter((poll) => poll.device === device).map(({ atMs }) => atMs);
  return { time, cadence, samples, times, interrupted };
}

const good: Answer = { takesMs: 10, values: [1, 0, 1] };
const silent: Answer = { takesMs: 600, values: [missing("timeout"), missing("timeout"), missing("timeout")] };

describe("the cadence", () => {
  it("asks once at start and then on the grid of the boot, whenever the process began", async () => {
    const { time, times } = createBench([createSmallDevice({ everyMs: 10_000 })], () => good, { startMs: 12_345 });
    await time.advance(30_000);
    expect(times("pump")).toEqual([12_345, 20_000, 30_000, 40_000]);
  });

  it("asks once in a slot when a timer fires a little early", async () => {
    const { time, times } = createBench([createSmallDevice()], () => ({ ...good, takesMs: 0 }), { earlyMs: 0.4 });
    await time.advance(3_000);
    expect(times("pump")).toHaveLength(4);
  });

  it("never queues polls and never makes up for one", async () => {
    const slow = (_: string, poll: number): Answer => ({ ...good, takesMs: poll === 1 ? 3_500 : 10 });
    const { time, times, cadence } = createBench([createSmallDevice()], slow);
    await time.advance(7_000);
    expect(times("pump")).toEqual([0, 1_000, 5_000, 6_000, 7_000]);
    expect(cadence.running("pump").skipped).toBe(3);
  });

  it("keeps every poll on the grid, apart from its neighbours, and never twice in a slot (property)", async () => {
    const polls = fc.array(fc.integer({ min: 0, max: 2_500 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 100, max: 2_000 }),
        fc.integer({ min: 0, max: 10_000 }),
        polls,
        async (everyMs, startMs, takes) => {
          const device = createSmallDevice({ everyMs });
          const { time, times } = createBench(
            [device],
            (_, poll) => ({ ...good, takesMs: takes[poll % takes.length]! }),
            { startMs },
          );
          await time.advance(10_000);
          const [, ...onGrid] = times("pump");
          expect(onGrid.every((atMs) => atMs % everyMs === 0)).toBe(true);
          expect(new Set(onGrid).size).toBe(onGrid.length);
          for (const [at, takesMs] of times("pump").slice(0, -1).entries())
            expect(times("pump")[at + 1]! - takesMs).toBeGreaterThanOrEqual(takes[at % takes.length]!);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("goes faster from the sample in which the condition holds, and slower from the one in which it doesn't", async () => {
    const device = createSmallDevice({ everyMs: 30_000, faster: { when: whenIs("state", 1), everyMs: 1_000 } });
    const pumping = (_: string, poll: number): Answer => ({ ...good, values: [1, poll >= 1 && poll < 5 ? 1 : 0, 1] });
    const { time, times, cadence } = createBench([device], pumping);
    await time.advance(32_500);
    expect(cadence.running("pump")).toMatchObject({ everyMs: 1_000, isFaster: true });
    await time.advance(57_500);
    expect(times("pump")).toEqual([0, 30_000, 31_000, 32_000, 33_000, 34_000, 60_000, 90_000]);
  });

  it("stays as fast as it is while the value that decides is missing", async () => {
    const device = createSmallDevice({ everyMs: 30_000, faster: { when: whenIs("state", 1), everyMs: 1_000 } });
    const flaky = (_: string, poll: number): Answer => ({
      ...good,
      values: [1, poll === 1 ? missing("malformed") : 1, 1],
    });
    const { time, times } = createBench([device], flaky);
    await time.advance(3_000);
    expect(times("pump")).toEqual([0, 1_000, 2_000, 3_000]);
  });

  it("takes the cloud's interval at once, and the file's when the cloud takes it back", async () => {
    const { time, times, cadence } = createBench([createSmallDevice({ everyMs: 60_000 })], () => good);
    await time.advance(500);
    cadence.setEvery("pump", 2_000);
    await time.advance(4_000);
    cadence.setEvery("pump", undefined);
    await time.advance(56_000);
    expect(times("pump")).toEqual([0, 2_000, 4_000, 60_000]);
    expect(() => cadence.setEvery("pump", 0)).toThrow(RangeError);
    expect(() => cadence.setEvery("nobody", 1)).toThrow(RangeError);
  });

  it("takes the cloud's interval for while it is faster, at once, and the file's when the cloud takes it back", async () => {
    const device = createSmallDevice({ everyMs: 60_000, faster: { when: whenIs("state", 1), everyMs: 1_000 } });
    const { time, times, cadence } = createBench([device], () => ({ ...good, values: [1, 1, 1] }));
    await time.advance(1_500);
    cadence.setFaster("pump", 5_000);
    await time.advance(10_000);
    cadence.setFaster("pump", undefined);
    await time.advance(1_000);
    expect(times("pump")).toEqual([0, 1_000, 5_000, 10_000, 12_000]);
    expect(() => cadence.setFaster("pump", 0)).toThrow(RangeError);
  });

  it("probes a device that doesn't answer ever more rarely, and returns to the grid at its first answer", async () => {
    const dead = (_: string, poll: number): Answer => (poll < 12 ? silent : good);
    const { time, times, cadence, samples } = createBench([createSmallDevice()], dead);
    await time.advance(400_500);
    const gaps = times("pump").map((atMs, at, all) => atMs - (all[at - 1] ?? 0));
    const probes = gaps.slice(PENALTY_AFTER_MISSES, 12);
    expect(probes.every((gap, at) => at === 0 || gap >= probes[at - 1]!)).toBe(true);
    expect(Math.max(...probes)).toBe(PROBE_EVERY_MAX_MS + silent.takesMs);
    expect(gaps.slice(14, 20)).toEqual([1_000, 1_000, 1_000, 1_000, 1_000, 1_000]);
    expect(cadence.running("pump").isProbed).toBe(false);
    expect(samples.length).toBe(times("pump").length);
  });

  it("doesn't hammer when a probe takes longer than the time to the next", async () => {
    const { time, times } = createBench([createSmallDevice({ everyMs: 100 })], () => ({ ...silent, takesMs: 90_000 }));
    await time.advance(600_000);
    expect(times("pump").length).toBeLessThan(8);
  });

  it("keeps asking a device whose port is absent: that costs nobody time, and it should be back at once", async () => {
    const absent: Answer = {
      takesMs: 0,
      values: [missing("port-absent"), missing("port-absent"), missing("port-absent")],
    };
    const { time, times } = createBench([createSmallDevice()], () => absent);
    await time.advance(20_000);
    expect(times("pump")).toHaveLength(21);
  });

  it("asks out of turn when told, after the poll that is under way, and once for all who ask then", async () => {
    const { time, cadence, samples, times } = createBench([createSmallDevice({ everyMs: 60_000 })], () => ({
      ...good,
      takesMs: 100,
    }));
    await time.advance(50);
    const asked = Promise.all([cadence.pollNow("pump"), cadence.pollNow("pump")]);
    await time.advance(1_000);
    await asked;
    expect(samples.at(-1)?.bootMs).toBe(200);
    expect(times("pump")).toEqual([0, 100]);
    expect(samples).toHaveLength(2);
  });

  it("at full speed asks again as soon as the last poll has ended", async () => {
    const { time, times } = createBench([createSmallDevice({ everyMs: 60_000 })], () => good, { fullSpeed: true });
    await time.advance(1_000);
    expect(times("pump").length).toBeGreaterThan(95);
  });

  it("asks nothing after its stop, whoever still wants to: the port is closed, and that is no reading", async () => {
    const { time, cadence, times } = createBench([createSmallDevice()], () => good);
    await time.advance(500);
    const stopping = cadence.stop();
    await cadence.pollNow("pump");
    await stopping;
    await cadence.pollNow("pump");
    expect(times("pump")).toEqual([0]);
  });

  it("stops, and lets what is under way end first", async () => {
    const { time, cadence, samples, times } = createBench([createSmallDevice()], () => good);
    await time.advance(1_005);
    const stopping = cadence.stop();
    await time.advance(10_000);
    await stopping;
    expect(times("pump")).toHaveLength(2);
    expect(samples).toHaveLength(2);
    expect(time.waiting).toBe(0);
  });
});

describe("what a device sends by itself", () => {
  const reporting = (reads: "mixed" | "reported", more: Partial<Device> = {}) =>
    createSmallDevice({ protocol: createSmallProtocol({}, { reads }), ...more });
  const unchanged = missing("unchanged");
  const hear = (cadence: ReturnType<typeof createCadence>, ...values: ChannelValue[]): void =>
    cadence.hear("pump", { device: "pump", bootMs: 0, values });

  it("goes the ordinary way, and decides at once whether the device is asked faster", async () => {
    const device = reporting("mixed", { everyMs: 60_000, faster: { when: whenIs("state", 1), everyMs: 1_000 } });
    const { time, cadence, samples, times } = createBench([device], () => ({
      ...good,
      values: [unchanged, unchanged, 1],
    }));
    await time.advance(10_500);
    hear(cadence, 50, 1, unchanged);
    expect(samples.at(-1)?.values).toEqual([50, 1, unchanged]);
    await time.advance(2_000);
    expect(times("pump")).toEqual([0, 11_000, 12_000]);
    hear(cadence, 50, 0, unchanged);
    await time.advance(20_000);
    expect(times("pump")).toHaveLength(3);
  });

  it("doesn't hide that it doesn't answer: a device that only reports is probed, so that others keep their polls", async () => {
    const half: Answer = { takesMs: 600, values: [50, 0, missing("timeout")] };
    const { time, cadence } = createBench([reporting("mixed")], () => half);
    for (let second = 0; second < 20; second++) {
      await time.advance(1_000);
      hear(cadence, 50, second % 2, unchanged);
    }
    expect(cadence.running("pump").isProbed).toBe(true);
  });

  it("ends the probing of a device that isn't asked for anything", async () => {
    const device = reporting("reported", { channels: createSmallDevice().channels.slice(0, 2) });
    const { time, cadence } = createBench([device], () => ({
      ...silent,
      values: [missing("timeout"), missing("timeout")],
    }));
    await time.advance(20_000);
    expect(cadence.running("pump").isProbed).toBe(true);
    hear(cadence, 50, 0);
    expect(cadence.running("pump").isProbed).toBe(false);
  });

  it("is not heard after the stop, which waits for nobody who waits for it", async () => {
    const { time, cadence, samples, interrupted } = createBench([reporting("reported")], () => good);
    await time.advance(500);
    const stopping = cadence.stop();
    hear(cadence, 50, 0);
    await stopping;
    expect(samples).toHaveLength(1);
    expect(interrupted).toEqual(["pump"]);
  });
});

describe("two devices on one line, one of them dead", () => {
  it("leave the living one its cadence", async () => {
    const time = createSimulatedTime({ bootMs: 0 });
    const living = createSmallDeviceSide(1);
    const serial = createScriptedSerial(time, (request) => {
      const bytes = living.hear(request);
      return bytes ? [{ afterMs: 2, bytes }] : [];
    });
    const deps = { ports: { serial } as unknown as Ports, clock: time.clock, timers: time.timers, log: () => {} };
    const port = createSerialPort(deps, { name: "line", path: "/dev/ttyTest" });
    const devices = [createSmallDevice({ name: "living" }), createSmallDevice({ name: "dead", address: 2 })];
    const sources = new Map(devices.map((device) => [device.name, createSerialSource(deps, device, port)]));
    const samples: Sample[] = [];
    const cadence = createCadence(deps, devices, sources, (_, sample) => samples.push(sample));
    await time.advance(600_000);
    const whole = samples.filter(
      ({ device, values }) => device === "living" && values.every((value) => typeof value === "number"),
    );
    // 601 slots; a probe (0.6 s) may push a poll back, never out of its slot.
    expect(whole.length).toBeGreaterThanOrEqual(600);
    expect(sources.get("dead")!.health().polls).toBeLessThan(25);
    expect(cadence.running("dead").isProbed).toBe(true);
  });
});

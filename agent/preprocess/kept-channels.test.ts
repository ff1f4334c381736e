import { keptChannels } from "@pump-station/sensor-descriptions/kept-channels.ts";
import type { Channel, Device } from "@pump-station/sensor-descriptions/model.ts";
import type { Aggregate } from "@pump-station/sensor-descriptions/preprocessing.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChannelValue, missing, type Sample } from "../reading.ts";
import { createSmallDevice } from "../testing/small-protocol.ts";
import { createPreprocess } from "./preprocess.ts";

const gauge = (name: string, unit: string, range?: Channel["range"]): Channel => ({
  name,
  kind: "gauge",
  unit,
  resolution: 0.1,
  ...(range ? { range } : {}),
});
const WIND = [gauge("speed", "m/s"), gauge("direction", "deg", { low: 0, high: 360 })];

/** A wind sensor read every second, in windows of 10 s. */
const wind = (by: Readonly<Record<string, Aggregate>>, more: Partial<Device> = {}): Device =>
  createSmallDevice({
    channels: WIND,
    everyMs: 1_000,
    aggregate: { everyMs: 10_000, by: new Map(Object.entries(by)) },
    ...more,
  });

/** One pair of speed and direction a second, and whatever the last window holds. */
function windowsOf(device: Device, rows: readonly (readonly ChannelValue[])[]): (readonly ChannelValue[])[] {
  const preprocess = createPreprocess(device);
  const kept = rows.flatMap((values, second) => preprocess.take({ device: "wind", bootMs: second * 1_000, values }));
  return [...kept, ...preprocess.flush()].map(({ values }) => values);
}

describe("aggregates of one channel", () => {
  it("several of them are channels of their own, after those that are read", () => {
    const device = wind({
      speed: { by: "mean", of: "speed" },
      gust: { by: "max", of: "speed" },
      lull: { by: "min", of: "speed" },
    });
    expect(keptChannels(device).map(({ name, unit }) => `${name} ${unit}`)).toEqual([
      "speed m/s",
      "direction deg",
      "gust m/s",
      "lull m/s",
    ]);
    const [values] = windowsOf(device, [[2, 90], [6, 90], [4, 90]]); // biome-ignore format: a table
    expect([values?.[0], values?.[2], values?.[3]]).toEqual([4, 6, 2]);
  });

  it("a mean weighs readings by the time they stand for", () => {
    const preprocess = createPreprocess(wind({ speed: { by: "mean", of: "speed" } }));
    for (const [ms, speed] of [[0, 0], [4_000, 0], [8_000, 0], [8_500, 10], [9_000, 10]] as const) // biome-ignore format: a table
      preprocess.take({ device: "wind", bootMs: ms, values: [speed, 0] });
    // 9 s of 0 (the first stands for the usual 1 s), 1 s of 10.
    expect(preprocess.flush()[0]?.values[0]).toBeCloseTo(1, 9);
  });
});

describe("the mean of directions", () => {
  const direction = (weight?: string) =>
    wind({ direction: { by: "vector mean", of: "direction", ...(weight === undefined ? {} : { weight }) } });
  const meanOf = (device: Device, rows: readonly (readonly ChannelValue[])[]) => windowsOf(device, rows)[0]?.[1];

  it("around north is north, not south; without being asked for, too", () => {
    expect(meanOf(direction(), [[1, 350], [1, 10]])).toBeCloseTo(0, 9); // biome-ignore format: a table
    expect(meanOf(wind({}), [[1, 340], [1, 350]])).toBeCloseTo(345, 9); // biome-ignore format: a table
  });

  it("by speed counts a strong wind more", () => {
    const rows = [[1, 0], [3, 90]]; // biome-ignore format: a table
    expect(meanOf(direction(), rows)).toBeCloseTo(45, 9);
    expect(meanOf(direction("speed"), rows)).toBeCloseTo((Math.atan2(3, 1) * 180) / Math.PI, 9);
  });

  it("is calm without wind, or when all cancels out", () => {
    expect(meanOf(direction("speed"), [[0, 10], [0, 20]])).toEqual(missing("calm")); // biome-ignore format: a table
    expect(meanOf(direction(), [[1, 90], [1, 270]])).toEqual(missing("calm")); // biome-ignore format: a table
  });

  it("leaves out a direction whose speed is missing, and tells why when none is left", () => {
    const dead = missing("timeout");
    expect(meanOf(direction("speed"), [[dead, 200], [2, 90]])).toBeCloseTo(90, 9); // biome-ignore format: a table
    expect(meanOf(direction("speed"), [[dead, 200]])).toEqual(dead);
  });

  it("turns when all of them are turned by as much (property)", () => {
    const degrees = fc.array(fc.integer({ min: 0, max: 359 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(degrees, fc.integer({ min: 0, max: 359 }), (all, by) => {
        const [before, after] = [0, by].map((turn) =>
          meanOf(
            direction(),
            all.map((one) => [1, (one + turn) % 360]),
          ),
        );
        if (typeof before !== "number" || typeof after !== "number") return;
        const off = Math.abs(((after - before - by) % 360) + 360) % 360;
        // Nearly cancelled out, a direction is rounding.
        const length = Math.hypot(
          all.reduce((sum, one) => sum + Math.cos((one * Math.PI) / 180), 0),
          all.reduce((sum, one) => sum + Math.sin((one * Math.PI) / 180), 0),
        );
        if (length > 1e-3) expect(Math.min(off, 360 - off)).toBeLessThan(0.051);
        expect(after).toBeGreaterThanOrEqual(0);
        expect(after).toBeLessThan(360);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("a window that should be covered", () => {
  const half = wind({ speed: { by: "mean", of: "speed" } });
  const device: Device = { ...half, aggregate: { ...half.aggregate!, atLeast: 0.5 } };
  const dead = missing("timeout");

  it("says too-few when its readings cover less than asked for", () => {
    const rows = Array.from({ length: 20 }, (_, second) => [second >= 10 && second < 16 ? dead : 5, 0]);
    expect(windowsOf(device, rows).map(([speed]) => speed)).toEqual([5, missing("too-few")]);
    const more = Array.from({ length: 20 }, (_, second) => [second >= 10 && second < 14 ? dead : 5, 0]);
    expect(windowsOf(device, more).map(([speed]) => speed)).toEqual([5, 5]);
  });

  it("counts time in which nothing was read at all", () => {
    const preprocess = createPreprocess(device);
    const at = (second: number): Sample => ({ device: "wind", bootMs: second * 1_000, values: [5, 0] });
    const kept = [9, 10, 11, 12, 20].flatMap((second) => preprocess.take(at(second)));
    expect(kept.map(({ values }) => values[0])).toEqual([5, missing("too-few")]);
  });

  it("is covered by readings that a throttle made rare", () => {
    const filters = new Map([["speed", [{ do: "throttle", everyMs: 5_000 } as const]]]);
    const rows = Array.from({ length: 20 }, () => [5, 0]);
    expect(windowsOf({ ...device, filters }, rows).map(([speed]) => speed)).toEqual([5, 5]);
  });

  it("gives the reason when there is no value at all", () => {
    expect(windowsOf(device, [[dead, 0], [missing("nack"), 0]])[0]?.[0]).toEqual(missing("nack")); // biome-ignore format: a table
  });
});

describe("a rate of change", () => {
  const trend = { name: "trend", of: "level", perMs: 3_600_000, overMs: 60_000, unit: "mbar/h", resolution: 1 };
  const device = createSmallDevice({ rates: [trend], everyMs: 10_000 });
  const rates = (one: Device, levels: readonly ChannelValue[]) => {
    const preprocess = createPreprocess(one);
    return levels.map(
      (level, at) => preprocess.take({ device: "pump", bootMs: at * 10_000, values: [level, 0, 1] })[0]?.values[3],
    );
  };

  it("is a channel of its own: the difference over its window, per its time, once half of it is known", () => {
    expect(keptChannels(device).map(({ name }) => name)).toEqual(["level", "state", "target", "trend"]);
    const few = missing("too-few");
    expect(rates(device, [10, 11, 12, 13, 14, 14])).toEqual([few, few, few, 360, 360, (4 / 50) * 3_600]);
  });

  it("has the reason of its channel while that has no value, and does not go on from before a long gap", () => {
    const gone = missing("timeout");
    expect(rates(device, [10, 11, 12, gone, 14])[3]).toEqual(gone);
    expect(rates(device, [10, ...Array<ChannelValue>(6).fill(gone), 20])[7]).toEqual(missing("too-few"));
  });

  it("of a counter that was started anew begins anew", () => {
    const channels = device.channels.map((one, at): Channel => (at === 0 ? { ...one, kind: "counter" } : one));
    expect(rates({ ...device, channels }, [100, 101, 102, 103, 0, 1, 2, 3]).slice(3)).toEqual([
      360,
      missing("too-few"),
      missing("too-few"),
      missing("too-few"),
      360,
    ]);
  });

  it("is of filtered values, and can be aggregated like any other channel", () => {
    const clamped = {
      ...device,
      filters: new Map([["level", [{ do: "clamp", low: 0, high: 12 }]] as const]),
    } as Device;
    expect(rates(clamped, [10, 11, 12, 13, 14]).at(-1)).toBe((2 / 40) * 3_600);
    const steepest = {
      ...device,
      aggregate: { everyMs: 60_000, by: new Map([["steepest", { by: "max", of: "trend" }]] as const) },
    } as Device;
    expect(
      keptChannels(steepest)
        .map(({ name, unit }) => [name, unit])
        .at(-1),
    ).toEqual(["steepest", "mbar/h"]);
  });
});

describe("what was left out", () => {
  const throttle = { do: "throttle", everyMs: 10_000 } as const;

  it("is also what a report between two polls says nothing of, where a filter made another value of it", () => {
    const filters = new Map([["level", [{ do: "average", overMs: 10_000 } as const]]]);
    const device = createSmallDevice({ filters, smallChange: new Map([["target", 5]]), heartbeatMs: 2_000 });
    const preprocess = createPreprocess(device);
    const unchanged = missing("unchanged");
    const rows = [[10, 0, 1], [unchanged, 1, unchanged], [unchanged, 0, unchanged], [20, 0, 1]]; // biome-ignore format: a table
    const kept = rows.flatMap((values, second) =>
      preprocess.take({ device: "pump", bootMs: second * 1_000, values }).map((sample) => sample.values),
    );
    // Neither report is the heartbeat; the next poll is, and counts for the whole time since the one before.
    expect(kept).toEqual([
      [10, 0, 1],
      [missing("left-out"), 1, unchanged],
      [missing("left-out"), 0, unchanged],
      [(10 * 1 + 20 * 3) / 4, 0, 1],
    ]);
  });

  it("is neither changed nor unchanged, and has no weight in a window", () => {
    const device = createSmallDevice({
      filters: new Map([["level", [throttle]]]),
      smallChange: new Map([["target", 5]]),
    });
    const preprocess = createPreprocess(device);
    const kept = [
      [10, 1],
      [11, 1],
      [12, 9],
      [13, 9],
    ].flatMap(
      (
        [level, target],
        second, // biome-ignore format: a table
      ) => preprocess.take({ device: "pump", bootMs: second * 1_000, values: [level!, 0, target!] }),
    );
    expect(kept.map(({ values }) => values)).toEqual([
      [10, 0, 1],
      [missing("left-out"), missing("unchanged"), 9],
    ]);
  });
});

describe("what is read for formulas alone", () => {
  const raw: Channel = { ...gauge("raw", "V"), isInternal: true };
  const sensor = (more: Partial<Device> = {}): Device =>
    createSmallDevice({ channels: [raw, gauge("level", "mm"), gauge("flow", "L/s")], everyMs: 1_000, ...more });
  const names = (device: Device) => keptChannels(device).map(({ name }) => name);

  it("is neither kept nor sent, and the others keep their values", () => {
    expect(names(sensor())).toEqual(["level", "flow"]);
    expect(
      windowsOf(sensor(), [
        [1, 2, 3],
        [4, 5, 6],
      ]),
    ).toEqual([
      [2, 3],
      [5, 6],
    ]);
  });

  it("stays away with filters, rates and windows, too, unless an aggregate of it is asked for by a name", () => {
    const rates = [{ name: "rising", of: "level", perMs: 1_000, overMs: 3_000, unit: "mm/s", resolution: 1 }];
    const rated = sensor({ rates });
    expect(names(rated)).toEqual(["level", "flow", "rising"]);
    for (const values of windowsOf(rated, [
      [1, 2, 3],
      [4, 5, 6],
    ]))
      expect(values).toHaveLength(3);
    const by = new Map<string, Aggregate>([["most", { by: "max", of: "raw" }]]);
    const windowed = sensor({ aggregate: { everyMs: 10_000, by } });
    expect(names(windowed)).toEqual(["level", "flow", "most"]);
    expect(keptChannels(windowed).some(({ isInternal }) => isInternal)).toBe(false);
    expect(
      windowsOf(windowed, [
        [1, 2, 3],
        [7, 2, 3],
      ]),
    ).toEqual([[2, 3, 7]]);
  });
});

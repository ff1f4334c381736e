import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { createNewest } from "./newest.ts";
import { type ChannelValue, missing, type Sample } from "./reading.ts";
import { createSimulatedTime } from "./testing/simulated-time.ts";
import { createSmallDevice } from "./testing/small-protocol.ts";

const device = createSmallDevice();
const station: Station = { name: "test", label: "", timeZone: "UTC", ports: new Map(), devices: [device], hash: "" };
const unchanged = missing("unchanged");

describe("the newest values of a device", () => {
  const bench = () => {
    const { clock, advance } = createSimulatedTime({ bootMs: 0 });
    const newest = createNewest(clock);
    const take = (...values: ChannelValue[]): void =>
      newest.take(device, { device: "pump", bootMs: clock.bootMs(), values });
    const spoken = () => newest.values(station).map(({ value, missing: why, ageMs }) => [value ?? why, ageMs]);
    return { newest, take, advance, spoken };
  };

  it("stay what they were, of the time that they were, where a sample says unchanged", async () => {
    const { take, advance, spoken, newest } = bench();
    take(50, 0, 100);
    await advance(5_000);
    take(60, 1, unchanged);
    await advance(1_000);
    take(unchanged, unchanged, 110);
    await advance(500);
    expect(spoken()).toEqual([
      [60, 1_500],
      ["pumping", 1_500],
      [110, 500],
    ]);
    expect(newest.of("pump")?.values).toEqual([60, 1, 110]);
    expect(newest.health("pump")).toBe("good");
  });

  it("are a reason, with its own age, from the sample on that gives one, also through what is unchanged", async () => {
    const { take, advance, spoken, newest } = bench();
    take(missing("timeout"), missing("timeout"), missing("timeout"));
    expect(newest.health("pump")).toBe("timeout");
    await advance(1_000);
    take(60, 1, unchanged);
    expect(spoken()).toEqual([
      [60, 0],
      ["pumping", 0],
      ["timeout", 1_000],
    ]);
    expect(newest.health("pump")).toBe("good");
  });

  it("are unchanged when nothing was there before", () => {
    const { take, spoken } = bench();
    take(60, 1, unchanged);
    expect(spoken()[2]).toEqual(["unchanged", 0]);
  });

  it("are followed by the rates and aggregates that leave the station, which wait for the end of their window", async () => {
    const rates = [{ name: "climb", of: "level", unit: "mbar/s", perMs: 1_000, overMs: 10_000, resolution: 0.1 }];
    const by = new Map([["peak", { by: "max" as const, of: "level" }]]);
    const made = createSmallDevice({ rates, aggregate: { everyMs: 60_000, by } });
    const { clock, advance } = createSimulatedTime({ bootMs: 0 });
    const newest = createNewest(clock);
    const window: { made?: Sample } = {};
    const spoken = () =>
      newest
        .values({ ...station, devices: [made] }, "pump", undefined, { everyMs: () => 1_000, made: () => window.made })
        .map(({ channel, value, quality, ageMs }) => [channel, value, quality, ageMs]);
    newest.take(made, { device: "pump", bootMs: 0, values: [50, 1, 100] });
    expect(spoken().slice(3)).toEqual([
      ["climb", null, "waiting", 0],
      ["peak", null, "waiting", 0],
    ]);
    await advance(60_000);
    window.made = { device: "pump", bootMs: 55_000, values: [49, 1, 100, 0.25, 57] };
    newest.take(made, { device: "pump", bootMs: 60_000, values: [50, 1, 100] });
    expect(spoken()).toEqual([
      ["level", 50, "good", 0],
      ["state", "pumping", "good", 0],
      ["target", 100, "good", 0],
      ["climb", 0.3, "good", 5_000],
      ["peak", 57, "good", 5_000],
    ]);
    const peak = newest.values({ ...station, devices: [made] }, "pump", "peak", {
      everyMs: () => 1_000,
      made: () => window.made,
    });
    expect(peak).toMatchObject([{ channel: "peak", value: 57, unit: "mbar" }]);
  });
});

import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { createNewest } from "./newest.ts";
import { type ChannelValue, missing } from "./reading.ts";
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
});

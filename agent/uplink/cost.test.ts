import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { type CostSettings, costOf } from "./cost.ts";

const device = (name: string, everyMs: number, kinds: readonly string[], more: Partial<Device> = {}): Device =>
  ({
    name,
    everyMs,
    channels: kinds.map((kind, at) => ({ name: `c${at}`, kind, unit: "mbar", resolution: 0.1 })),
    ...more,
  }) as unknown as Device;
const station = (...devices: Device[]): Station => ({ devices }) as unknown as Station;
const SETTINGS: CostSettings = {
  uploadEveryMs: 900_000,
  keepAliveS: 1_177,
  commitEveryMs: 10_000,
  unitBytes: 4_096,
};
const noisy = device("noisy", 10_000, ["gauge", "gauge"]);
const quiet = device("quiet", 60_000, ["state"]);

describe("what a description costs in a month", () => {
  it("is borne by the channels, but for the connection", () => {
    const { total, channels, connectionBytes } = costOf(station(noisy, quiet), SETTINGS);
    const sum = (of: (one: (typeof channels)[number]) => number) => channels.reduce((all, one) => all + of(one), 0);
    expect(sum((one) => one.bytes) + connectionBytes).toBeCloseTo(total.bytes, 3);
    expect(sum((one) => one.units)).toBeCloseTo(total.units, 6);
    expect(sum((one) => one.flashBytes)).toBeCloseTo(total.flashBytes, 3);
    expect(channels.map((one) => `${one.device}.${one.channel}`)).toEqual(["noisy.c0", "noisy.c1", "quiet.c0"]);
    expect(channels[0]?.readings).toBe(30 * 8_640);
  });

  it("counts a unit for each message, and more for messages that are larger than one", () => {
    expect(costOf(station(noisy), SETTINGS).total.units).toBe(30 * 96);
    const large = costOf(station(device("large", 1_000, ["gauge", "gauge"])), { ...SETTINGS, unitBytes: 512 });
    expect(large.total.units).toBeGreaterThan(2 * 30 * 96);
  });

  it("a paused device costs nothing, and a station of such devices only its connection", () => {
    const paused = device("noisy", 10_000, ["gauge"], { paused: "spare part ordered" });
    expect(costOf(station(paused, quiet), SETTINGS).channels.map((one) => one.device)).toEqual(["quiet"]);
    const nothing = costOf(station(paused), SETTINGS);
    expect(nothing.channels).toEqual([]);
    expect(nothing.total).toMatchObject({ units: 0, flashBytes: 0, bytes: nothing.connectionBytes });
  });

  it("is lowered most by what is asked too often, and each way says its price", () => {
    const { ways } = costOf(station(noisy, quiet), SETTINGS);
    expect(ways).toHaveLength(3);
    expect(ways[0]?.change).toBe("station.yaml, noisy, aggregate: every: 60s");
    // Asking half as often saves no more than a mean a minute, and loses readings.
    expect(ways.map(({ change }) => change)).not.toContain("station.yaml, noisy: every: 20s");
    for (const [index, way] of ways.entries()) {
      expect(way.saves.bytes).toBeGreaterThan(0);
      expect(way.saves.bytes).toBeLessThanOrEqual(ways[index - 1]?.saves.bytes ?? Infinity);
      expect(way.price).not.toBe("");
    }
  });

  it("is lowered by a coarser channel by what all of it costs less then, messages that it fills included", () => {
    const many = device("many", 1_000, Array<string>(8).fill("gauge"), {
      aggregate: { everyMs: 1_000, by: new Map() },
    });
    const { ways, total } = costOf(station(many), { ...SETTINGS, uploadEveryMs: 3_600_000 });
    const round = ways.find(({ change }) => change.includes("round: 1 mbar"));
    // 0.42 bytes less of each of 86,400 readings a day, and a message of 247 bytes around it less for every 3,500.
    expect(round?.saves.bytes).toBeCloseTo(30 * 86_400 * 0.42 * (1 + 247 / 3_500), -2);
    expect(round?.saves.units).toBeGreaterThan(0);
    expect(total.bytes - (round?.saves.bytes ?? 0)).toBeGreaterThan(0);
    expect(ways.map(({ change }) => change)).toContain("station.yaml, many, aggregate: every: 2s");
  });

  it("of the flash is lowered by rarer commits, unless they are rare", () => {
    const { total, flashWay } = costOf(station(noisy), SETTINGS);
    expect(flashWay?.change).toBe("agent.yaml: commit-interval: 60s");
    expect((flashWay?.saves.flashBytes ?? 0) / total.flashBytes).toBeGreaterThan(0.7);
    expect(costOf(station(noisy), { ...SETTINGS, commitEveryMs: 60_000 }).flashWay).toBeUndefined();
  });

  it("of the flash is more by the file system's journal, and lowered by mounting it with a rarer one", () => {
    const ext4 = { ...SETTINGS, journalEveryMs: 5_000 };
    const [plain, mounted] = [costOf(station(noisy), SETTINGS), costOf(station(noisy), ext4)];
    expect(plain.mountWay).toBeUndefined();
    // 947 against 316 bytes a reading, measured with 20 channels.
    expect(mounted.total.flashBytes / plain.total.flashBytes).toBeGreaterThan(2);
    const { mountWay } = mounted;
    expect(mountWay?.change).toContain("commit=300");
    const then = costOf(station(noisy), { ...SETTINGS, journalEveryMs: 300_000 });
    expect(mounted.total.flashBytes - (mountWay?.saves.flashBytes ?? 0)).toBeCloseTo(then.total.flashBytes, 3);
    expect(then.mountWay).toBeUndefined();
  });
});

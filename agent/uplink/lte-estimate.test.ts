import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { estimateLte } from "./lte-estimate.ts";

const device = (name: string, everyMs: number, gauges: number, more: Partial<Device> = {}): Device =>
  ({
    name,
    everyMs,
    channels: Array.from({ length: gauges }, (_, at) => ({ name: `c${at}`, kind: "gauge", unit: "", resolution: 1 })),
    ...more,
  }) as unknown as Device;
const station = (...devices: Device[]): Station => ({ devices }) as unknown as Station;
const QUARTER = { intervalMs: 900_000, keepAliveS: 60 };

describe("what a description will cost on LTE", () => {
  it("is payload, messages, pings between them, and one handshake", () => {
    const estimate = estimateLte(station(device("a", 10_000, 20)), QUARTER);
    expect(estimate.readingsPerDay).toBe(172_800);
    expect(estimate.payloadBytesPerDay).toBeCloseTo(172_800 * 0.77, 0);
    expect(estimate.messagesPerDay).toBe(96);
    // 14 pings in each silence of a quarter of an hour.
    expect(estimate.bytesPerDay).toBeCloseTo(172_800 * 0.77 + 96 * 247 + 96 * 14 * 209 + 5_049, 0);
  });

  it("prices a learned keep-alive by a network that allows long silences, and says what a bad one adds", () => {
    const found = estimateLte(station(device("a", 10_000, 20)), { intervalMs: 900_000, keepAliveS: "learn" });
    expect([found.pingBytesPerDay, found.pingBytesPerDayAtMost]).toEqual([0, 96 * 14 * 209]);
    const hourly = estimateLte(station(device("a", 60_000, 1)), { intervalMs: 3_600_000, keepAliveS: "learn" });
    expect([hourly.pingBytesPerDay, hourly.pingBytesPerDayAtMost]).toEqual([24 * 3 * 209, 24 * 59 * 209]);
  });

  it("has no pings when uploads come more often than the keep-alive", () => {
    const { bytesPerDay, payloadBytesPerDay, messagesPerDay } = estimateLte(station(device("a", 10_000, 1)), {
      intervalMs: 30_000,
      keepAliveS: 60,
    });
    expect(bytesPerDay).toBeCloseTo(payloadBytesPerDay + messagesPerDay * 247 + 5_049, 0);
  });

  it("counts messages that close because they are full", () => {
    const estimate = estimateLte(station(device("a", 100, 20)), QUARTER);
    expect(estimate.messagesPerDay).toBeCloseTo(estimate.payloadBytesPerDay / 3_500, 3);
  });

  it("counts an aggregated device by its windows, and a paused one not at all", () => {
    const aggregate = { everyMs: 600_000, by: new Map() };
    const { byDevice } = estimateLte(
      station(device("a", 1_000, 1, { aggregate }), device("b", 1_000, 1, { paused: "spare part" })),
      QUARTER,
    );
    expect(byDevice.map((one) => [one.device, one.readingsPerDay])).toEqual([["a", 144]]);
  });

  it("is only the connection when nothing is read", () => {
    expect(estimateLte(station(), QUARTER)).toMatchObject({ readingsPerDay: 0, messagesPerDay: 0 });
  });
});

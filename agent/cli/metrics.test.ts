import { expect, it } from "vitest";
import type { AgentStatus } from "../status.ts";
import { createCliBench } from "../testing/cli-bench.ts";

const STATUS = {
  station: "demo-lake",
  version: "1",
  uptimeMs: 61_500,
  description: { path: "/station.yaml", runs: "file", hash: null, problems: [], differs: [] },
  devices: [
    { device: "pump", type: "pump-mk2", everyMs: 1, health: "good", ageMs: 1_500, polls: 10, failures: 1 },
    { device: "rain", type: 'odd "type"\\', everyMs: 1, health: "timeout", ageMs: null, polls: 2, failures: 2 },
  ],
  buffer: {
    waiting: 120,
    waitingHours: 0.5,
    accepted: 880,
    receipted: 600,
    dropped: 3,
    droppedUnconfirmed: 4,
    bytes: 2.5e6,
    bytesMax: 128e6,
    roomDays: 31,
    medium: { state: "good", failures: 0, inRam: 0 },
  },
  cloud: "mqtt://x",
  uplink: { connected: false, isAwayOnPurpose: true, messages: 7, bytes: 900 },
  month: { usedBytes: 12_340_000, step: 0, stepName: "everything" },
  activeAlarms: ["pump.fault"],
  settings: [],
  process: { rssBytes: 80e6, cpuMs: 1_250 },
} as unknown as AgentStatus;

async function metricsOf(status: AgentStatus): Promise<string[]> {
  const bench = createCliBench();
  bench.agent = (ask) => (ask === "status" ? status : undefined);
  expect(await bench.run(["metrics"])).toBe(0);
  return bench.out.split("\n");
}

it("says in Prometheus' text format what status says: base units, labels escaped, counters as totals", async () => {
  const lines = await metricsOf(STATUS);
  expect(lines).toEqual(
    expect.arrayContaining([
      'pump_station_info{station="demo-lake",version="1"} 1',
      "pump_station_uptime_seconds 61.5",
      'pump_station_device_good{device="rain",type="odd \\"type\\"\\\\"} 0',
      "# TYPE pump_station_device_failures_total counter",
      'pump_station_device_failures_total{device="pump",type="pump-mk2"} 1',
      "pump_station_buffer_room_seconds 2678400",
      "pump_station_buffer_oldest_waiting_seconds 1800",
      "pump_station_buffer_dropped_unconfirmed_samples_total 4",
      "pump_station_uplink_connected 1",
      "pump_station_cpu_seconds_total 1.25",
    ]),
  );
  const samples = lines.filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of samples)
    expect(line).toMatch(/^pump_station_[a-z_]+(\{([a-z]+="(\\.|[^"\\])*",?)+\})? -?[\d.e+]+$/);
});

it("leaves out what isn't known, and never says 0 for it", async () => {
  const lines = await metricsOf({
    ...STATUS,
    buffer: { ...STATUS.buffer, roomDays: undefined },
  } as unknown as AgentStatus);
  const named = (name: string) => lines.filter((line) => line.includes(name));
  expect(named("pump_station_buffer_room_seconds")).toEqual([]);
  expect(named("pump_station_month_budget_bytes")).toEqual([]);
  expect(named('age_seconds{device="rain"')).toEqual([]);
});

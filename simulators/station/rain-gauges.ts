/** The tipping buckets on the pins of a station: rain fills them, tips become edges for whoever watches. */
import type { Clock, GpioPin } from "@pump-station/agent/world.ts";
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import type { PortService } from "../hardware/port-service.ts";
import { createTippingBucket, type Edge } from "../hardware/tipping-bucket.ts";
import type { Evidence, Journal } from "./evidence.ts";
import type { Surroundings } from "./surroundings.ts";

/** 0.01 inch, the usual bucket. */
const MM_PER_TIP = 0.2794;

export interface RainGauges {
  /** Lets it rain until now, at what it rains now. */
  rain(): void;
  readonly counted: () => Evidence["pulses"];
}

export function createRainGauges(deps: {
  readonly station: Station;
  readonly clock: Clock;
  readonly surroundings: Surroundings;
  readonly journal: Journal;
  readonly ports: PortService;
}): RainGauges {
  const devices = deps.station.devices.filter(({ protocol }) => protocol.kind === "pulses");
  const gauges = devices.map(({ name, port, pin }) => ({
    name,
    chip: deps.station.ports.get(port)?.path ?? "",
    pin: pin ?? 0,
    bucket: createTippingBucket({ mmPerTip: MM_PER_TIP }),
    coming: [] as Edge[],
    told: 0,
  }));
  let rainedUntilMs = deps.clock.bootMs();

  const tell = (gauge: (typeof gauges)[number], edge: Edge, nowMs: number) => {
    const watchers = deps.ports.edge(gauge.chip, gauge.pin, edge);
    if (!edge.isTip || watchers === 0) return;
    gauge.told++;
    const atMs = deps.clock.wallMs() - (nowMs - edge.atMs);
    deps.journal.add(gauge.name, { atMs, did: "tip", values: { tips: gauge.told } });
  };
  return {
    rain: () => {
      const nowMs = deps.clock.bootMs();
      const intensity = deps.surroundings.rainMmPerHour(nowMs);
      for (const gauge of gauges) {
        gauge.coming.push(...gauge.bucket.rain(rainedUntilMs, nowMs, intensity));
        const later = gauge.coming.findIndex((edge) => edge.atMs > nowMs);
        for (const edge of gauge.coming.splice(0, later < 0 ? gauge.coming.length : later)) tell(gauge, edge, nowMs);
      }
      rainedUntilMs = nowMs;
    },
    counted: () => Object.fromEntries(gauges.map(({ name, bucket, told }) => [name, { tips: bucket.tips, told }])),
  };
}

/** The pins that exist: those that the station file uses, on each GPIO chip by its label. */
export function pinsOf(station: Station): ReadonlyMap<string, ReadonlySet<GpioPin>> {
  const pins = new Map<string, Set<GpioPin>>();
  for (const { kind, path } of station.ports.values()) if (kind === "gpio") pins.set(path, new Set());
  for (const { port, pin } of station.devices) {
    if (pin !== undefined) pins.get(station.ports.get(port)?.path ?? "")?.add(pin);
  }
  return pins;
}

/**
 * One description at work: ports opened, devices asked at their times, readings made meaningful. Replaced as a whole
 * when the description changes; buffer, uplink and twin outlive it.
 */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { createCadence } from "./cadence/cadence.ts";
import { createAlarms } from "./preprocess/alarms.ts";
import { meantSample } from "./preprocess/meant-sample.ts";
import { createPreprocess } from "./preprocess/preprocess.ts";
import type { AlarmTransition, Sample } from "./reading.ts";
import type { TotalStore } from "./source/pulse-source.ts";
import { createSources } from "./source/sources.ts";
import type { Clock, Log, Ports, Timers } from "./world.ts";

export interface RunningStationDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly ports: Ports;
  readonly log: Log;
  readonly totals: TotalStore;
  /** Every sample as the sensor gave it, corrected and checked for plausibility: for `read` and for interlocks. */
  readonly onFresh: (device: Device, sample: Sample) => void;
  /** What is worth keeping. */
  readonly onSample: (sample: Sample) => void;
  readonly onAlarm: (transition: AlarmTransition) => void;
}

export type RunningStation = ReturnType<typeof createRunningStation>;

export function createRunningStation(
  deps: RunningStationDeps,
  station: Station,
  options: { readonly fullSpeed: boolean },
) {
  const active = station.devices.filter((device) => device.paused === undefined);
  const ports = createSources(deps, station);
  const { sources } = ports;
  const pipelines = new Map(
    active.map((device) => [device.name, { preprocess: createPreprocess(device), alarms: createAlarms(device) }]),
  );

  const onSample = (device: Device, sample: Sample): void => {
    const pipeline = pipelines.get(device.name);
    if (!pipeline) return;
    deps.onFresh(device, meantSample(device, sample));
    for (const kept of pipeline.preprocess.take(sample)) deps.onSample(kept);
    for (const transition of pipeline.alarms.take(sample)) deps.onAlarm(transition);
  };
  const cadence = createCadence(deps, active, sources, onSample, options);

  return {
    station,
    sources,
    cadence,
    activeAlarms: () =>
      [...pipelines].flatMap(([device, { alarms }]) => alarms.active().map((alarm) => `${device}.${alarm}`)),
    stop: async (): Promise<void> => {
      await cadence.stop();
      for (const { preprocess } of pipelines.values()) for (const kept of preprocess.flush()) deps.onSample(kept);
      await ports.close();
    },
  };
}

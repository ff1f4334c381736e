/**
 * One description at work: ports opened, devices asked at their times, readings made meaningful. Replaced as a whole
 * when the description changes; buffer, uplink and twin outlive it.
 */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { createCadence } from "./cadence/cadence.ts";
import { type Alarms, createAlarms } from "./preprocess/alarms.ts";
import { meantSample } from "./preprocess/meant-sample.ts";
import { createPreprocess, type Preprocess } from "./preprocess/preprocess.ts";
import { isProcessedAlike, tunedDevice } from "./preprocess/tuned-device.ts";
import type { AlarmTransition, Sample } from "./reading.ts";
import type { TotalStore } from "./source/pulse-source.ts";
import { createSources } from "./source/sources.ts";
import type { DeviceTuning } from "./tuning.ts";
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
  /** Alarms that the cloud believes to be active ("pump.too-hot"): a restart or a new description must be able to end them. */
  readonly activeAlarms: { load(): readonly string[]; save(names: readonly string[]): void };
}

export type RunningStation = ReturnType<typeof createRunningStation>;

export function createRunningStation(
  deps: RunningStationDeps,
  station: Station,
  options: { readonly fullSpeed: boolean },
) {
  const active = station.devices.filter((device) => device.paused === undefined);
  const onChanged = (device: string): void => void cadence.pollNow(device);
  const ports = createSources({ ...deps, onChanged }, station);
  const { sources } = ports;
  const believed = deps.activeAlarms.load();
  const pipelines = new Map<string, Pipeline>(
    active.map((device) => {
      const wereActive = device.alarms
        .map(({ name }) => name)
        .filter((name) => believed.includes(`${device.name}.${name}`));
      return [device.name, { device, preprocess: createPreprocess(device), alarms: createAlarms(device, wereActive) }];
    }),
  );
  const activeAlarms = (): string[] =>
    [...pipelines].flatMap(([device, { alarms }]) => alarms.active().map((alarm) => `${device}.${alarm}`));
  endForgotten(deps, believed, activeAlarms());

  const onSample = (device: Device, sample: Sample): void => {
    const pipeline = pipelines.get(device.name);
    if (!pipeline) return;
    deps.onFresh(device, meantSample(device, sample));
    for (const kept of pipeline.preprocess.take(sample)) deps.onSample(kept);
    const transitions = pipeline.alarms.take(sample);
    if (transitions.length === 0) return;
    // Noted before it is told that one begins, and after it is told that one ends: a kill in between tells it twice, never not.
    const told = transitions.map(({ alarm }) => `${device.name}.${alarm}`);
    deps.activeAlarms.save([...new Set([...activeAlarms(), ...told])]);
    for (const transition of transitions) deps.onAlarm(transition);
    deps.activeAlarms.save(activeAlarms());
  };
  const cadence = createCadence(deps, active, sources, onSample, options);
  for (const [device, source] of sources) source.onReport?.((sample) => cadence.hear(device, sample));

  return {
    station,
    sources,
    cadence,
    /**
     * What the cloud wants of a device that is asked. Filters and windows begin anew where they are concerned; what an
     * unfinished window holds is kept first. Alarms go on by their new limits; no port is touched.
     */
    tune: (name: string, tuning: DeviceTuning): void => {
      const pipeline = pipelines.get(name);
      const device = active.find((one) => one.name === name);
      if (!pipeline || !device) return;
      cadence.setEvery(name, tuning.everyMs);
      cadence.setFaster(name, tuning.fasterMs);
      const tuned = tunedDevice(device, tuning);
      pipeline.alarms.use(tuned);
      if (isProcessedAlike(pipeline.device, tuned)) return;
      for (const kept of pipeline.preprocess.flush()) deps.onSample(kept);
      pipeline.device = tuned;
      pipeline.preprocess = createPreprocess(tuned);
    },
    activeAlarms,
    /** What became of a device's newest sample; undefined for one that is paused. */
    way: (device: string) => {
      const pipeline = pipelines.get(device);
      return pipeline && { trace: pipeline.preprocess.newest(), alarms: pipeline.alarms.states() };
    },
    /** A device's newest sample of what leaves the station (`keptChannels`); undefined before there is one. */
    made: (device: string): Sample | undefined => pipelines.get(device)?.preprocess.made(),
    stop: async (): Promise<void> => {
      await cadence.stop();
      for (const { preprocess } of pipelines.values()) for (const kept of preprocess.flush()) deps.onSample(kept);
      await ports.close();
    },
  };
}

interface Pipeline {
  /** As its readings are processed now. */
  device: Device;
  preprocess: Preprocess;
  readonly alarms: Alarms;
}

/** An alarm whose device was paused or removed, or that its file no longer has, would stay active in the cloud for ever. */
function endForgotten(
  { clock, onAlarm, activeAlarms }: RunningStationDeps,
  believed: readonly string[],
  known: readonly string[],
): void {
  const forgotten = believed.filter((name) => !known.includes(name));
  for (const name of forgotten) {
    const at = name.indexOf(".");
    const [device, alarm] = [name.slice(0, at), name.slice(at + 1)];
    const because = "no longer watched: its device is paused, or it left the description";
    onAlarm({ device, alarm, severity: "info", active: false, bootMs: clock.bootMs(), because });
  }
  if (forgotten.length > 0) activeAlarms.save(known);
}

/**
 * When each device is asked. Monotonic time, slots on a grid that starts at the boot (so that the samples of a station
 * fall together and don't drift), the newest slot wins: a device that is still being asked misses its slot, and no
 * missed slot is made up for.
 */
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import type { Sample } from "../reading.ts";
import { valuesMeantBy } from "../source/newest-values.ts";
import type { DeviceSource } from "../source/source.ts";
import type { Clock, Log, Timers } from "../world.ts";
import { createPenaltyBox } from "./penalty-box.ts";

export interface Running {
  /** What runs now: the file's or the cloud's interval, or the faster one while its condition holds. */
  readonly everyMs: number;
  readonly isFaster: boolean;
  /** Not polled but probed, since it has not answered for a while. */
  readonly isProbed: boolean;
  /** Slots that passed while the device was still being asked. */
  readonly skipped: number;
}

export interface Cadence {
  /** The cloud's interval; undefined: the file's again. Throws RangeError for an interval that isn't above 0. */
  setEvery(device: string, everyMs: number | undefined): void;
  /** The cloud's interval while `faster:` holds; undefined: the file's again. Without effect on a device without it. */
  setFaster(device: string, everyMs: number | undefined): void;
  /** Asks the device now, out of turn; the sample goes the ordinary way. Nothing is asked after `stop`. */
  pollNow(device: string): Promise<void>;
  /** A sample that the device sent by itself, between two polls. */
  hear(device: string, sample: Sample): void;
  running(device: string): Running;
  /** No further polls; resolves when those under way have ended. */
  stop(): Promise<void>;
}

export interface CadenceDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/**
 * Asks every device that has a source once at start, then on its grid. `fullSpeed`, or an interval of 0: again as soon
 * as the last poll has ended, for replays and measurements.
 */
export function createCadence(
  deps: CadenceDeps,
  devices: readonly Device[],
  sources: ReadonlyMap<string, DeviceSource>,
  onSample: (device: Device, sample: Sample) => void,
  options: { readonly fullSpeed?: boolean } = {},
): Cadence {
  const rounds = new Map<string, Round>();
  for (const device of devices) {
    const source = sources.get(device.name);
    if (source) rounds.set(device.name, createRound(deps, device, source, onSample, options.fullSpeed ?? false));
  }
  const roundOf = (device: string): Round => {
    const round = rounds.get(device);
    if (!round) throw new RangeError(`cadence of ${device}: no such device is asked`);
    return round;
  };
  return {
    setEvery: (device, everyMs) => {
      if (everyMs !== undefined && !(everyMs > 0)) throw new RangeError(`every ${everyMs} ms: must be above 0`);
      roundOf(device).setEvery(everyMs);
    },
    setFaster: (device, everyMs) => {
      if (everyMs !== undefined && !(everyMs > 0)) throw new RangeError(`faster ${everyMs} ms: must be above 0`);
      roundOf(device).setFaster(everyMs);
    },
    pollNow: (device) => roundOf(device).pollNow(),
    hear: (device, sample) => roundOf(device).hear(sample),
    running: (device) => roundOf(device).running(),
    stop: async () => {
      await Promise.all([...rounds.values()].map((round) => round.stop()));
    },
  };
}

interface Round {
  setEvery(everyMs: number | undefined): void;
  setFaster(everyMs: number | undefined): void;
  pollNow(): Promise<void>;
  hear(sample: Sample): void;
  running(): Running;
  stop(): Promise<void>;
}

/** One device's slots. */
function createRound(
  { clock, timers, log }: CadenceDeps,
  device: Device,
  source: DeviceSource,
  onSample: (device: Device, sample: Sample) => void,
  fullSpeed: boolean,
): Round {
  const penalty = createPenaltyBox(device.name, log);
  const asked = askedValues(device);
  let cloudEveryMs: number | undefined;
  let cloudFasterMs: number | undefined;
  let isFaster = false;
  let skipped = 0;
  let lastSlotMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<Sample> | undefined;
  let outOfTurn: Promise<void> | undefined;
  let cancelSlot = (): void => {};
  let isStopped = false;

  const everyMs = (): number => {
    if (fullSpeed) return 0;
    const usual = cloudEveryMs ?? device.everyMs;
    return isFaster && device.faster ? Math.min(usual, cloudFasterMs ?? device.faster.everyMs) : usual;
  };

  const scheduleNext = (): void => {
    cancelSlot();
    if (isStopped) return;
    const nowMs = clock.bootMs();
    const every = everyMs();
    const probeAtMs = penalty.probeAtMs(every);
    if (underWay && (probeAtMs !== undefined || every === 0)) return; // Its end schedules the next.
    // A timer may fire a little early by another clock; its slot must not come twice.
    const slotMs = probeAtMs ?? (every === 0 ? nowMs : nextOnGrid(Math.max(nowMs, lastSlotMs), every));
    cancelSlot = timers.after(Math.max(0, slotMs - nowMs), () => onSlot(slotMs));
  };

  const onSlot = (slotMs: number): void => {
    lastSlotMs = slotMs;
    if (underWay) skipped++;
    else void poll();
    scheduleNext();
  };

  const poll = (): Promise<Sample> => {
    const mine = source.poll().then((sample) => {
      underWay = undefined;
      onTaken(sample, true);
      return sample;
    });
    underWay = mine;
    return mine;
  };

  const onTaken = (sample: Sample, isPoll: boolean): void => {
    const before = { every: everyMs(), isProbed: penalty.isProbed() };
    // What a device sends by itself doesn't say that it answers, if it is asked for anything.
    const decisive = isPoll || asked.isNothing ? asked.of(sample) : [];
    if (decisive.length > 0) penalty.onValues(decisive, clock.bootMs(), before.every);
    // Undefined (a value is missing): as it was.
    isFaster = device.faster?.when.test(valuesMeantBy(device, sample)) ?? isFaster;
    onSample(device, sample);
    const isSameAsBefore = before.every === everyMs() && !before.isProbed && !penalty.isProbed();
    if ((isPoll && before.every === 0) || !isSameAsBefore) scheduleNext();
  };

  const pollNow = async (): Promise<void> => {
    // One that is under way may have read before the moment that the caller cares about.
    outOfTurn ??= (underWay ?? Promise.resolve()).then(async () => {
      outOfTurn = undefined;
      if (!isStopped) await (underWay ?? poll());
    });
    await outOfTurn;
  };

  void poll();
  scheduleNext();
  return {
    setEvery: (ms) => {
      cloudEveryMs = ms;
      scheduleNext();
    },
    setFaster: (ms) => {
      cloudFasterMs = ms;
      if (isFaster) scheduleNext();
    },
    pollNow,
    hear: (sample) => {
      if (!isStopped) onTaken(sample, false);
    },
    running: () => ({ everyMs: everyMs(), isFaster, isProbed: penalty.isProbed(), skipped }),
    stop: async () => {
      isStopped = true;
      cancelSlot();
      source.interrupt?.();
      await (outOfTurn ?? underWay);
    },
  };
}

/** The values that the device was asked for; for one that only sends by itself, all. */
function askedValues({ protocol, channels }: Device) {
  const reads = protocol.kind === "serial" ? protocol.reads : [];
  const answered = new Set(reads.flatMap((read) => (read.isReport ? [] : read.channels)));
  return {
    isNothing: answered.size === 0,
    of: ({ values }: Sample) =>
      answered.size === 0 ? values : values.filter((_, at) => answered.has(channels[at]?.name ?? "")),
  };
}

/** The first multiple of `everyMs` after `ms`. */
const nextOnGrid = (ms: number, everyMs: number): number => (Math.floor(ms / everyMs) + 1) * everyMs;

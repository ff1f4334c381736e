/** The twin of one station at work: a pump that keeps its target, a cloud, and a state file that outlives processes. */
import type { Condition, Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import type { CloudConnection } from "../cloud/cloud.ts";
import type { LiveOutcome, WriteOutcome } from "../outcome.ts";
import type { DeviceTuning, UploadPolicy } from "../tuning.ts";
import { createTwin, type Twin } from "../twin/twin.ts";
import type { JsonObject } from "../wire/twin-document.ts";
import { createMemoryCloud } from "./memory-cloud.ts";
import { createSimulatedTime } from "./simulated-time.ts";

const isIdle: Condition = { text: "state is idle", channels: ["state"], test: () => true };

export const deviceOf = (name: string, more: Partial<Device> = {}): Device => ({
  name,
  type: "pump-mk2",
  port: "baseboard",
  address: 1,
  protocol: { kind: "pulses", edge: "rising", debounceMs: 1, values: () => new Map() },
  channels: [{ name: "target", kind: "gauge", unit: "mbar", resolution: 0.1 }],
  everyMs: 30_000,
  correct: new Map(),
  smallChange: new Map(),
  heartbeatMs: 900_000,
  settings: [
    { name: "target", readBack: "target", unit: "mbar", range: { low: 200, high: 1000 }, step: 10, onlyWhen: isIdle },
  ],
  commands: [{ name: "stop", withinMs: 2_000 }],
  alarms: [],
  place: "station.yaml:21",
  ...more,
});

export const stationOf = (...devices: Device[]): Station => ({
  name: "demo-lake",
  label: "",
  timeZone: "Europe/Berlin",
  ports: new Map(),
  devices,
  hash: "abc",
});

export const OWN_UPLOAD = {
  interval: 900,
  windows: "always",
  "keep-alive": "learn",
  connection: "by-cost",
  "commit-interval": 10,
};

/** A station whose pump keeps its target, a cloud, and a state file that outlives processes. */
export type TwinBench = ReturnType<typeof createTwinBench>;

export function createTwinBench(station = stationOf(deviceOf("pump"))) {
  const time = createSimulatedTime();
  const memory = createMemoryCloud(time);
  const disk: { document?: JsonObject; saves: number; isFull?: boolean } = { saves: 0 };
  const pump = {
    target: 500,
    every: undefined as number | undefined,
    uploadMs: undefined as number | undefined,
    policy: {} as UploadPolicy,
    policies: [] as UploadPolicy[],
    tunings: new Map<string, DeviceTuning>(),
    proofs: 0,
    interlock: undefined as string | undefined,
    /** Instead of the plain outcome of set(). */
    outcome: undefined as (() => WriteOutcome) | undefined,
    hangs: false,
    /** Whatever is set is read back, on all devices. */
    readsBack: false,
    sets: [] as number[],
    writes: [] as number[],
    live: [] as (number | undefined)[],
    liveOutcome: { state: "runs", forMs: 600_000 } as LiveOutcome,
  };
  const facts = { current: { agent: { version: "1" }, devices: { pump: { health: "good" } } } as JsonObject };
  const errors: unknown[] = [];
  const link = { acknowledged: 0, isNothingWaiting: false, isOpen: true };

  /** One process of the agent. */
  const start = () => {
    const controller = new AbortController();
    let alive = true;
    const twin: Twin = createTwin(
      {
        clock: time.clock,
        timers: time.timers,
        log: () => undefined,
        state: {
          load: () => structuredClone(disk.document),
          save: (document) => {
            if (!alive) return;
            if (disk.isFull) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
            disk.document = structuredClone(document);
            disk.saves++;
          },
        },
        station: () => station,
        apply: {
          set: async (device, _setting, value) => {
            if (!alive || pump.hangs) return new Promise(() => undefined);
            if (device === "pump") pump.sets.push(value);
            if (pump.readsBack) return { done: "applied", value };
            if (pump.outcome) return pump.outcome();
            if (pump.target === value) return { done: "applied", value };
            if (pump.interlock !== undefined) {
              return { done: "interlocked", reason: pump.interlock, value: pump.target };
            }
            pump.writes.push(value);
            pump.target = value;
            return { done: "applied", value };
          },
          tune: (device, tuning) => {
            if (!alive) return;
            if (device === "pump") pump.every = tuning.everyMs;
            pump.tunings.set(device, tuning);
          },
          setUpload: (policy) => {
            if (!alive) return;
            pump.uploadMs = policy.intervalMs;
            pump.policy = policy;
            pump.policies.push(policy);
          },
          proveLink: () => {
            if (alive) pump.proofs++;
          },
          linkProof: () => ({
            acknowledged: link.acknowledged,
            isNothingWaiting: link.isNothingWaiting,
            isOpen: link.isOpen,
          }),
          setLive: (wanted) => {
            if (alive) pump.live.push(wanted?.everyMs);
            return pump.liveOutcome;
          },
        },
        facts: () => facts.current,
        readBack: () => undefined,
      },
      { upload: OWN_UPLOAD },
    );
    pump.every = undefined;
    pump.uploadMs = undefined;
    pump.policy = {};
    pump.tunings.clear();
    const running = twin.run(controller.signal).catch((error: unknown) => errors.push(error));
    return {
      twin,
      connect: async (): Promise<CloudConnection> => {
        const connection = await memory.cloud.connect(new AbortController().signal);
        connection.onClosed(() => alive && twin.onConnection(undefined));
        twin.onConnection(connection);
        return connection;
      },
      /** kill -9 */
      kill: () => {
        alive = false;
        memory.cut();
      },
      stop: async () => {
        controller.abort(new Error("SIGTERM"));
        // As the uplink does at the same signal: a report whose answer got lost ends with its connection.
        memory.cut("closed by us");
        await running;
        alive = false;
      },
    };
  };

  const reported = (path: string): JsonObject | undefined => {
    let value: unknown = memory.far.twin.documents().reported;
    for (const key of path.split("/")) value = (value as Record<string, unknown> | undefined)?.[key];
    return value as JsonObject | undefined;
  };
  return {
    ...time,
    ...memory,
    memory,
    far: memory.far,
    faults: memory.faults,
    disk,
    pump,
    facts,
    link,
    errors,
    start,
    reported,
  };
}

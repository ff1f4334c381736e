/**
 * Desired → running → reported. Two loops, level-triggered: one applies what differs, one talks with the cloud; a slow
 * device doesn't hold up a report, nor a silent bridge a setting. Everything else only says that there is something to do.
 *
 * A desired document can't kill the station: its version is marked "trying" on disk before it is applied for the first
 * time, and a process that starts with the mark set refuses that version and runs the last good one. Retries of an
 * interlocked setting aren't marked: they would write the disk every ten seconds for as long as a pump runs.
 */
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import type { CloudConnection } from "../cloud/cloud.ts";
import { createWaker } from "../cloud/waker.ts";
import type { Json, JsonObject } from "../wire/twin-document.ts";
import type { Clock, Log, Timers } from "../world.ts";
import { type Acknowledgement, createApplied, type Target } from "./applied.ts";
import type { Apply } from "./apply.ts";
import { createMemory, type Memory, type TwinStateFile } from "./memory.ts";
import { createMirror, type Versioned } from "./mirror.ts";
import { isSame } from "./patch-between.ts";
import { ownValues, reportedFrom } from "./reported.ts";
import { createReporter } from "./reporter.ts";
import { readDesired } from "./settings.ts";
import { type SettingStatus, statusFrom } from "./status.ts";
import { createSync } from "./sync.ts";

export interface TwinDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly state: TwinStateFile;
  /** As it runs now; call `stationChanged` when it becomes another. */
  readonly station: () => Station;
  readonly apply: Apply;
  /** Follows the desired `description`, whose acknowledgement takes longer than any setting's. */
  readonly description?: {
    aim(desired: Json | undefined, version: number): void;
    acknowledgements(): readonly Acknowledgement[];
  };
  /** What is reported beside settings: agent, description, buffer, schemas, devices.*.health. Cheap: asked often. */
  readonly facts: () => JsonObject;
  /** The newest value read of a setting's read-back channel; undefined when there is none. */
  readonly readBack: (device: string, setting: string) => number | undefined;
}

export interface TwinConfig {
  /** The configuration's own upload interval, which a desired one replaces. */
  readonly uploadIntervalMs: number;
}

export interface Twin {
  /** Resolves when aborted. Rejects only on a bug; the "trying" mark then stays. */
  run(signal: AbortSignal): Promise<void>;
  /** For `uplink.onConnection`. */
  onConnection(connection: CloudConnection | undefined): void;
  /** A device answers again: its settings may have been lost with its power. */
  deviceReappeared(device: string): void;
  /** A fact that is reported has changed. */
  changed(): void;
  /** Another description runs: desired values are judged anew. */
  stationChanged(): void;
  status(): readonly SettingStatus[];
}

/** How often facts are looked at when nobody calls. */
const LOOK_EVERY_MS = 10_000;
/** A new version's first report waits this long for its outcome: most are applied at once, and two reports cost twice. */
const OUTCOME_PATIENCE_MS = 5_000;

export function createTwin(deps: TwinDeps, config: TwinConfig): Twin {
  const { clock, log } = deps;
  const applyWaker = createWaker(deps);
  const syncWaker = createWaker(deps);
  const memory = createMemory({ file: deps.state, log });
  const mirror = createMirror(memory.now.current);
  const applied = createApplied(deps);
  const parts = () => ({
    station: deps.station(),
    readBack: deps.readBack,
    uploadIntervalS: config.uploadIntervalMs / 1000,
  });
  const acknowledgements = () => [...applied.acknowledgements(), ...(deps.description?.acknowledgements() ?? [])];
  const reporter = createReporter({
    ...deps,
    document: () => reportedFrom({ ...parts(), facts: deps.facts(), acknowledgements: acknowledgements() }),
  });
  const sync = createSync({
    clock,
    log,
    mirror,
    reporter,
    onDesired: () => {
      applyWaker.wake();
      syncWaker.wake();
    },
  });
  let aimed: Versioned | undefined;
  let reportHeldUntil = 0;

  /** New from the cloud: on disk and, unless the same ran before, marked before anything of it is applied. */
  const adopt = (next: Versioned): void => {
    aimed = next;
    deps.description?.aim(next.desired["description"], next.version);
    reportHeldUntil = clock.bootMs() + OUTCOME_PATIENCE_MS;
    const { refused, lastGood } = memory.now;
    if (refused && isSameVersion(refused, next))
      return applied.aim(targetAfterRefusal(deps.station(), refused, lastGood));
    const isProven = lastGood !== undefined && isSame(lastGood.desired, next.desired);
    memory.change({ current: next, trying: isProven ? undefined : next.version, refused: undefined });
    applied.aim({ version: next.version, reading: readDesired(deps.station(), next.desired), failed: [] });
  };

  const isSuperseded = (): boolean => mirror.current !== aimed;

  const applyOnce = async (): Promise<void> => {
    if (mirror.current && isSuperseded()) adopt(mirror.current);
    await applied.applyDue(isSuperseded);
    if (isSuperseded()) return;
    reportHeldUntil = 0;
    syncWaker.wake();
    if (memory.now.trying === undefined) return;
    memory.change({ lastGood: memory.now.current, trying: undefined });
    log("info", "twin-applied", { version: aimed?.version });
  };

  const applyLoop = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await applyOnce();
      const waitMs = Math.min(applied.nextAt - clock.bootMs(), LOOK_EVERY_MS);
      if (!isSuperseded() && waitMs > 0) await applyWaker.wait(waitMs, signal);
    }
  };

  const syncLoop = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await sync.fetch();
      await sync.report(reportHeldUntil);
      const waitMs = Math.min(sync.nextAt(reportHeldUntil) - clock.bootMs(), LOOK_EVERY_MS);
      if (waitMs > 0) await syncWaker.wait(waitMs, signal);
    }
  };

  return {
    run: async (signal) => {
      refuseWhatEndedTheLastProcess(memory, log);
      // An orderly stop is no crash, also when it comes in the middle of applying.
      const unmark = () => memory.now.trying !== undefined && memory.change({ trying: undefined });
      signal.addEventListener("abort", unmark, { once: true });
      try {
        await Promise.all([applyLoop(signal), syncLoop(signal)]);
      } catch (error) {
        // Whoever is told stops the process in order, which this end is not.
        signal.removeEventListener("abort", unmark);
        throw error;
      }
    },
    onConnection: (connection) => {
      sync.connection(connection);
      syncWaker.wake();
    },
    deviceReappeared: (device) => {
      applied.readBackSoon(device);
      applyWaker.wake();
    },
    changed: () => syncWaker.wake(),
    stationChanged: () => {
      aimed = undefined;
      applied.applyAgain();
      applyWaker.wake();
    },
    status: () => statusFrom({ clock, own: new Map(ownValues(parts())), acknowledgements: acknowledgements() }),
  };
}

function refuseWhatEndedTheLastProcess(memory: Memory, log: Log): void {
  const { trying, current } = memory.now;
  if (trying === undefined || !current) return;
  log("error", "twin-version-refused", { version: trying });
  memory.change({ trying: undefined, refused: current });
}

const isSameVersion = (a: Versioned, b: Versioned): boolean => a.version === b.version && isSame(a.desired, b.desired);

/** The last good document runs; where the refused one differs from it, that is said with the reason. */
function targetAfterRefusal(station: Station, refused: Versioned, lastGood: Versioned | undefined): Target {
  const asked = readDesired(station, refused.desired);
  const runs = readDesired(station, lastGood?.desired ?? {});
  const same = (path: string, value: number) => runs.wanted.some((item) => item.path === path && item.value === value);
  const because = `the agent ended while version ${refused.version} was applied`;
  return {
    version: refused.version,
    reading: { wanted: runs.wanted, refused: asked.refused },
    failed: asked.wanted
      .filter(({ path, value }) => !same(path, value))
      .map(({ path }) => ({ path, reason: `${because}; version ${lastGood?.version ?? "none"} runs` })),
  };
}

/**
 * Desired → running → reported. Two loops, level-triggered: one applies what differs, one talks with the cloud; a slow
 * device doesn't hold up a report, nor a silent bridge a setting. Everything else only says that there is something to do.
 *
 * A desired document can't kill the station: its version is marked "trying" on disk before it is applied for the first
 * time, and a process that starts with the mark set refuses that version and runs the last good one (crash-watch.ts).
 * Nor can it cut the station off: settings of the link are on trial (link-trial.ts). Retries of an interlocked setting
 * aren't marked: they would write the disk every ten seconds for as long as a pump runs.
 */
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import type { CloudConnection } from "../cloud/cloud.ts";
import { createWaker } from "../cloud/waker.ts";
import type { Json, JsonObject } from "../wire/twin-document.ts";
import type { Clock, Log, Timers } from "../world.ts";
import { type Acknowledgement, createApplied, type Target } from "./applied.ts";
import type { Apply } from "./apply.ts";
import { createCrashWatch, isSameVersion } from "./crash-watch.ts";
import type { OwnUpload } from "./declared-settings.ts";
import { createLinkTrial } from "./link-trial.ts";
import { createMemory, type Refused, type TwinStateFile } from "./memory.ts";
import { createMirror, type Versioned } from "./mirror.ts";
import { isSame } from "./patch-between.ts";
import { ownValues, reportedFrom } from "./reported.ts";
import { createReporter } from "./reporter.ts";
import { sectionFrom } from "./section.ts";
import type { SettingValue } from "./setting-shape.ts";
import { readDesired } from "./settings.ts";
import { type SettingStatus, statusFrom } from "./status.ts";
import { createSync } from "./sync.ts";
import { problemOfWhole } from "./whole-document.ts";

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
  /** The configuration's own upload settings, which desired ones replace. */
  readonly upload: OwnUpload;
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
  const crashWatch = createCrashWatch({ clock, log, memory });
  const linkTrial = createLinkTrial({ clock, log, memory });
  const parts = () => ({ station: deps.station(), readBack: deps.readBack, upload: config.upload });
  const all = () => [...applied.acknowledgements(), ...(deps.description?.acknowledgements() ?? [])];
  const reporter = createReporter({
    ...deps,
    document: () => {
      const acknowledgements = all();
      const document = reportedFrom({ ...parts(), facts: deps.facts(), acknowledgements });
      return { ...document, twin: { ...section(acknowledgements), ...sinceThen() } };
    },
  });
  const sync = createSync({
    clock,
    log,
    mirror,
    reporter,
    onDesired: () => {
      if (isSuperseded()) reportHeldUntil = clock.bootMs() + OUTCOME_PATIENCE_MS;
      applyWaker.wake();
      syncWaker.wake();
    },
    onFetched: (startedAt) => {
      linkTrial.fetched(startedAt);
      applyWaker.wake();
    },
  });
  /** What the mirror had when it was last looked at; undefined: look again. */
  let aimed: Versioned | undefined;
  /** The newest document, where it is refused as a whole. */
  let refusedWhole: { readonly version: number; readonly reason: string } | undefined;
  let reportHeldUntil = 0;
  let digestSince: { readonly digest: Json | undefined; readonly at: number } | undefined;

  const section = (acknowledgements: readonly Acknowledgement[]): JsonObject => {
    const made = sectionFrom({
      version: refusedWhole?.version ?? memory.now.current?.version ?? 0,
      desired: memory.now.current?.desired ?? {},
      acknowledgements,
      refused: refusedWhole?.reason,
      crashes: crashWatch.crashes,
      unnamed: applied.unnamed,
    });
    const digest = made["digest"];
    if (digestSince?.digest !== digest) digestSince = { digest, at: clock.bootMs() };
    return made;
  };
  const sinceThen = (): JsonObject => {
    if (!digestSince || !clock.isWallTrusted()) return {};
    const wallMs = clock.wallMs() + digestSince.at - clock.bootMs();
    return { since: `${new Date(wallMs).toISOString().slice(0, 16)}Z` };
  };

  /** New from the cloud: on disk and, unless the same ran before, marked before anything of it is applied. */
  const adopt = (next: Versioned): void => {
    const isFirst = aimed === undefined;
    aimed = next;
    const problem = problemOfWhole(next.desired);
    refusedWhole = problem === undefined ? undefined : { version: next.version, reason: problem };
    const { current, lastGood } = memory.now;
    const isKnown = current !== undefined && isSameVersion(current, next);
    if (problem !== undefined) {
      log("error", "twin-document-refused", { version: next.version, reason: problem });
      if (isFirst && current) aimAt(current);
    } else if (isFirst || !isKnown) {
      reportHeldUntil = clock.bootMs() + OUTCOME_PATIENCE_MS;
      const refused = memory.now.refused;
      const isRefused = refused !== undefined && isSameVersion(refused, next);
      const isProven = lastGood !== undefined && isSame(lastGood.desired, next.desired);
      if (!isKnown || !isProven) {
        const isMarked = !isProven && !(isRefused && !refused.isRetried);
        memory.change({
          current: next,
          trying: isMarked ? next.version : undefined,
          refused: isRefused ? refused : undefined,
        });
      }
      if (!isKnown) crashWatch.adopted();
      aimAt(next);
    }
  };

  /** What runs: the document itself, or where it is refused the last good one. */
  const aimAt = (document: Versioned): void => {
    deps.description?.aim(document.desired["description"], document.version);
    const { refused } = memory.now;
    const isRefused = refused !== undefined && isSameVersion(refused, document) && !refused.isRetried;
    const target = isRefused
      ? targetAfterRefusal(deps.station(), refused)
      : { version: document.version, reading: readDesired(deps.station(), document.desired), failed: [] };
    const { reading, failed, onTrial } = linkTrial.judge(target.reading);
    applied.aim({ version: target.version, reading, failed: [...target.failed, ...failed], onTrial });
  };

  const isSuperseded = (): boolean => mirror.current !== aimed;

  const applyOnce = async (): Promise<void> => {
    if (mirror.current && isSuperseded()) adopt(mirror.current);
    await applied.applyDue(isSuperseded);
    if (isSuperseded()) return;
    reportHeldUntil = 0;
    if (linkTrial.applied()) deps.apply.proveLink();
    syncWaker.wake();
    if (memory.now.trying !== undefined) {
      memory.change({ lastGood: memory.now.current, trying: undefined });
      log("info", "twin-applied", { version: aimed?.version });
    }
    const [isTriedAgain, isDecided] = [crashWatch.look(), linkTrial.look(deps.apply.linkProof())];
    if (isTriedAgain || isDecided) aimed = undefined;
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
      crashWatch.started();
      // An orderly stop is no crash, also when it comes in the middle of applying.
      const unmark = () => crashWatch.ended();
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
    status: () => statusFrom({ clock, own: ownValues(parts()), acknowledgements: all() }),
  };
}

/** The last good document runs; where the refused one differs from it, that is said with the reason. */
function targetAfterRefusal(station: Station, refused: Refused): Target {
  const { instead, because } = refused;
  const asked = readDesired(station, refused.desired);
  const runs = readDesired(station, instead?.desired ?? {});
  const same = (path: string, value: SettingValue) =>
    runs.wanted.some((item) => item.path === path && item.value === value);
  const what = instead ? `version ${instead.version} runs` : "what the files say runs";
  return {
    version: refused.version,
    reading: { ...asked, wanted: runs.wanted },
    failed: asked.wanted
      .filter(({ path, value }) => !same(path, value))
      .map(({ path }) => ({ path, reason: `${because}; ${what}` })),
  };
}

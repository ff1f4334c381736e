/**
 * Which description runs, from the first start to the next saved file: a good file is tried in place of the one that
 * runs and goes live if no device is worse for it; a broken one never does. What ran last is kept with all its device
 * files, so that a restart with a broken file still reads the sensors.
 *
 *   saved → settled → checked ─ broken ──────────────────────────────► last good
 *                        └─ good → marked on disk → tried ─ worse ───► last good, the text kept aside
 *                                                      └─ not worse ► last good is this one now
 *
 * A process that starts with the mark set runs the last good one: what was tried ended the process before.
 */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import type { KeptDescription, LoadedDescription, SourceText } from "../description.ts";
import { loadDescription, loadKept, NOTHING } from "../description.ts";
import type { Sample } from "../reading.ts";
import type { Clock, Files, Log, Timers } from "../world.ts";
import { answersFrom, storedAnswers } from "./answers.ts";
import { createMemory, type GoingLiveFile, type Memory } from "./memory.ts";
import { descriptionStatus, fileHash, problemLines } from "./said.ts";
import { createStage, type Live, liveFrom, type Stage } from "./stage.ts";
import { type DescriptionStatus, NO_TRIAL, type TrialAnswer, type Verdict } from "./status.ts";
import { unlessTorn } from "./torn.ts";
import { createWatching } from "./watching.ts";

export interface GoingLiveDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly files: Files;
  readonly log: Log;
  readonly kept: { load(): unknown; save(kept: KeptDescription): void };
  readonly state: GoingLiveFile;
  /** Puts a description to work in place of the one that runs; if it throws, the one before still runs. */
  readonly run: (station: Station) => Promise<void>;
}

export interface GoingLiveConfig {
  readonly path: string;
  readonly folders: readonly string[];
  /** The name in agent.yaml. */
  readonly station: string;
  /** Folder for rejected texts. */
  readonly rejected: string;
  /** Shortest trial. */
  readonly trialMs: number;
}

export interface GoingLive {
  start(): Promise<void>;
  /** Every sample, as meant; of whichever description. */
  took(device: Device, sample: Sample): void;
  status(): DescriptionStatus;
  trial(): TrialAnswer;
  /** Texts of what runs, station file first; empty when nothing does. */
  running(): readonly SourceText[];
  /** Looks at the file now, and tries it even if it was rolled back before; `keep`: whatever comes of it. */
  tryNow(options: { readonly keep: boolean }): Promise<TrialAnswer>;
  /** Ends the trial by hand. Throws Error when there is none. */
  decide(outcome: Verdict["outcome"]): Promise<TrialAnswer>;
  /** `isOrderly`: asked for; a trial then goes on after the next start. Otherwise it counts as what ended the process. */
  stop(isOrderly: boolean): Promise<void>;
}

export function createGoingLive(deps: GoingLiveDeps, config: GoingLiveConfig): GoingLive {
  const { log } = deps;
  const memory = createMemory({ file: deps.state, log });
  let file: LoadedDescription = NOTHING;
  let failure: string | undefined;
  let turn: Promise<void> = Promise.resolve();

  /** One thing at a time, in order; one that fails is told, and the next one may succeed. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn.then(work).catch((error: unknown) => {
      log("error", "description-failed", { error: String(error) });
      failure = `${config.path}: going live failed: ${error instanceof Error ? error.message : String(error)}`;
    });
    return turn;
  };
  const keep = (files: readonly SourceText[]): void => keptOrSaid(deps, files);
  const stage = createStage({ ...deps, memory, keep, inTurn }, config, answersFrom(memory.now.answered));
  const watching = createWatching(deps, config, () => void inTurn(() => look(SAVED)));

  const look = async (ask: Ask): Promise<void> => {
    failure = undefined;
    const loaded = loadDescription(deps.files, config.path, config.folders);
    watching.follow(loaded.files);
    file = ask.explicit ? loaded : unlessTorn(loaded, (stage.live ?? ranBefore(deps))?.files ?? []);
    if (file.station && fileHash(file) !== null) return take(file.station, ask);
    log("error", "description-broken", {
      path: config.path,
      problems: problemLines(file, config.station).slice(0, 20),
    });
    await runLastGood();
  };

  const take = async (station: Station, ask: Ask): Promise<void> => {
    const good = stage.lastGood ?? ranBefore(deps);
    const isRefused = memory.now.verdict?.outcome === "rolled-back" && memory.now.verdict.hash === station.hash;
    if (station.hash === stage.live?.station.hash) return keepIf(ask);
    if (stage.trial && station.hash === good?.station.hash) return stage.withdraw();
    if (isRefused && !ask.explicit) return stage.trial ? stage.withdraw() : runLastGood();
    if (!good || good.station.hash === station.hash) {
      await stage.run(station, file.files);
      return keep(file.files);
    }
    await stage.tryOut(good, station, file.files);
    await keepIf(ask);
  };

  const keepIf = async ({ keep: isKept }: Ask): Promise<void> => {
    if (isKept) await stage.end({ outcome: "kept", because: ["asked to keep it"], listed: [] });
  };

  const runLastGood = async (): Promise<void> => {
    const good = stage.live ? undefined : ranBefore(deps);
    if (good) await stage.run(good.station, good.files);
  };

  const status = (): DescriptionStatus =>
    descriptionStatus({ ...config, file, stage, verdict: memory.now.verdict, failure });
  const trial = (): TrialAnswer => ({ ...status(), fileHash: fileHash(file), folders: config.folders });

  return {
    start: () =>
      inTurn(async () => {
        refuseWhatEndedTheLastProcess(deps, config, memory, stage);
        // From now on what is heard counts; a process that is killed must not leave news of years ago.
        memory.change({ answered: undefined });
        const good = keptDescription(deps.kept.load()).files;
        if (!watching.isCut(good.slice(0, 1))) return look(SAVED);
        // It is being saved while the agent starts.
        watching.follow(good);
        watching.changed();
        await runLastGood();
      }),
    took: (device, sample) => stage.live?.answers.take(device, sample),
    status,
    trial,
    running: () => stage.live?.files ?? [],
    tryNow: async ({ keep: isKept }) => {
      watching.cancel();
      await inTurn(() => look({ explicit: true, keep: isKept }));
      return trial();
    },
    decide: async (outcome) => {
      if (!stage.trial) throw new Error(NO_TRIAL);
      const because = [`asked to ${outcome === "kept" ? "keep it" : "roll back"}`];
      await inTurn(() => stage.end({ outcome, because, listed: [] }));
      return trial();
    },
    stop: async (isOrderly) => {
      watching.stop();
      stage.stop();
      await turn;
      if (isOrderly) memory.change({ trying: undefined, answered: storedAnswers(stage.answersBefore()) });
    },
  };
}

interface Ask {
  /** By a person who means this very file, also if it was rolled back before. */
  readonly explicit: boolean;
  readonly keep: boolean;
}
const SAVED: Ask = { explicit: false, keep: false };

/** A disk that can't be written costs the memory of what ran well, not what runs. */
function keptOrSaid({ kept, log }: Pick<GoingLiveDeps, "kept" | "log">, files: readonly SourceText[]): void {
  try {
    kept.save({ files });
  } catch (error) {
    log("error", "description-not-kept", { error: String(error) });
  }
}

/** The mark of a process that ended in the middle of a trial becomes the verdict on what it tried. */
function refuseWhatEndedTheLastProcess(
  deps: GoingLiveDeps,
  config: GoingLiveConfig,
  memory: Memory,
  stage: Stage,
): void {
  const { trying } = memory.now;
  if (trying === undefined) return;
  const because = ["the agent ended in the middle of the trial (a crash, or the power)"];
  const verdict: Verdict = { hash: trying, outcome: "rolled-back", because, listed: [], atMs: deps.clock.wallMs() };
  const { station, files } = loadDescription(deps.files, config.path, config.folders);
  stage.reject(station?.hash === trying ? files : [], keptDescription(deps.kept.load()).files, verdict);
}

/** What ran well before the restart; undefined when there is none, or none that can still be loaded. */
function ranBefore({ kept }: Pick<GoingLiveDeps, "kept">): Live | undefined {
  const before = keptDescription(kept.load());
  return before.station && fileHash(before) !== null ? liveFrom(before.station, before.files) : undefined;
}

function keptDescription(stored: unknown): LoadedDescription {
  const files = (stored as Partial<KeptDescription> | undefined)?.files;
  const isText = (file: unknown): boolean =>
    typeof file === "object" &&
    file !== null &&
    "path" in file &&
    "text" in file &&
    typeof file.path === "string" &&
    typeof file.text === "string";
  if (!Array.isArray(files) || !files.every(isText)) return NOTHING;
  return loadKept({ files });
}

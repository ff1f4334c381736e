/** What runs, and while it is on trial, what runs again if it fails. Every way off the trial is here. */
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import type { SourceText } from "../description.ts";
import { TRIAL_LOOK_MS } from "../limits.ts";
import type { Clock, Files, Log, Timers } from "../world.ts";
import { type AnswerLog, type Answers, createAnswerLog } from "./answers.ts";
import { differences } from "./differences.ts";
import type { Memory } from "./memory.ts";
import { keepRejected } from "./rejected.ts";
import type { Verdict } from "./status.ts";
import { createTrial, type Trial } from "./trial.ts";

export interface StageDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly files: Files;
  readonly log: Log;
  readonly memory: Memory;
  /** Puts a description to work in place of the one that runs; if it throws, the one before still runs. */
  readonly run: (station: Station) => Promise<void>;
  /** Remembers what ran well, for the next start. */
  readonly keep: (files: readonly SourceText[]) => void;
  /** One thing at a time. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>;
}

export interface Live {
  readonly station: Station;
  readonly files: readonly SourceText[];
  readonly answers: AnswerLog;
}

export type Judged = Pick<Verdict, "outcome" | "because" | "listed">;

export interface Stage {
  readonly live: Live | undefined;
  readonly trial: Trial | undefined;
  /** What runs when nothing is on trial. */
  readonly lastGood: Live | undefined;
  /** Without a trial: the first one, or what ran before the restart. */
  run(station: Station, files: readonly SourceText[]): Promise<void>;
  /** In place of `good`, which runs again when it fails; a trial that is under way gives way to this one. */
  tryOut(good: Live, station: Station, files: readonly SourceText[]): Promise<void>;
  end(judged: Judged): Promise<void>;
  /** What ran before runs again, without a verdict. */
  withdraw(): Promise<void>;
  /** A text that is not to run again by itself. */
  reject(tried: readonly SourceText[], good: readonly SourceText[], verdict: Verdict): void;
  /** How the devices answered under the last good description. */
  answersBefore(): Answers;
  stop(): void;
}

export const liveFrom = (station: Station, files: readonly SourceText[]): Live => ({
  station,
  files,
  answers: createAnswerLog(station),
});

/** `stored`: how the devices answered before the restart. `trialMs`: the shortest trial. */
export function createStage(
  deps: StageDeps,
  config: { readonly rejected: string; readonly trialMs: number },
  stored: Answers,
): Stage {
  const { clock, log, memory } = deps;
  let live: Live | undefined;
  let contest: { readonly trial: Trial; readonly good: Live } | undefined;
  let cancelLook = (): void => {};

  const answersBefore = (): Answers =>
    contest?.trial.before ?? new Map([...stored, ...(live?.answers.answers() ?? [])]);

  const putToWork = async (next: Live): Promise<void> => {
    await deps.run(next.station);
    live = next;
    log("info", "description-live", { hash: next.station.hash, devices: next.station.devices.length });
  };

  const backTo = async (good: Live): Promise<void> => {
    cancelLook();
    await putToWork(good);
    contest = undefined;
  };

  const reject: Stage["reject"] = (tried, good, verdict) => {
    const kept = keepRejected(deps, config.rejected, { files: tried, lastGood: good }, memory.now.rejected ?? []);
    const { path } = kept;
    memory.change({ trying: undefined, rejected: kept.all, verdict: { ...verdict, ...(path && { rejected: path }) } });
    log("error", "description-rolled-back", { ...memory.now.verdict });
  };

  const end = async (judged: Judged): Promise<void> => {
    if (!contest || !live) return;
    const [tried, { good }] = [live, contest];
    const verdict = { hash: tried.station.hash, atMs: clock.wallMs(), ...judged };
    if (judged.outcome === "rolled-back") {
      await backTo(good);
      return reject(tried.files, good.files, verdict);
    }
    cancelLook();
    contest = undefined;
    deps.keep(tried.files);
    memory.change({ trying: undefined, verdict });
    log("info", "description-kept", verdict);
  };

  const lookAgain = (): void => {
    cancelLook();
    cancelLook = deps.timers.after(TRIAL_LOOK_MS, () => {
      const trial = contest?.trial;
      if (!trial) return;
      lookAgain();
      // By its turn, something else may have ended it.
      if (trial.isDue()) void deps.inTurn(async () => (contest?.trial === trial ? end(trial.judge()) : undefined));
    });
  };

  const tryOut: Stage["tryOut"] = async (good, station, files) => {
    const changes = differences(good, { station, files });
    const before = { contest, trying: memory.now.trying };
    const { trialMs: minMs } = config;
    const trial = createTrial(clock, { from: good.station, before: answersBefore(), to: station, changes, minMs });
    // On disk before anything of it runs: if it ends the process, the next one knows.
    memory.change({ trying: station.hash });
    contest = { trial, good };
    try {
      await putToWork({ station, files, answers: trial.log });
    } catch (error) {
      contest = before.contest;
      memory.change({ trying: before.trying });
      throw error;
    }
    log("info", "trial-begins", { hash: station.hash, changes });
    lookAgain();
  };

  return {
    get live() {
      return live;
    },
    get trial() {
      return contest?.trial;
    },
    get lastGood() {
      return contest?.good ?? live;
    },
    run: (station, files) => putToWork(liveFrom(station, files)),
    tryOut,
    end,
    withdraw: async () => {
      if (!contest) return;
      const { good } = contest;
      await backTo(good);
      memory.change({ trying: undefined });
      log("info", "trial-withdrawn", { hash: good.station.hash });
    },
    reject,
    answersBefore,
    stop: () => cancelLook(),
  };
}

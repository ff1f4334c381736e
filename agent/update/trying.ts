/**
 * An update under way: from the moment its files are in place until it is kept, or what was there before is there again.
 *
 *   files copied aside → replaced → on trial by its devices ─ worse ─► back
 *                                          └─ not worse → the cloud is reached with it ─ in time ─► done
 *                                                                      └─ not in time, or three processes ended ─► back
 *
 * Each step is on disk before the next begins; a process that is killed anywhere goes on from there, or goes back.
 */
import { CloudError } from "../cloud/cloud.ts";
import type { GoingLive } from "../going-live/going-live.ts";
import { TRIAL_LOOK_MS, UPDATE_STARTS_MAX } from "../limits.ts";
import type { Clock, Files, Log } from "../world.ts";
import type { Candidate } from "./candidate.ts";
import { copyAside, putBack, putInPlace, withoutOldest } from "./install.ts";
import type { Attempt, End, Memory } from "./memory.ts";
import type { OnSite } from "./on-site.ts";
import { UpdateRefused } from "./wanted.ts";

export interface TryingDeps {
  readonly clock: Clock;
  readonly files: Files;
  readonly log: Log;
  readonly memory: Memory;
  readonly goingLive: Pick<GoingLive, "trial" | "tryNow">;
  readonly onSite: Pick<OnSite, "changedSince">;
  /** Messages that the cloud has accepted since this process began. */
  readonly accepted: () => number;
}

/** As much of a connection as proves that the cloud is reached. */
export interface Reached {
  getTwin(): Promise<unknown>;
}

export interface Trying {
  /** Before anything goes live: what a process that ended left behind is put in order. */
  recover(): void;
  readonly isUnderWay: boolean;
  /** What is said meanwhile. */
  readonly words: string;
  /** Throws UpdateRefused; then what was there before is there still. */
  begin(id: string, candidate: Candidate): Promise<void>;
  /** Resolves with the wait until the next look, in ms. */
  step(connection: Reached | undefined): Promise<number>;
  /** An orderly stop is no evidence against anything. */
  stop(): void;
}

const RETRY_MS = 60_000;
const UNDER_WAY: ReadonlySet<Attempt["phase"]> = new Set(["trial", "proof", "back"]);

/** `proofMs`: how long the cloud may take to be reached. */
export function createTrying(deps: TryingDeps, config: { readonly proofMs: number }): Trying {
  const { clock, files, log, memory, goingLive } = deps;
  let acceptedBefore = 0;
  let proofFromMs: number | undefined;
  let isTwinRead = false;

  const phase = (next: Partial<Attempt>): boolean => {
    const { attempt } = memory.now;
    return attempt !== undefined && memory.change({ attempt: { ...attempt, ...next } });
  };
  const end = (last: End): void => {
    phase({ phase: "done", end: last });
    log(last.ac === 200 ? "info" : "error", "update-ended", { hash: memory.now.attempt?.hash, ...last });
  };
  const goBack = (because: string): void => {
    phase({ phase: "back", end: { ac: 500, ad: `rolled back: ${because}`.slice(0, 300) } });
  };

  const lookAtTrial = ({ hash = "" }: Attempt): number => {
    const { trial, hash: runs, fileHash, verdict, problems } = goingLive.trial();
    if (trial?.hash === hash) return TRIAL_LOOK_MS;
    if (runs === hash) {
      phase({ phase: "proof" });
      return 0;
    }
    if (fileHash !== hash) end({ ac: 400, ad: deps.onSite.changedSince(hash, fileHash) });
    else if (verdict?.hash === hash && verdict.outcome === "rolled-back") goBack(verdict.because.join("; "));
    else goBack(problems[0] ?? "it could not be put to work");
    return 0;
  };

  const prove = async (connection: Reached | undefined): Promise<number> => {
    proofFromMs ??= clock.bootMs();
    const isAccepted = deps.accepted() > acceptedBefore;
    if (isAccepted && connection && !isTwinRead) isTwinRead = await isAnswered(connection);
    if (isAccepted && isTwinRead) {
      end({ ac: 200, ad: "" });
      return 0;
    }
    if (clock.bootMs() - proofFromMs < config.proofMs) return isAccepted && connection ? RETRY_MS : TRIAL_LOOK_MS;
    const missing = isAccepted ? "the twin was not answered" : "no message was acknowledged";
    goBack(`the cloud was not reached with it: ${missing} within ${Math.round(config.proofMs / 60_000)} min`);
    return 0;
  };

  const back = async ({ replaced = [], end: why }: Attempt): Promise<number> => {
    try {
      const left = putBack(files, replaced);
      if (left.length > 0) log("warn", "update-left-alone", { changed: left });
    } catch (error) {
      log("error", "update-not-put-back", { error: String(error) });
      return RETRY_MS;
    }
    await goingLive.tryNow({ keep: true });
    end(why ?? { ac: 500, ad: "rolled back" });
    return 0;
  };

  const recover = (): void => {
    const { attempt } = memory.now;
    if (attempt?.phase === "check") {
      end({ ac: 500, ad: "the agent ended while it read the archive" });
    } else if (attempt?.phase === "install") {
      putBack(files, attempt.replaced ?? []);
      memory.change({ attempt: undefined });
      log("warn", "update-interrupted", { hash: attempt.hash });
    } else if (attempt?.phase === "proof") {
      const starts = (attempt.starts ?? 0) + 1;
      if (starts < UPDATE_STARTS_MAX) phase({ starts });
      else goBack(`the agent ended ${starts} times before the cloud was reached with it`);
    }
  };

  return {
    recover: () => {
      try {
        recover();
      } catch (error) {
        // A disk that can't be read or written must not keep the station from starting.
        log("error", "update-not-recovered", { error: String(error) });
      }
    },
    get isUnderWay() {
      return UNDER_WAY.has(memory.now.attempt?.phase ?? "done");
    },
    get words() {
      return memory.now.attempt?.phase === "proof"
        ? "on trial: its devices are well; the cloud has to acknowledge a message and the twin once more"
        : "on trial: its devices are being watched";
    },
    begin: async (id, { hash, files: next }) => {
      replace(deps, { id, phase: "install", hash }, next);
      [acceptedBefore, proofFromMs, isTwinRead] = [deps.accepted(), undefined, false];
      log("info", "update-begins", { hash });
      await goingLive.tryNow({ keep: false });
    },
    step: async (connection) => {
      const { attempt } = memory.now;
      switch (attempt?.phase) {
        case "trial":
          return lookAtTrial(attempt);
        case "proof":
          return prove(connection);
        case "back":
          return back(attempt);
        default:
          return 0;
      }
    },
    stop: () => {
      if (memory.now.attempt?.phase === "proof") phase({ starts: 0 });
    },
  };
}

/** All of them or none: what fails half-way is put back. Throws UpdateRefused. */
function replace({ files, clock, memory, log }: TryingDeps, attempt: Attempt, next: Candidate["files"]): void {
  try {
    const replaced = copyAside({ files, clock }, next);
    const made = replaced.flatMap(({ copy }) => copy ?? []);
    const copies = withoutOldest(files, [...(memory.now.copies ?? []), ...(made.length > 0 ? [made] : [])]);
    if (!memory.change({ attempt: { ...attempt, replaced }, copies })) {
      throw new UpdateRefused(500, "not put in place: the data folder can't be written");
    }
    try {
      putInPlace(files, next, replaced);
    } catch (error) {
      putBack(files, replaced);
      throw error;
    }
    memory.change({ attempt: { ...attempt, replaced, phase: "trial" } });
  } catch (error) {
    memory.change({ attempt: undefined });
    if (error instanceof UpdateRefused) throw error;
    // What the file system says has a code; everything else is a bug.
    if (!(error instanceof Error && "code" in error)) throw error;
    log("error", "update-not-written", { error: error.message });
    const advice = "let the agent write there (docs/updating.md, On the station)";
    throw new UpdateRefused(500, `not put in place: ${error.message}; ${advice}`);
  }
}

async function isAnswered(connection: Reached): Promise<boolean> {
  try {
    await connection.getTwin();
    return true;
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return false;
  }
}

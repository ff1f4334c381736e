/** What going live remembers over restarts: the trial under way, the newest verdict, how devices answered. */
import type { Log } from "../world.ts";
import type { Verdict } from "./status.ts";

export interface GoingLiveState {
  /** Hash of the description on trial; on disk before anything of it runs, gone after the verdict and an orderly stop. */
  readonly trying?: string;
  readonly verdict?: Verdict;
  /** How the devices answered under the last good description, as of an orderly stop (`storedAnswers`). */
  readonly answered?: unknown;
  /** Paths of rejected texts, one list per verdict, oldest first. */
  readonly rejected?: readonly (readonly string[])[];
}

export interface GoingLiveFile {
  load(): GoingLiveState | undefined;
  save(state: GoingLiveState): void;
}

export interface Memory {
  readonly now: GoingLiveState;
  /** A disk that can't be written costs what is remembered, not the change of description: that may be what mends it. */
  change(parts: { readonly [Key in keyof GoingLiveState]: GoingLiveState[Key] | undefined }): void;
}

export function createMemory(deps: { readonly file: GoingLiveFile; readonly log: Log }): Memory {
  let now: GoingLiveState = deps.file.load() ?? {};
  return {
    get now() {
      return now;
    },
    change: (parts) => {
      const next = Object.fromEntries(Object.entries({ ...now, ...parts }).filter(([, value]) => value !== undefined));
      if (JSON.stringify(next) === JSON.stringify(now)) return;
      now = next;
      try {
        deps.file.save(now);
      } catch (error) {
        deps.log("error", "going-live-not-saved", { error: String(error) });
      }
    },
  };
}

/** What updates of the description remember over restarts. */
import type { SourceText } from "../description.ts";
import type { Log } from "../world.ts";
import type { PartialDownload } from "./download.ts";
import type { Replaced } from "./install.ts";

export interface Attempt {
  /** Of what was desired (`WantedUpdate.id`). */
  readonly id: string;
  /**
   * check     the archive is read; a process that starts with it refuses the archive: reading it ended the one before
   * install   files are being replaced; a process that starts with it puts back what was there, and begins again
   * trial     on trial by its devices (`going-live/`)
   * proof     its devices are well; the cloud has to be reached with it
   * back      has failed; what was there before is to be put back
   * done
   */
  readonly phase: "check" | "install" | "trial" | "proof" | "back" | "done";
  /** Of the new description. */
  readonly hash?: string;
  readonly replaced?: readonly Replaced[];
  /** Processes that have begun in phase `proof`. */
  readonly starts?: number;
  readonly end?: End;
}

export interface End {
  readonly ac: 200 | 400 | 500;
  readonly ad: string;
}

export interface UpdateState {
  readonly attempt?: Attempt;
  readonly part?: PartialDownload;
  /** Copies beside the files, one list per update, oldest first. */
  readonly copies?: readonly (readonly string[])[];
}

/** A description that ran, for telling what was changed since. */
export interface RanBefore {
  readonly hash: string;
  readonly files: readonly SourceText[];
}

export interface StateFile<T> {
  load(): T | undefined;
  save(state: T): void;
}

export interface Memory {
  readonly now: UpdateState;
  /** Whether it is on the medium. */
  change(parts: { readonly [Key in keyof UpdateState]: UpdateState[Key] | undefined }): boolean;
}

export function createMemory(deps: { readonly file: StateFile<UpdateState>; readonly log: Log }): Memory {
  let now: UpdateState = deps.file.load() ?? {};
  return {
    get now() {
      return now;
    },
    change: (parts) => {
      now = Object.fromEntries(Object.entries({ ...now, ...parts }).filter(([, value]) => value !== undefined));
      try {
        deps.file.save(now);
        return true;
      } catch (error) {
        // What the file system says has a code; everything else is a bug.
        if (!(error instanceof Error && "code" in error)) throw error;
        deps.log("error", "update-not-saved", { error: error.message });
        return false;
      }
    },
  };
}

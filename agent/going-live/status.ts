/** What is said of the description that runs: in `status`, in the reported twin, and to who saved the file. */

/** How a device of both descriptions, or of one, takes part in a trial. */
export type Fate =
  /** It answered before: a trial in which it no longer does is rolled back. */
  | "judged"
  /** It didn't answer before: whatever it does now is no reason. */
  | "bad-before"
  /** Nothing is known of before: not polled yet, or the agent was killed. */
  | "unknown-before"
  | "new"
  | "removed"
  | "paused"
  | "re-typed";

export interface TrialDevice {
  readonly device: string;
  readonly fate: Fate;
  /** Since the trial began, and those of them that brought a value. */
  readonly polls: number;
  readonly good: number;
  /** So many polls are enough. */
  readonly wanted: number;
}

export interface TrialStatus {
  /** Of the description that is tried. */
  readonly hash: string;
  readonly elapsedMs: number;
  /** At most; a device that is slower than thought makes it no longer. */
  readonly leftMs: number;
  /** Against what ran before, in words. */
  readonly changes: readonly string[];
  readonly devices: readonly TrialDevice[];
}

export interface Verdict {
  readonly hash: string;
  readonly outcome: "kept" | "rolled-back";
  /** "pump no longer answers (timeout 10 of 10)"; "asked to keep it". */
  readonly because: readonly string[];
  /** What was no reason for anything, and yet worth knowing. */
  readonly listed: readonly string[];
  /** By the station's clock, ms since 1970; wrong when that was. */
  readonly atMs: number;
  /** Where the rejected text is kept. */
  readonly rejected?: string;
}

export interface DescriptionStatus {
  readonly path: string;
  /** What runs: the file on disk, the last good one because the file is broken or was rolled back, or nothing. */
  readonly runs: "file" | "last good" | "nothing";
  readonly hash: string | null;
  readonly problems: readonly string[];
  /** What the file on disk says differently from what runs, in words. */
  readonly differs: readonly string[];
  readonly trial?: TrialStatus;
  /** The newest; it outlives restarts. */
  readonly verdict?: Verdict;
}

/** What the control socket answers to `trial`, `try`, `keep` and `roll-back`. */
export interface TrialAnswer extends DescriptionStatus {
  /** Hash of the file on disk as it was looked at last; null when it is broken. */
  readonly fileHash: string | null;
  /** Where device files are looked for, in this order. */
  readonly folders: readonly string[];
}

/** What `keep` and `roll-back` are refused with. */
export const NO_TRIAL = "no description is on trial";

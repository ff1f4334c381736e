/** What became of a write to a device: the noun that source gives and twin acknowledges. */
export type WriteOutcome =
  /** Written (or already so) and read back: now, or by a poll at `readMs` (since boot). */
  | { readonly done: "applied"; readonly value: number; readonly readMs?: number }
  /** Not written: the interlock didn't hold, or what it needs is missing. */
  | { readonly done: "interlocked"; readonly reason: string; readonly value?: number }
  | { readonly done: "refused"; readonly reason: string; readonly value?: number }
  /** The write may have happened; nobody can say. */
  | { readonly done: "unknown"; readonly reason: string };

export interface CommandOutcome {
  /** "sent": a broadcast, which nobody answers, and nothing that would confirm it. */
  readonly done: "confirmed" | "answered" | "sent" | "interlocked" | "refused" | "unknown";
  readonly reason: string;
}

/** What became of the wish to watch live. */
export type LiveOutcome =
  | { readonly state: "runs"; readonly forMs: number }
  /** Not now; worth another try. */
  | { readonly state: "waits"; readonly reason: string }
  | { readonly state: "over" }
  | { readonly state: "refused"; readonly reason: string };

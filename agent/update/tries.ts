/** How often a download was tried in vain, and when it is tried again: for ever, spread by chance, later and later. */
import { DOWNLOAD_REFUSED_RETRY_MS } from "../limits.ts";
import { createBackoff } from "../uplink/backoff.ts";
import type { Chance, DownloadError } from "../world.ts";

/** A lost link or two is no news. */
export const FAILURES_SAID = 3;

export interface Tries {
  readonly of: string;
  readonly failures: number;
  readonly reason: string;
  readonly isRefused: boolean;
  /** ms since boot */
  nextAt: number;
  failed(error: DownloadError, now: number): void;
}

/** `of`: what is downloaded from where. */
export function freshTries(deps: { readonly chance: Chance }, of = ""): Tries {
  const backoff = createBackoff(deps);
  const tries = {
    of,
    failures: 0,
    reason: "",
    isRefused: false,
    nextAt: 0,
    failed: (error: DownloadError, now: number): void => {
      tries.failures++;
      // The first that is said stays: reasons that alternate are no news each time.
      if (tries.failures <= FAILURES_SAID) tries.reason = error.message;
      tries.isRefused = error.failure === "refused";
      tries.nextAt = now + (tries.isRefused ? deps.chance.fraction() * DOWNLOAD_REFUSED_RETRY_MS : backoff.next());
    },
  };
  return tries;
}

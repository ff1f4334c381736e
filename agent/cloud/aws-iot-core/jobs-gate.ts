/**
 * Whether AWS IoT Jobs are asked for. A policy that doesn't allow their topics may end the connection without a word,
 * and a station whose policy was written before it knew of jobs has to work as ever: whoever asked twice in a row and
 * lost the connection over it doesn't ask again for a while.
 */
import type { Clock, Log } from "../../world.ts";

export interface JobsGate {
  readonly isOpen: boolean;
  /** A connection asks for the first time. */
  asks(): void;
  answered(): void;
  /** In so many words, or by silence. */
  refused(why: string): void;
}

const UNANSWERED_MAX = 2;
const SHUT_MS = 6 * 3_600_000;

export function createJobsGate({ clock, log }: { readonly clock: Clock; readonly log: Log }): JobsGate {
  let unanswered = 0;
  let shutUntilMs = 0;

  const refused = (why: string): void => {
    unanswered = 0;
    shutUntilMs = clock.bootMs() + SHUT_MS;
    log("warn", "jobs-not-allowed", { why, hours: SHUT_MS / 3_600_000 });
  };
  return {
    get isOpen() {
      if (unanswered >= UNANSWERED_MAX) refused("connections ended when jobs were asked for");
      return clock.bootMs() >= shutUntilMs;
    },
    asks: () => {
      unanswered++;
    },
    answered: () => {
      unanswered = 0;
    },
    refused,
  };
}

/** How the twin acts on the station; `agent.ts` joins these with sources, cadence and uplink. */
import type { LiveOutcome, WriteOutcome } from "../outcome.ts";

export interface Apply {
  /** Reads first and writes only where it differs. */
  set(device: string, setting: string, value: number): Promise<WriteOutcome>;
  /** undefined: back to the station file's. */
  setEvery(device: string, everyMs: number | undefined): void;
  setUploadInterval(intervalMs: number | undefined): void;
  /** undefined: nobody watches any more. `untilMs`: ms since 1970. */
  setLive(live: { readonly everyMs: number; readonly untilMs: number } | undefined): LiveOutcome;
}

/** How the twin acts on the station; `agent.ts` joins these with sources, cadence and uplink. */
import type { LiveOutcome, WriteOutcome } from "../outcome.ts";
import type { DeviceTuning, LinkProof, UploadPolicy } from "../tuning.ts";

export interface Apply {
  /**
   * Reads first and writes only where it differs. `checkedMs`: it was so then (since boot); where a poll has read it
   * since, and as it is wanted, the device isn't asked once more.
   */
  set(device: string, setting: string, value: number, checkedMs?: number): Promise<WriteOutcome>;
  /** All that the cloud wants of how a device is asked and what is kept of it; what is left out is the file's again. */
  tune(device: string, tuning: DeviceTuning): void;
  /** All that the cloud wants of how readings are sent; what is left out is agent.yaml's again. */
  setUpload(policy: UploadPolicy): void;
  /** A connection of its own, and what waits sent on it, for settings that only such a one can prove. */
  proveLink(): void;
  linkProof(): LinkProof;
  /** undefined: nobody watches any more. `untilMs`: ms since 1970. */
  setLive(live: { readonly everyMs: number; readonly untilMs: number } | undefined): LiveOutcome;
}

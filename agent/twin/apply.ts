/** How the twin acts on the station; `agent.ts` joins these with sources, cadence and uplink. */

export type SettingOutcome =
  /** Written (or already so) and read back. */
  | { readonly done: "applied"; readonly value: number }
  /** Not written: the interlock didn't hold, or what it needs is missing. */
  | { readonly done: "interlocked"; readonly reason: string; readonly value?: number }
  | { readonly done: "refused"; readonly reason: string; readonly value?: number }
  /** The write may have happened; nobody can say. */
  | { readonly done: "unknown"; readonly reason: string };

export interface CommandOutcome {
  readonly done: "confirmed" | "answered" | "interlocked" | "refused" | "unknown";
  readonly reason: string;
}

export interface Apply {
  /** Reads first and writes only where it differs. */
  set(device: string, setting: string, value: number): Promise<SettingOutcome>;
  /** undefined: back to the station file's. */
  setEvery(device: string, everyMs: number | undefined): void;
  setUploadInterval(intervalMs: number | undefined): void;
  command(device: string, command: string): Promise<CommandOutcome>;
}

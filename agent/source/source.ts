/** A device as the cadence sees it: something that can be asked, and told. One conversation per port at a time. */
import type { Sample } from "../reading.ts";

export type WriteOutcome =
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

export interface DeviceSource {
  readonly device: string;
  /** Never throws: what goes wrong is a missing reason in the sample. */
  poll(): Promise<Sample>;
  /** Reads first and writes only where it differs; never repeats a write blindly. */
  set(setting: string, value: number): Promise<WriteOutcome>;
  command(command: string): Promise<CommandOutcome>;
  close(): Promise<void>;
}

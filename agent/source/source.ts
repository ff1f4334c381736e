/** A device as the cadence sees it: something that can be asked, and told. One conversation per port at a time. */
import type { CommandOutcome, WriteOutcome } from "../outcome.ts";
import type { Sample } from "../reading.ts";

export interface DeviceSource {
  readonly device: string;
  /** Never throws: what goes wrong is a missing reason in the sample. */
  poll(): Promise<Sample>;
  /** Reads first and writes only where it differs; never repeats a write blindly. */
  set(setting: string, value: number): Promise<WriteOutcome>;
  command(command: string): Promise<CommandOutcome>;
  /**
   * For devices that send by themselves: a report that must not wait for the next poll, as a sample in which what its
   * frame doesn't carry is "unchanged".
   */
  onReport?(listener: (sample: Sample) => void): void;
  /** A poll that waits for what the device sends by itself ends now, with nothing told. */
  interrupt?(): void;
  close(): Promise<void>;
}

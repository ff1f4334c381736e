/** The hardware as the agent sees it, seam by seam: serial lines, I2C buses, pins, and what a machine has of them. */
import type { Level, SerialSettings } from "@pump-station/sensor-descriptions/model.ts";

/** An open serial line. Bytes arrive in the order of the wire, in any portions. */
export interface SerialLine {
  onBytes(listener: (bytes: Uint8Array) => void): void;
  /** Called once: unplugged, failed, or closed by us. */
  onClosed(listener: (reason: string) => void): void;
  /** Resolves when the bytes have left; rejects with PortError "stuck" after `deadlineMs`. */
  write(bytes: Uint8Array, deadlineMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface SerialPorts {
  /** Throws PortError "absent" | "busy" | "denied". */
  open(path: string, settings: SerialSettings): Promise<SerialLine>;
}

export interface I2cBus {
  /**
   * Writes, then reads `readLength` bytes from a 7-bit address. At most one call is in flight per bus.
   * Throws PortError "nack" (nobody at that address), "stuck" (deadline passed, the bus counts as busy until the
   * call returns), "busy" (such a call is still out), "absent".
   */
  transfer(address: number, write: Uint8Array, readLength: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface I2cBuses {
  open(path: string): Promise<I2cBus>;
}

export interface PulseCounter {
  /** Debounced edges since this counter was opened; only grows. Throws PortError "absent" while the chip is away. */
  count(): number;
  /** What a technician should know of the counting since this was last asked; undefined: nothing. */
  trouble(): string | undefined;
  close(): Promise<void>;
}

export interface LevelWatch {
  /** What the pin is at now. Throws PortError "absent" while the chip is away. */
  level(): Promise<Level>;
  close(): Promise<void>;
}

export interface OutputLine {
  /** Resolves when the line is driven so. Throws PortError. */
  set(level: Level): Promise<void>;
  /** Read back: from the line where the backend can, else what the holder holds. Throws PortError. */
  level(): Promise<Level>;
  /** Lets go of the line, whatever it is at. */
  close(): Promise<void>;
}

/** A line by its offset on the chip, or by its name there. */
export type GpioPin = number | string;

export interface PulseOptions {
  readonly edge: "rising" | "falling";
  readonly debounceMs: number;
  readonly pull?: "up" | "down";
}
export interface LevelOptions {
  readonly active: "high" | "low";
  readonly pull?: "up" | "down";
}
export interface OutputOptions {
  readonly active: "high" | "low";
  readonly safe: Level;
}

/** `chip` is the chip's label. All throw PortError "absent" | "busy" | "denied". */
export interface GpioChips {
  countPulses(chip: string, pin: GpioPin, options: PulseOptions, onPulse: () => void): Promise<PulseCounter>;
  /** The kernel counts; `counter` is its name. Nothing is debounced, and nothing is lost while this process is busy. */
  countByKernel(counter: string): Promise<PulseCounter>;
  /** `onEdge` is told every change, bounces too, some of them late or never: who needs the level asks for it. */
  watchLevel(chip: string, pin: GpioPin, options: LevelOptions, onEdge: () => void): Promise<LevelWatch>;
  /** Drives the safe level at once. `onLost`: the line was let go of, told once, never after `close`. */
  drive(chip: string, pin: GpioPin, options: OutputOptions, onLost: (reason: string) => void): Promise<OutputLine>;
}

/** All ports of a station, real or from a simulator's socket; a Port of the description chooses. */
export interface Ports {
  readonly serial: SerialPorts;
  i2c(simulator: string | undefined): I2cBuses;
  gpio(simulator: string | undefined): GpioChips;
}

/** What this machine has, looked up without opening anything that an agent may hold. */
export interface PortListing {
  /** Serial ports that are hardware, best name first (one that names the plug). */
  serial(): Promise<readonly ListedPort[]>;
  i2c(): Promise<readonly ListedPort[]>;
  /** Throws PortError "absent" that says which tool is missing. */
  gpio(): Promise<readonly ListedChip[]>;
  /** The device behind a link; the path itself when there is none. */
  real(path: string): string;
}

export interface ListedPort {
  readonly path: string;
  /** Other names of the same port. */
  readonly also: readonly string[];
  /** What the kernel calls it: "bcm2835 (i2c@7e804000)"; "" when it says nothing. */
  readonly what: string;
}

export interface ListedChip {
  /** What a station file says after `gpio:`. */
  readonly label: string;
  readonly name: string;
  readonly lines: readonly ListedLine[];
}

export interface ListedLine {
  readonly offset: number;
  readonly name?: string;
  /** Who uses it; "" when somebody does who gave no name; undefined: it is free, or nobody can tell. */
  readonly usedBy?: string;
}

export type PortFailure = "absent" | "busy" | "denied" | "stuck" | "nack" | "closed";

export class PortError extends Error {
  override readonly name = "PortError";
  readonly failure: PortFailure;
  constructor(failure: PortFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.failure = failure;
  }
}

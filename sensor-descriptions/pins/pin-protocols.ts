/** What is wired to a GPIO pin: pulses that are counted, a level that is read, a level that is driven. */
import type { Values } from "../model.ts";

export interface PulseProtocol {
  readonly kind: "pulses";
  readonly edge: "rising" | "falling";
  readonly debounceMs: number;
  readonly pull?: "up" | "down";
  /** What is plausible in Hz, both included; a count outside of it is told and, above it, not added to the total. */
  readonly rate?: { readonly low: number; readonly high: number };
  /** Values from the pulse count since the installation and since the sample before, and the time between (ms). */
  values(pulses: { readonly total: number; readonly since: number; readonly sinceMs: number }): Values;
}

/** 1: the pin is active, whichever level of the wire that is. */
export type Level = 0 | 1;

/** A pin that is read. */
export interface LevelProtocol {
  readonly kind: "levels";
  /** The level of the wire that counts as 1. */
  readonly active: "high" | "low";
  readonly debounceMs: number;
  readonly pull?: "up" | "down";
  values(level: Level): Values;
}

/** What a command of an output does: the level, and for how long before it goes back to the safe one. */
export interface OutputSet {
  readonly level: Level;
  readonly forMs?: number;
}

/** A pin that is driven. Its settings' values are levels. */
export interface OutputProtocol {
  readonly kind: "outputs";
  readonly active: "high" | "low";
  /** At start, at exit, and when something goes wrong. */
  readonly safe: Level;
  /** Never longer in a row at the other level. */
  readonly atMostMs: number;
  /** By the command's name. */
  readonly sets: ReadonlyMap<string, OutputSet>;
  values(level: Level): Values;
}

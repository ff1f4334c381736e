/**
 * An air pump that inflates a vessel in cycles: idle → pumping up to the target, holding it → cooling → idle.
 * First-order physics in steps of 100 ms of the clock that it is given, so that a course depends on the seed and on
 * what was set when, and not on how often it is asked.
 */
import { drift, type Noise } from "./noise.ts";

/** As on the wire of the baseboard. */
export const PUMP_STATES = { idle: 0, pumping: 1, cooling: 2, fault: 3 } as const;
export type PumpState = keyof typeof PUMP_STATES;

export interface PumpCondition {
  readonly state: PumpState;
  readonly pressureMbar: number;
  readonly currentA: number;
  readonly temperatureC: number;
  readonly cycles: number;
  readonly targetMbar: number;
}

export interface Pump {
  at(timeMs: number): PumpCondition;
  /** Taken only while idle, as the interlock of the baseboard has it; false: refused. */
  setTarget(timeMs: number, mbar: number): boolean;
  /** Ends pumping at once, without cooling (5.4). */
  stop(timeMs: number): void;
}

export interface PumpTiming {
  readonly idleMs: number;
  /** How long the target is held once it is reached. */
  readonly holdMs: number;
  readonly coolingMs: number;
}

/** A cycle of about 45 s, so that somebody who watches sees all of it. */
export const DEMO_TIMING: PumpTiming = { idleMs: 14_000, holdMs: 8_000, coolingMs: 8_000 };

const STEP_MS = 100;
/** After so long without anybody asking, the course is cut short instead of computed: an hour is 36,000 steps. */
const STEPS_MAX = 36_000;
/** Where the pump alone would end, far above any target. */
const STALL_MBAR = 1_400;
const FILL_TAU_MS = 16_000;
const LEAK_TAU_MS = 9_000;
const RESIDUAL_MBAR = 0.4;
const WARM_TAU_MS = 60_000;
/** °C above the air that full load ends at. */
const WARMTH_AT_FULL_LOAD_C = 42;
/** A pump whose target was never reached stops by itself. */
const PUMPING_MS_MAX = 60_000;

export function createPump(options: {
  readonly noise: Noise;
  readonly startMs: number;
  readonly timing?: PumpTiming;
  readonly targetMbar?: number;
  readonly cycles?: number;
  readonly airC: (timeMs: number) => number;
}): Pump {
  const timing = options.timing ?? DEMO_TIMING;
  let atMs = options.startMs;
  let state: PumpState = "pumping";
  let sinceMs = atMs;
  let heldSinceMs: number | undefined;
  let pressure = RESIDUAL_MBAR;
  let temperature = options.airC(atMs) + 12;
  let target = options.targetMbar ?? 800;
  let cycles = options.cycles ?? 20_417;

  const enter = (next: PumpState) => {
    if (next === "pumping") cycles++;
    state = next;
    sinceMs = atMs;
    heldSinceMs = undefined;
  };
  const isHolding = () => state === "pumping" && heldSinceMs !== undefined;
  /** 0…1 */
  const load = () => (state !== "pumping" ? 0 : isHolding() ? 0.45 : 0.55 + 0.45 * (pressure / STALL_MBAR));
  const turn = () => {
    if (state === "pumping" && !isHolding() && pressure >= target) heldSinceMs = atMs;
    const heldMs = heldSinceMs === undefined ? 0 : atMs - heldSinceMs;
    if (state === "pumping" && (heldMs >= timing.holdMs || atMs - sinceMs >= PUMPING_MS_MAX)) enter("cooling");
    if (state === "cooling" && atMs - sinceMs >= timing.coolingMs) enter("idle");
    if (state === "idle" && atMs - sinceMs >= timing.idleMs) enter("pumping");
  };
  const step = () => {
    atMs += STEP_MS;
    const end = isHolding() ? target : state === "pumping" ? STALL_MBAR : RESIDUAL_MBAR;
    const tau = isHolding() ? 1_000 : state === "pumping" ? FILL_TAU_MS : LEAK_TAU_MS;
    pressure += ((end - pressure) * STEP_MS) / tau;
    const warmEnd = options.airC(atMs) + 6 + WARMTH_AT_FULL_LOAD_C * load() ** 2;
    temperature += ((warmEnd - temperature) * STEP_MS) / (state === "cooling" ? WARM_TAU_MS / 3 : WARM_TAU_MS);
    turn();
  };
  const advanceTo = (timeMs: number) => {
    if (timeMs - atMs > STEPS_MAX * STEP_MS) {
      sinceMs += timeMs - STEPS_MAX * STEP_MS - atMs;
      atMs = timeMs - STEPS_MAX * STEP_MS;
    }
    while (atMs + STEP_MS <= timeMs) step();
  };
  const ripple = (track: number) => drift(options.noise, track, atMs, 400);

  return {
    at: (timeMs) => {
      advanceTo(timeMs);
      const isPumping = state === "pumping";
      return {
        state,
        pressureMbar: Math.max(0, pressure + (isPumping ? 4 * ripple(20) : 0.2 * ripple(20))),
        currentA: isPumping ? 6 + 8 * load() + 0.12 * ripple(21) : state === "cooling" ? 0.35 : 0.04,
        temperatureC: temperature + 0.05 * ripple(22),
        cycles,
        targetMbar: target,
      };
    },
    setTarget: (timeMs, mbar) => {
      advanceTo(timeMs);
      if (state !== "idle") return false;
      target = mbar;
      return true;
    },
    stop: (timeMs) => {
      advanceTo(timeMs);
      if (state !== "idle") enter("idle");
    },
  };
}

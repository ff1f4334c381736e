/** The pump's physics as the baseboard's channels: what the board measures, rounded to what it can send. */
import type { Channel, Values } from "@pump-station/sensor-descriptions/model.ts";
import type { BaseboardBehaviour } from "../hardware/baseboard.ts";
import { PUMP_STATES, type Pump, type PumpCondition } from "./pump.ts";

/** Baseboard protocol: 1 is "unknown request", 2 "not now". */
const REFUSED_UNKNOWN = 1;
const REFUSED_NOT_NOW = 2;

export function createPumpBehaviour(deps: {
  readonly pump: Pump;
  readonly channels: readonly Channel[];
  readonly nowMs: () => number;
}): BaseboardBehaviour {
  return {
    read: () => valuesFrom(deps.pump.at(deps.nowMs()), deps.channels),
    set: (setting, value) => {
      if (setting !== "target") return REFUSED_UNKNOWN;
      return deps.pump.setTarget(deps.nowMs(), value) ? undefined : REFUSED_NOT_NOW;
    },
    command: (command) => {
      if (command !== "stop") return REFUSED_UNKNOWN;
      deps.pump.stop(deps.nowMs());
      return undefined;
    },
  };
}

function valuesFrom(pump: PumpCondition, channels: readonly Channel[]): Values {
  const measured: Readonly<Record<string, number>> = {
    state: PUMP_STATES[pump.state],
    pressure: pump.pressureMbar,
    current: pump.currentA,
    temperature: pump.temperatureC,
    cycles: pump.cycles,
    target: pump.targetMbar,
  };
  // Channels that a later description adds are there, and say 0, until the physics knows them.
  return new Map(channels.map((channel) => [channel.name, onGrid(measured[channel.name] ?? 0, channel.resolution)]));
}

/** The nearest multiple of `step`, as the nearest double to it: 0.1 × 3 is 0.3 here. */
export function onGrid(value: number, step: number): number {
  const decimals = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)) + 1;
  return Number((Math.round(value / step) * step).toFixed(Math.min(15, decimals)));
}

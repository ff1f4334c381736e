/** GPIO chips whose edges come by a call, and whose outputs are seen. */
import type { Level } from "@pump-station/sensor-descriptions/model.ts";
import { type GpioChips, PortError, type PortFailure } from "../world.ts";

export interface ScriptedGpio extends GpioChips {
  /** So many debounced pulses on every counter that is open. */
  pulse(times?: number): void;
  /** What opening (and counting, reading, driving) throws while set. */
  failure: PortFailure | undefined;
  /** What counters say of their trouble, once. */
  trouble: string | undefined;
  /** The level of every watched pin; `input` changes it with an edge. */
  input(level: Level): void;
  /** What outputs were driven to, in order; "closed" when one was let go of. */
  readonly driven: (Level | "closed")[];
  /** An output that doesn't follow. */
  stuckAt: Level | undefined;
  /** Every output is lost. */
  lose(reason: string): void;
  readonly open: number;
}

export function createScriptedGpio(): ScriptedGpio {
  const counters = new Set<{ counted: number; onPulse: () => void }>();
  const watchers = new Set<() => void>();
  const outputs = new Set<(reason: string) => void>();
  let level: Level = 0;
  const check = (what: string): void => {
    if (gpio.failure) throw new PortError(gpio.failure, `${what}: ${gpio.failure}`);
  };
  const openCounter = (onPulse: () => void) => {
    check("watch");
    const counter = { counted: 0, onPulse };
    counters.add(counter);
    return {
      count: () => {
        check("count");
        return counter.counted;
      },
      trouble: () => {
        const told = gpio.trouble;
        gpio.trouble = undefined;
        return told;
      },
      close: async () => void counters.delete(counter),
    };
  };
  const gpio: ScriptedGpio = {
    failure: undefined,
    trouble: undefined,
    stuckAt: undefined,
    driven: [],
    get open() {
      return counters.size + watchers.size + outputs.size;
    },
    pulse: (times = 1) => {
      for (const counter of counters)
        for (let time = 0; time < times; time++) {
          counter.counted++;
          counter.onPulse();
        }
    },
    input: (to) => {
      level = to;
      for (const onEdge of watchers) onEdge();
    },
    lose: (reason) => {
      const lost = [...outputs];
      outputs.clear();
      for (const onLost of lost) onLost(reason);
    },
    countPulses: async (_chip, _pin, _options, onPulse) => openCounter(onPulse),
    countByKernel: async () => openCounter(() => undefined),
    watchLevel: async (_chip, _pin, _options, onEdge) => {
      check("watch");
      watchers.add(onEdge);
      return {
        level: async () => {
          check("read");
          return level;
        },
        close: async () => void watchers.delete(onEdge),
      };
    },
    drive: async (_chip, _pin, { safe }, onLost) => {
      check("drive");
      outputs.add(onLost);
      let at = safe;
      gpio.driven.push(safe);
      return {
        set: async (to) => {
          check("drive");
          at = to;
          gpio.driven.push(to);
        },
        level: async () => {
          check("read back");
          return gpio.stuckAt ?? at;
        },
        close: async () => {
          outputs.delete(onLost);
          gpio.driven.push("closed");
        },
      };
    },
  };
  return gpio;
}

/** GPIO chips whose edges come by a call. */
import { type GpioChips, PortError, type PortFailure } from "../world.ts";

export interface ScriptedGpio extends GpioChips {
  /** So many debounced pulses on every counter that is open. */
  pulse(times?: number): void;
  /** What opening (and counting) throws while set. */
  failure: PortFailure | undefined;
  readonly open: number;
}

export function createScriptedGpio(): ScriptedGpio {
  const counters = new Set<{ counted: number; onPulse: () => void }>();
  const gpio = {
    failure: undefined as PortFailure | undefined,
    get open() {
      return counters.size;
    },
    pulse: (times = 1) => {
      for (const counter of counters)
        for (let time = 0; time < times; time++) {
          counter.counted++;
          counter.onPulse();
        }
    },
    countPulses: async (_chip: string, _pin: number, _options: unknown, onPulse: () => void) => {
      if (gpio.failure) throw new PortError(gpio.failure, `watch: ${gpio.failure}`);
      const counter = { counted: 0, onPulse };
      counters.add(counter);
      return {
        count: () => {
          if (gpio.failure) throw new PortError(gpio.failure, `count: ${gpio.failure}`);
          return counter.counted;
        },
        close: async () => void counters.delete(counter),
      };
    },
  };
  return gpio;
}

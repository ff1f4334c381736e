/**
 * GPIO lines, by the first way that this machine offers: sysfs where there is `/sys/class/gpio` (and the line is given
 * by its number, for sysfs knows no names), else the command-line tools of libgpiod. A chip is named by its label.
 */
import { existsSync } from "node:fs";
import type { Clock, GpioChips, GpioPin, Log, Timers } from "../../world.ts";
import { createGpiodGpio } from "./gpiod-gpio.ts";
import { createKernelCounter } from "./kernel-counter.ts";
import { createSysfsGpio, type OnoffModule, SYSFS } from "./sysfs-gpio.ts";

export type { OnoffModule } from "./sysfs-gpio.ts";

export interface GpioDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** For tests: onoff, what stands in /sys and on the PATH, the shell of guards. */
  readonly load?: () => Promise<OnoffModule>;
  readonly sysfs?: string;
  readonly counters?: string;
  readonly toolPath?: string;
  readonly shell?: string;
}

type Backend = Omit<GpioChips, "countByKernel">;

export function createGpioChips(deps: GpioDeps): GpioChips {
  const sysfs = createSysfsGpio(deps);
  const gpiod = createGpiodGpio(deps);
  // Asked each time: a kernel without sysfs stays one, but a chip may come later.
  const backend = (pin: GpioPin): Backend =>
    typeof pin === "number" && existsSync(deps.sysfs ?? SYSFS) ? sysfs : gpiod;
  return {
    countPulses: (chip, pin, options, onPulse) => backend(pin).countPulses(chip, pin, options, onPulse),
    countByKernel: async (counter) => createKernelCounter(counter, deps.counters),
    watchLevel: (chip, pin, options, onEdge) => backend(pin).watchLevel(chip, pin, options, onEdge),
    drive: (chip, pin, options, onLost) => backend(pin).drive(chip, pin, options, onLost),
  };
}

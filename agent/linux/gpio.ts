/** Pulses on GPIO lines over `onoff` (sysfs). A chip is named by its label, a line by its offset on that chip. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, type GpioChips, type Log, PortError, type PortFailure } from "../world.ts";
import { createEdgeCounter } from "./edge-counter.ts";

const SYSFS = "/sys/class/gpio";

/** What is used of onoff; the real one is loaded when the first pin is. */
export interface OnoffModule {
  readonly Gpio: new (
    gpio: number,
    direction: "in",
    edge: "both",
  ) => { watch(callback: (error: Error | null | undefined) => void): void; unexport(): void };
}

const loadOnoff = async (): Promise<OnoffModule> => {
  try {
    return await import("onoff");
  } catch (cause) {
    const advice = "install it with: npm install onoff (needs build-essential and python3)";
    throw new PortError("absent", `load onoff: the module is not installed; ${advice}`, { cause });
  }
};

export function createGpioChips(deps: {
  readonly clock: Clock;
  readonly log: Log;
  readonly load?: () => Promise<OnoffModule>;
  readonly sysfs?: string;
}): GpioChips {
  const sysfs = deps.sysfs ?? SYSFS;
  return {
    countPulses: async (chip, pin, { edge, debounceMs, pull }, onPulse) => {
      const what = `count pulses on pin ${pin} of ${chip}`;
      const number = globalNumberOf(sysfs, chip, pin, what);
      const { Gpio } = await (deps.load ?? loadOnoff)();
      // sysfs has no bias; a pull-up that is expected but missing shows as a floating input.
      if (pull) deps.log("warn", "gpio-pull-not-set", { chip, pin, pull, advice: "set it in the device tree" });

      const counter = createEdgeCounter(debounceMs, onPulse);
      const line = attempt(what, () => {
        const opened = new Gpio(number, "in", "both");
        // onoff reads the level after the event and drops the event when the line is already back. Told "both", it
        // accepts either level; the kernel is then told the one edge that counts.
        writeFileSync(join(sysfs, `gpio${number}`, "edge"), edge);
        return opened;
      });
      line.watch((error) => {
        if (error) deps.log("warn", "gpio-edge-failed", { chip, pin, error: error.message });
        else counter.edge(deps.clock.bootMs());
      });
      return { count: () => counter.count(), close: async () => line.unexport() };
    },
  };
}

/** Global numbers move between kernels (+512 on Pi kernels since 6.6); the label stays. */
function globalNumberOf(sysfs: string, label: string, pin: number, what: string): number {
  const chips = attempt(what, () =>
    readdirSync(sysfs)
      .filter((name) => name.startsWith("gpiochip"))
      .map((name) => ({
        label: readFileSync(join(sysfs, name, "label"), "utf8").trim(),
        base: Number(readFileSync(join(sysfs, name, "base"), "utf8")),
        lines: Number(readFileSync(join(sysfs, name, "ngpio"), "utf8")),
      })),
  );
  const chip = chips.find((candidate) => candidate.label === label);
  if (!chip) {
    const present = chips.map((candidate) => candidate.label).join(", ") || "none";
    throw new PortError("absent", `${what}: no GPIO chip has the label ${label}; there are: ${present}`);
  }
  if (pin < chip.lines) return chip.base + pin;
  throw new PortError("absent", `${what}: the chip has lines 0 to ${chip.lines - 1}`);
}

const FAILURES: Readonly<Record<string, PortFailure>> = { EBUSY: "busy", EACCES: "denied", EPERM: "denied" };

function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new PortError(FAILURES[code ?? ""] ?? "absent", `${what}: ${message}`, { cause });
  }
}

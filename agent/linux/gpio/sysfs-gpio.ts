/**
 * Lines over `onoff` (sysfs). Edges carry no time of the kernel, so that theirs is when they arrive; pull resistors
 * can't be switched. An output keeps its level when this process ends: a guard makes it safe (safe-guard.ts).
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Level } from "@pump-station/sensor-descriptions/model.ts";
import { type GpioChips, type GpioPin, PortError } from "../../world.ts";
import { createEdgeCounter } from "./edge-counter.ts";
import type { GpioDeps } from "./gpio.ts";
import { attempt } from "./gpio-failure.ts";
import { startSafeGuard } from "./safe-guard.ts";

export const SYSFS = "/sys/class/gpio";

/** What is used of onoff; the real one is loaded when the first pin is. */
export interface OnoffModule {
  readonly Gpio: new (
    gpio: number,
    direction: "in" | "high" | "low",
    edge?: "both",
  ) => {
    watch(callback: (error: Error | null | undefined) => void): void;
    readSync(): number;
    writeSync(value: 0 | 1): void;
    unexport(): void;
  };
}

const loadOnoff = async (): Promise<OnoffModule> => {
  try {
    return await import("onoff");
  } catch (cause) {
    const advice = "install it with: npm install onoff (needs build-essential and python3)";
    throw new PortError("absent", `load onoff: the module is not installed; ${advice}`, { cause });
  }
};

export function createSysfsGpio(deps: GpioDeps): Omit<GpioChips, "countByKernel"> {
  const sysfs = deps.sysfs ?? SYSFS;
  const load = deps.load ?? loadOnoff;
  const toldPulls = new Set<string>();
  const numberOf = (what: string, chip: string, pin: GpioPin) => globalNumberOf(sysfs, chip, Number(pin), what);
  const sayNoPull = (chip: string, pin: GpioPin, pull: "up" | "down" | undefined): void => {
    if (!pull || toldPulls.has(`${chip} ${pin}`)) return;
    toldPulls.add(`${chip} ${pin}`);
    // A pull-up that is expected but missing shows as a floating input.
    deps.log("warn", "gpio-pull-not-set", { chip, pin, pull, advice: "set it in the device tree" });
  };

  return {
    countPulses: async (chip, pin, { edge, debounceMs, pull }, onPulse) => {
      const what = `count pulses on pin ${pin} of ${chip}`;
      const number = numberOf(what, chip, pin);
      const { Gpio } = await load();
      sayNoPull(chip, pin, pull);
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
      return { count: () => counter.count(), trouble: () => counter.trouble(), close: async () => line.unexport() };
    },
    watchLevel: async (chip, pin, { active, pull }, onEdge) => {
      const what = `read pin ${pin} of ${chip}`;
      const number = numberOf(what, chip, pin);
      const { Gpio } = await load();
      sayNoPull(chip, pin, pull);
      const line = attempt(what, () => new Gpio(number, "in", "both"));
      line.watch((error) => {
        if (error) deps.log("warn", "gpio-edge-failed", { chip, pin, error: error.message });
        else onEdge();
      });
      return {
        level: async () =>
          levelFrom(
            attempt(what, () => line.readSync()),
            active,
          ),
        close: async () => line.unexport(),
      };
    },
    drive: async (chip, pin, { active, safe }, onLost) => {
      const what = `drive pin ${pin} of ${chip}`;
      const number = numberOf(what, chip, pin);
      const { Gpio } = await load();
      const wire = (level: Level): Level => levelFrom(level, active);
      // "high" and "low" set direction and level in one step: no glitch in between.
      const line = attempt(what, () => new Gpio(number, wire(safe) === 1 ? "high" : "low"));
      // A SIGKILL leaves a guard no time to write.
      const letGo = (): string => {
        try {
          line.writeSync(wire(safe));
          line.unexport();
          return "the pin was made safe";
        } catch (error) {
          return `the pin could not be made safe: ${String(error)}`;
        }
      };
      const onGone = (why: string): void => onLost(`${what}: its guard ${why}; ${letGo()}`);
      const file = join(sysfs, `gpio${number}`, "value");
      const guard = await startSafeGuard(file, wire(safe), onGone, deps.shell).catch((cause: unknown) => {
        line.unexport();
        throw new PortError("absent", `${what}: nothing would make it safe after a crash: ${String(cause)}`, { cause });
      });
      return {
        set: async (level) => attempt(what, () => line.writeSync(wire(level))),
        level: async () =>
          levelFrom(
            attempt(what, () => line.readSync()),
            active,
          ),
        close: async () => {
          await guard.end();
          line.unexport();
        },
      };
    },
  };
}

/** Wire to level and level to wire: the same exchange. */
const levelFrom = (value: number, active: "high" | "low"): Level => ((value === 1) === (active === "high") ? 1 : 0);

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

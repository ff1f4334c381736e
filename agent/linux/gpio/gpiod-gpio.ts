/**
 * Lines over libgpiod's tools, where the kernel has no sysfs for them: one gpiomon per watched line, whose events carry
 * the kernel's time, and one holder per output (output-holder.ts). The kernel's own debounce stays off: it waits for
 * silence, and counts nothing in a storm.
 */
import type { Level } from "@pump-station/sensor-descriptions/model.ts";
import { type GpioChips, PortError } from "../../world.ts";
import { createEdgeCounter } from "./edge-counter.ts";
import type { GpioDeps } from "./gpio.ts";
import type { LineRequest } from "./gpiod-dialects.ts";
import { createGpiodTools, type GpiodTools } from "./gpiod-tools.ts";
import { createLineMonitor } from "./line-monitor.ts";
import { createOutputHolder } from "./output-holder.ts";

/** A monitor doesn't tell the level that it began with: this often it is looked at anew, when somebody asks. */
const LOOK_AGAIN_MS = 600_000;

export function createGpiodGpio(deps: GpioDeps): Omit<GpioChips, "countByKernel"> {
  const gpiod = createGpiodTools({ sleep: (ms) => deps.timers.sleep(ms) }, deps.toolPath);
  return {
    countPulses: async (chip, pin, { edge, debounceMs, pull }, onPulse) => {
      const what = `count pulses on pin ${pin} of ${chip}`;
      const line: LineRequest = { ...(await gpiod.find(what, chip, pin)), active: "high", ...(pull ? { pull } : {}) };
      const counter = createEdgeCounter(debounceMs, onPulse);
      const monitor = await createLineMonitor({ ...deps, gpiod }, what, line, edge, ({ ms }) => counter.edge(ms));
      return {
        count: () => {
          monitor.check();
          return counter.count();
        },
        trouble: () => monitor.gap() ?? counter.trouble(),
        close: () => monitor.close(),
      };
    },
    watchLevel: async (chip, pin, { active, pull }, onEdge) => {
      const what = `read pin ${pin} of ${chip}`;
      const line: LineRequest = { ...(await gpiod.find(what, chip, pin)), active, ...(pull ? { pull } : {}) };
      let level: Level = 0;
      let lookedMs = 0;
      const look = async (): Promise<void> => {
        const before = level;
        level = await readLevel(gpiod, what, line);
        lookedMs = deps.clock.bootMs();
        if (before !== level) onEdge();
      };
      const monitor = await createLineMonitor(
        { ...deps, gpiod },
        what,
        line,
        "both",
        ({ rising }) => {
          level = rising ? 1 : 0;
          onEdge();
        },
        look,
      );
      return {
        level: async () => {
          if (deps.clock.bootMs() - lookedMs > LOOK_AGAIN_MS) await monitor.again();
          monitor.check();
          return level;
        },
        close: () => monitor.close(),
      };
    },
    drive: async (chip, pin, { active, safe }, onLost) => {
      const what = `drive pin ${pin} of ${chip}`;
      const found = await gpiod.find(what, chip, pin);
      return createOutputHolder(gpiod, what, { ...found, active }, safe, onLost);
    },
  };
}

/** Only while nobody has the line. */
async function readLevel(gpiod: GpiodTools, what: string, line: LineRequest): Promise<Level> {
  const said = (await gpiod.tools.run("gpioget", (await gpiod.dialect()).get(line))).trim();
  if (said === "0" || said === "1") return said === "1" ? 1 : 0;
  throw new PortError("absent", `${what}: gpioget said "${said.slice(0, 40)}" instead of 0 or 1`);
}

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createSimulatedTime } from "../../testing/simulated-time.ts";
import { createEdgeCounter } from "./edge-counter.ts";
import { createGpioChips, type OnoffModule } from "./gpio.ts";
import { GUARD_SCRIPT } from "./safe-guard.ts";

let sysfs: string;
beforeEach(() => {
  sysfs = mkdtempSync(join(tmpdir(), "gpio-"));
  for (const [name, label, base, lines] of [
    ["gpiochip512", "pinctrl-bcm2711", 512, 58],
    ["gpiochip570", "raspberrypi-exp-gpio", 570, 8],
  ] as const) {
    mkdirSync(join(sysfs, name));
    writeFileSync(join(sysfs, name, "label"), `${label}\n`);
    writeFileSync(join(sysfs, name, "base"), `${base}\n`);
    writeFileSync(join(sysfs, name, "ngpio"), `${lines}\n`);
  }
});
afterEach(() => rmSync(sysfs, { recursive: true }));

function createBench({ failure, shell }: { failure?: string; shell?: string } = {}) {
  const time = createSimulatedTime();
  const opened: number[] = [];
  const logged: string[] = [];
  let onEdge: (error?: Error) => void = () => {};
  let isExported = false;
  class Gpio {
    constructor(number: number, direction: string) {
      if (failure) throw Object.assign(new Error(failure), { code: failure });
      opened.push(number);
      isExported = true;
      mkdirSync(join(sysfs, `gpio${number}`), { recursive: true });
      writeFileSync(join(sysfs, `gpio${number}`, "edge"), "both");
      writeFileSync(join(sysfs, `gpio${number}`, "value"), direction === "high" ? "1" : "0");
    }
    watch(callback: (error?: Error | null) => void) {
      onEdge = callback;
    }
    readSync() {
      return Number(readFileSync(join(sysfs, `gpio${opened.at(-1)}`, "value"), "utf8"));
    }
    writeSync(value: number) {
      writeFileSync(join(sysfs, `gpio${opened.at(-1)}`, "value"), String(value));
    }
    unexport() {
      isExported = false;
    }
  }
  const load = async (): Promise<OnoffModule> => ({ Gpio });
  const log = (_: string, event: string) => void logged.push(event);
  const chips = createGpioChips({
    clock: time.clock,
    timers: time.timers,
    log,
    load,
    sysfs,
    ...(shell !== undefined && { shell }),
  });
  return { chips, time, opened, logged, edge: (error?: Error) => onEdge(error), isExported: () => isExported };
}

/** Process ids of what guards this file. */
const guardsOf = (file: string): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandOf(pid).includes(`\0pump-station-guard\0${file}\0`));

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // It has ended meanwhile.
  }
}

const options = { edge: "falling", debounceMs: 50 } as const;

describe("pulses over onoff", () => {
  it("find their line by the chip's label, whatever number the kernel gave it", async () => {
    const { chips, opened } = createBench();
    await chips.countPulses("pinctrl-bcm2711", 17, options, () => {});
    expect(opened).toEqual([529]);
  });

  it("tell the kernel the one edge that counts, behind onoff's back", async () => {
    const { chips } = createBench();
    await chips.countPulses("pinctrl-bcm2711", 17, options, () => {});
    expect(readFileSync(join(sysfs, "gpio529", "edge"), "utf8")).toBe("falling");
  });

  it("count leading edges, and none within the debounce time", async () => {
    const { chips, time, edge } = createBench();
    let told = 0;
    const counter = await chips.countPulses("pinctrl-bcm2711", 17, options, () => told++);
    for (const gapMs of [0, 10, 10, 40, 10, 100]) {
      await time.advance(gapMs);
      edge();
    }
    edge(new Error("poll failed"));
    expect(counter.count()).toBe(3);
    expect(told).toBe(3);
  });

  it("give the line back", async () => {
    const { chips, isExported } = createBench();
    const counter = await chips.countPulses("pinctrl-bcm2711", 17, options, () => {});
    expect(isExported()).toBe(true);
    await counter.close();
    expect(isExported()).toBe(false);
  });

  it("say which chips there are when the label is wrong, and how many lines the chip has", async () => {
    const { chips } = createBench();
    const wrong = chips.countPulses("pinctrl-bcm2835", 17, options, () => {});
    await expect(wrong).rejects.toMatchObject({
      failure: "absent",
      message: expect.stringMatching(/pinctrl-bcm2711, raspberrypi-exp-gpio/),
    });
    const far = chips.countPulses("raspberrypi-exp-gpio", 8, options, () => {});
    await expect(far).rejects.toMatchObject({ failure: "absent", message: expect.stringMatching(/lines 0 to 7/) });
  });

  it.each([
    ["EBUSY", "busy"],
    ["EACCES", "denied"],
    ["EINVAL", "absent"],
  ])("name %s %s", async (code, failure) => {
    await expect(
      createBench({ failure: code }).chips.countPulses("pinctrl-bcm2711", 1, options, () => {}),
    ).rejects.toMatchObject({
      failure,
    });
  });

  it("without sysfs are absent", async () => {
    const { time } = createBench();
    const chips = createGpioChips({
      clock: time.clock,
      timers: time.timers,
      log: () => {},
      toolPath: join(sysfs, "nothing"),
      sysfs: join(sysfs, "nothing"),
    });
    await expect(chips.countPulses("x", 1, options, () => {})).rejects.toMatchObject({ failure: "absent" });
  });

  it("warn that a pull can't be set", async () => {
    const { chips, logged } = createBench();
    await chips.countPulses("pinctrl-bcm2711", 17, { ...options, pull: "up" }, () => {});
    expect(logged).toEqual(["gpio-pull-not-set"]);
  });
});

describe("levels and outputs over onoff", () => {
  const value = (number: number) => readFileSync(join(sysfs, `gpio${number}`, "value"), "utf8");

  it("are read as active or not, and every edge is told", async () => {
    const { chips, edge } = createBench();
    let edges = 0;
    const watch = await chips.watchLevel("pinctrl-bcm2711", 17, { active: "low" }, () => edges++);
    expect(await watch.level()).toBe(1);
    writeFileSync(join(sysfs, "gpio529", "value"), "1");
    edge();
    edge(new Error("poll failed"));
    expect(edges).toBe(1);
    expect(await watch.level()).toBe(0);
    await watch.close();
  });

  it("are driven safe at once, set, read back from the line, and left safe", async () => {
    const { chips, isExported } = createBench();
    const line = await chips.drive("pinctrl-bcm2711", 17, { active: "low", safe: 0 }, () => {});
    expect(value(529)).toBe("1");
    await line.set(1);
    expect([value(529), await line.level()]).toEqual(["0", 1]);
    await line.close();
    expect(value(529)).toBe("1");
    expect(isExported()).toBe(false);
  });

  it("are made safe and told as lost when their guard is killed", async () => {
    const { chips, isExported } = createBench();
    const lost = new Promise<string>((resolve) => {
      const driven = chips.drive("pinctrl-bcm2711", 17, { active: "high", safe: 0 }, resolve);
      void driven.then(async (line) => {
        await line.set(1);
        for (const pid of guardsOf(join(sysfs, "gpio529", "value"))) process.kill(pid, "SIGKILL");
      });
    });
    expect(await lost).toBe("drive pin 17 of pinctrl-bcm2711: its guard ended by SIGKILL; the pin was made safe");
    expect([value(529), isExported()]).toEqual(["0", false]);
  });

  it("are not driven without a guard", async () => {
    const { chips, isExported } = createBench({ shell: "/no/such/shell" });
    const driven = chips.drive("pinctrl-bcm2711", 17, { active: "high", safe: 0 }, () => {});
    await expect(driven).rejects.toThrow(/^drive pin 17 of pinctrl-bcm2711: nothing would make it safe.*ENOENT/);
    expect(isExported()).toBe(false);
  });

  it("are made safe when the process that drives them is killed", { timeout: 20_000 }, async () => {
    const file = join(sysfs, "value");
    writeFileSync(file, "1");
    // A process in between that starts the guard as the agent does, and is killed without a chance to do anything.
    const script = `require("child_process").spawn("/bin/sh", ["-c", ...${JSON.stringify([GUARD_SCRIPT, "guard", file, "0"])}], { stdio: ["pipe", "ignore", "ignore"] }); console.log("up"); setInterval(() => {}, 1000)`;
    const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
    await new Promise((resolve) => parent.stdout.once("data", resolve));
    parent.kill("SIGKILL");
    await vi.waitFor(() => expect(readFileSync(file, "utf8")).toBe("0"), { timeout: 15_000 });
  });

  it("are told only once that a pull can't be set", async () => {
    const { chips, logged } = createBench();
    for (let time = 0; time < 3; time++) {
      const options = { active: "high", pull: "down" } as const;
      await (await chips.watchLevel("pinctrl-bcm2711", 17, options, () => {})).close();
    }
    expect(logged).toEqual(["gpio-pull-not-set"]);
  });
});

describe("the edge counter", () => {
  it("never reads zero in a storm, nor more than one pulse per window (property)", () => {
    const gaps = fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 100 }), (each, debounceMs) => {
        const counter = createEdgeCounter(debounceMs, () => {});
        let ms = 0;
        for (const gap of each) counter.edge((ms += gap));
        const spanMs = ms - each[0]!;
        expect(counter.count()).toBeGreaterThanOrEqual(1);
        expect(counter.count()).toBeLessThanOrEqual(1 + spanMs / debounceMs);
        const clean = each.slice(1).filter((gap) => gap >= debounceMs).length;
        expect(counter.count()).toBeGreaterThanOrEqual(1 + clean);
      }),
    );
  });
});

describe("a contact that is faster than its debounce", () => {
  const trouble = (gapsMs: readonly number[]) => {
    const counter = createEdgeCounter(10, () => {});
    let ms = 0;
    for (const gap of gapsMs) counter.edge((ms += gap));
    return counter.trouble();
  };
  const repeat = (gapsMs: readonly number[], times: number) => Array.from({ length: times }, () => gapsMs).flat();

  it("is told, once", () => {
    const counter = createEdgeCounter(10, () => {});
    for (let ms = 0; ms < 1_000; ms += 3) counter.edge(ms);
    expect(counter.count()).toBeGreaterThan(80);
    expect(counter.trouble()).toContain("the contact bounces or is faster than its debounce");
    expect(counter.trouble()).toBeUndefined();
  });

  it("is told from one that bounces as contacts do, and from one that is quick but clean", () => {
    expect(trouble(repeat([200, 1, 1], 50))).toBeUndefined();
    expect(trouble(repeat([15], 50))).toBeUndefined();
    expect(trouble(repeat([4], 50))).toBeDefined();
  });
});

/** Real processes over tools that behave like libgpiod's (testing/fake-gpiod.ts), of both major versions. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createFakeGpiod, type FakeGpiod } from "../../testing/fake-gpiod.ts";
import type { OutputLine, PulseCounter } from "../../world.ts";
import { createClock } from "../clock.ts";
import { createTimers } from "../timers.ts";
import { createGpioChips } from "./gpio.ts";
import { HOLDER_SCRIPT } from "./output-holder.ts";

let folder: string;
const closing: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gpiod-"));
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  rmSync(folder, { recursive: true });
});

function createBench(major: 1 | 2) {
  const fake = createFakeGpiod(folder, major);
  const events: string[] = [];
  const chips = createGpioChips({
    clock: createClock(),
    timers: createTimers(),
    log: (_, event) => void events.push(event),
    sysfs: join(folder, "no-sysfs"),
    toolPath: fake.path,
  });
  return { fake, chips, events };
}

/** Milliseconds of the kernel's clock → what gpiomon prints for a falling edge. */
const falling = (major: 1 | 2, ms: number): string => {
  const seconds = Math.floor(ms / 1_000);
  const nanoseconds = Math.round((ms % 1_000) * 1e6);
  return major === 1 ? `0 ${seconds} ${nanoseconds}` : `2 ${seconds}.${String(nanoseconds).padStart(9, "0")}`;
};
const rising = (major: 1 | 2, ms: number): string => falling(major, ms).replace(/^[02]/, "1");
const patient = { timeout: 15_000, interval: 20 };
const pulses = { edge: "falling", debounceMs: 10, pull: "up" } as const;

const opened = async <T extends PulseCounter | OutputLine | { close(): Promise<void> }>(
  opening: Promise<T>,
): Promise<T> => {
  const line = await opening;
  closing.push(() => line.close());
  return line;
};

describe.each([1, 2] as const)("libgpiod's tools %i.x", (major) => {
  it("count pulses by the kernel's time, on a line found by its name", { timeout: 30_000 }, async () => {
    const { fake, chips } = createBench(major);
    const counter = await opened(chips.countPulses("fake-chip", "RAIN", pulses, () => {}));
    for (const ms of [1_000, 1_000.5, 1_009.9, 1_010, 2_500]) fake.event(17, falling(major, ms));
    await vi.waitFor(() => expect(counter.count()).toBe(3), patient);
    const call = fake.log().find((line) => line.startsWith("gpiomon"));
    expect(call).toContain("--bias=pull-up");
    expect(call).toMatch(/gpiochip0 17$/);
  });

  it("count on after gpiomon ended, and tell that pulses may be lost", { timeout: 30_000 }, async () => {
    const { fake, chips, events } = createBench(major);
    const counter = await opened(chips.countPulses("fake-chip", 17, pulses, () => {}));
    fake.event(17, falling(major, 1_000));
    await vi.waitFor(() => expect(counter.count()).toBe(1), patient);
    fake.event(17, "die");
    await vi.waitFor(() => expect(() => counter.count()).toThrow(/gpiomon/), patient);
    await vi.waitFor(() => expect(counter.count()).toBe(1), patient);
    expect(counter.trouble()).toMatch(/gpiomon ended and was started again: .* is lost/);
    expect(counter.trouble()).toBeUndefined();
    fake.event(17, falling(major, 9_000));
    await vi.waitFor(() => expect(counter.count()).toBe(2), patient);
    expect(events).toEqual(["gpio-tool-ended", "gpio-tool-restarted"]);
  });

  it("read a level: what it was, and every edge", { timeout: 30_000 }, async () => {
    const { fake, chips } = createBench(major);
    fake.putWire(17, 1);
    let edges = 0;
    const watch = await opened(chips.watchLevel("fake-chip", 17, { active: "high" }, () => edges++));
    expect(await watch.level()).toBe(1);
    edges = 0;
    fake.event(17, falling(major, 1_000));
    await vi.waitFor(() => expect(edges).toBe(1), patient);
    expect(await watch.level()).toBe(0);
    fake.event(17, rising(major, 2_000));
    await vi.waitFor(() => expect(edges).toBe(2), patient);
    expect(await watch.level()).toBe(1);
  });

  it("hold an output, and leave it safe when it is let go of", { timeout: 30_000 }, async () => {
    const { fake, chips } = createBench(major);
    const line = await chips.drive("fake-chip", 5, { active: "high", safe: 0 }, () => {});
    expect(fake.wire(5)).toBe("0");
    await line.set(1);
    expect([fake.wire(5), await line.level()]).toEqual(["1", 1]);
    await line.close();
    expect(fake.wire(5)).toBe("0");
  });

  it("make an output safe when its holder is killed, and tell that the line is lost", { timeout: 30_000 }, async () => {
    const { fake, chips } = createBench(major);
    const lost: string[] = [];
    const line = await opened(chips.drive("fake-chip", 5, { active: "high", safe: 0 }, (why) => lost.push(why)));
    await line.set(1);
    process.kill(fake.user(5), "SIGKILL");
    await vi.waitFor(() => expect(lost).toHaveLength(1), patient);
    expect(fake.wire(5)).toBe("0");
    await expect(line.level()).rejects.toMatchObject({ failure: "absent" });
  });

  it("say who has a line that is busy, what there is, and what the chip has", { timeout: 30_000 }, async () => {
    const { chips } = createBench(major);
    await opened(chips.countPulses("fake-chip", 17, pulses, () => {}));
    const second = chips.drive("fake-chip", 17, { active: "high", safe: 0 }, () => {});
    await expect(second).rejects.toMatchObject({ failure: "busy", message: expect.stringMatching(/used by other/) });
    const options = { active: "high" } as const;
    await expect(chips.watchLevel("chip", 17, options, () => {})).rejects.toThrow(/there are: fake-chip/);
    await expect(chips.watchLevel("fake-chip", 20, options, () => {})).rejects.toThrow(/lines 0 to 19/);
    await expect(chips.watchLevel("fake-chip", "SUN", options, () => {})).rejects.toThrow(/there are: RAIN/);
  });
});

it("a machine with neither sysfs nor libgpiod's tools says what to install", async () => {
  const chips = createGpioChips({
    clock: createClock(),
    timers: createTimers(),
    log: () => {},
    sysfs: join(folder, "no-sysfs"),
    toolPath: join(folder, "nothing"),
  });
  const opening = chips.countPulses("chip", 17, pulses, () => {});
  await expect(opening).rejects.toMatchObject({
    failure: "absent",
    message: expect.stringMatching(/apt install gpiod/),
  });
});

it("the end of the process that holds an output makes it safe, however it ends", { timeout: 30_000 }, async () => {
  const fake: FakeGpiod = createFakeGpiod(folder, 2);
  const args = ["--consumer=x", "--toggle=0", "5=1", "5=0", "--chip", "gpiochip0"];
  // A process in between that starts the holder as the agent does, and is killed without a chance to do anything.
  const parent = spawn(
    process.execPath,
    [
      "-e",
      `require("child_process").spawn("/bin/sh", ["-c", ...${JSON.stringify([HOLDER_SCRIPT, "holder", ...args])}], { stdio: ["pipe", "ignore", "ignore"] }); setInterval(() => {}, 1000)`,
    ],
    { env: { ...process.env, PATH: fake.path }, stdio: "ignore" },
  );
  await vi.waitFor(() => expect(fake.wire(5)).toBe("1"), patient);
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(fake.wire(5)).toBe("0"), patient);
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BUILD_DATE_MS } from "../limits.ts";
import { createChance } from "./chance.ts";
import { createClock } from "./clock.ts";
import { createTimers } from "./timers.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "clock-"));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(root, { recursive: true });
});

function touch(path: string): string {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), "");
  return join(root, path);
}

const nobody = (): Promise<string> => Promise.reject(new Error("spawn chronyc ENOENT"));

describe("the clock", () => {
  it("counts from the boot of the machine, which it names as the kernel does", () => {
    const clock = createClock();
    expect(clock.bootId).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
    const uptimeMs = 1_000 * Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
    expect(Math.abs(clock.bootMs() - uptimeMs)).toBeLessThan(60_000);
  });

  it("without a kernel that names the boot takes a name that nobody else has", () => {
    expect(createClock({ root, askChrony: nobody }).bootId).not.toBe(createClock({ root, askChrony: nobody }).bootId);
  });

  it("trusts nothing until timesyncd says that it has synchronised", () => {
    expect(createClock({ root, askChrony: nobody }).isWallTrusted()).toBe(false);
    touch("/run/systemd/timesync/synchronized");
    expect(createClock({ root, askChrony: nobody }).isWallTrusted()).toBe(true);
  });

  it("trusts chrony's own word, from the look after it was given", async () => {
    vi.useFakeTimers({ toFake: ["hrtime"] });
    const askChrony = async () => "A,B,3,1795359358.8,0.0001,0,0,0,0,0,0,0,64,Normal";
    const clock = createClock({ root, askChrony });
    expect(clock.isWallTrusted()).toBe(false);
    vi.advanceTimersByTime(2_000);
    touch("/run/chrony/chronyd.pid");
    expect(clock.isWallTrusted()).toBe(false);
    await Promise.resolve();
    vi.advanceTimersByTime(2_000);
    expect(clock.isWallTrusted()).toBe(true);
  });

  it("trusts chrony's files only by a drift file of this boot", () => {
    touch("/run/chrony/chronyd.pid");
    expect(createClock({ root, askChrony: nobody }).isWallTrusted()).toBe(false);
    const drift = touch("/var/lib/chrony/chrony.drift");
    utimesSync(drift, 1_000, 1_000);
    expect(createClock({ root, askChrony: nobody }).isWallTrusted()).toBe(false);
    utimesSync(drift, Date.now() / 1000 - 0.1, Date.now() / 1000 - 0.1);
    expect(createClock({ root, askChrony: nobody }).isWallTrusted()).toBe(true);
  });

  it("runs on, trusting nothing, where it may not look at what a time service wrote", () => {
    touch("/run/chrony/chronyd.pid");
    // A link to itself can't be followed by root either (ELOOP), as a folder of another group can't by a user (EACCES).
    mkdirSync(join(root, "/var/lib"), { recursive: true });
    symlinkSync("chrony", join(root, "/var/lib/chrony"));
    expect(createClock({ root, askChrony: nobody }).isWallTrusted()).toBe(false);
    touch("/run/systemd/timesync/synchronized");
    expect(createClock({ root, askChrony: nobody }).isWallTrusted()).toBe(true);
  });

  it("trusts always where the configuration says that the host keeps the time", () => {
    expect(createClock({ root, trustClock: "always" }).isWallTrusted()).toBe(true);
  });
});

describe("a clock that shows less than this program's build date", () => {
  it.each(["always", "when-synchronised"] as const)("isn't trusted (%s), until it has been set", (trustClock) => {
    touch("/run/systemd/timesync/synchronized");
    vi.useFakeTimers({ toFake: ["Date"], now: BUILD_DATE_MS - 1 });
    const clock = createClock({ root, trustClock });
    expect(clock.isWallTrusted()).toBe(false);
    vi.setSystemTime(BUILD_DATE_MS);
    expect(clock.isWallTrusted()).toBe(true);
  });
});

describe("timers", () => {
  it("run once, not before their time, and not after being cancelled", () => {
    vi.useFakeTimers();
    const run = vi.fn();
    createTimers().after(100, run);
    const cancel = createTimers().after(100, run);
    cancel();
    vi.advanceTimersByTime(99);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_000);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it("wait longer than 24.8 days, where setTimeout would fire at once", () => {
    vi.useFakeTimers();
    const run = vi.fn();
    const days = 24 * 3_600_000;
    createTimers().after(60 * days, run);
    const cancel = createTimers().after(60 * days, run);
    vi.advanceTimersByTime(59 * days);
    expect(run).not.toHaveBeenCalled();
    cancel();
    vi.advanceTimersByTime(days);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it("end a sleep with the signal's reason, and leave nothing behind", async () => {
    vi.useFakeTimers();
    const controller = new AbortController();
    const sleeping = createTimers().sleep(1_000, controller.signal);
    controller.abort(new Error("stopped"));
    await expect(sleeping).rejects.toThrow("stopped");
    await expect(createTimers().sleep(1, controller.signal)).rejects.toThrow("stopped");
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("chance", () => {
  it("gives fractions from 0 to below 1, and as many bytes as asked for", () => {
    const chance = createChance();
    const fractions = Array.from({ length: 1_000 }, () => chance.fraction());
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...fractions)).toBeLessThan(1);
    expect(new Set(fractions).size).toBe(1_000);
    expect(chance.bytes(16)).toHaveLength(16);
    expect(chance.bytes(16)).not.toEqual(chance.bytes(16));
  });
});

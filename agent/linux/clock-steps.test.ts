/** The wall clock is vitest's, the monotonic one the machine's; services and the kernel are files in a folder. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BUILD_DATE_MS } from "../limits.ts";
import { type ClockOptions, createClock } from "./clock.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = BUILD_DATE_MS + 100 * DAY;
const SYNCHRONISED = "/run/systemd/timesync/synchronized";
/** What the kernel's hundredths and file systems round. */
const A_MOMENT = 60;

let root: string;
/** Asking is throttled on the machine's own clock, which the test moves too. */
let sinceBootMs: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "clock-"));
  sinceBootMs = 1_000_000;
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  vi.spyOn(process.hrtime, "bigint").mockImplementation(() => BigInt(Math.round(sinceBootMs * 1e6)));
  put("/proc/sys/kernel/random/boot_id", "this-boot\n");
  uptime(sinceBootMs);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  rmSync(root, { recursive: true });
});

function put(path: string, text = ""): string {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  return join(root, path);
}
const uptime = (ms: number) => put("/proc/uptime", `${(ms / 1_000).toFixed(2)} 1.00\n`);
/** As a service does when it has set the clock. */
const touch = (path = SYNCHRONISED, atMs = Date.now()) => utimesSync(put(path), atMs / 1_000, atMs / 1_000);
const pass = (ms: number) => {
  sinceBootMs += ms;
  uptime(sinceBootMs);
  vi.setSystemTime(Date.now() + ms);
};
const step = (ms: number) => vi.setSystemTime(Date.now() + ms);
const clockOf = (options: ClockOptions = {}) => createClock({ root, ...options });
const offsetOf = (clock: ReturnType<typeof createClock>) => clock.wallMs() - clock.bootMs();

describe("a wall clock that steps", () => {
  it.each([HOUR, -HOUR, DAY, -DAY])("by %i ms without anybody vouching for it changes nothing", (by) => {
    touch();
    const clock = clockOf();
    const before = offsetOf(clock);
    pass(10_000);
    expect(clock.isWallTrusted()).toBe(true);
    step(by);
    for (let looks = 0; looks < 1_000; looks++) {
      expect(clock.isWallTrusted()).toBe(true);
      expect(Math.abs(offsetOf(clock) - before)).toBeLessThan(A_MOMENT);
      // In days, so that an old file's time comes by again.
      pass(200_000);
    }
  });

  it.each([HOUR, -HOUR, DAY, -DAY])("by %i ms is followed as soon as a service has set it so", (by) => {
    touch();
    const clock = clockOf();
    const before = offsetOf(clock);
    pass(10_000);
    step(by);
    expect(Math.abs(offsetOf(clock) - before)).toBeLessThan(A_MOMENT);
    pass(60_000);
    touch();
    expect(Math.abs(offsetOf(clock) - before - by)).toBeLessThan(A_MOMENT);
  });

  it("by a service, between two looks, is followed at once", () => {
    touch();
    const clock = clockOf();
    const before = offsetOf(clock);
    pass(10_000);
    expect(clock.isWallTrusted()).toBe(true);
    pass(2_000);
    step(HOUR);
    touch();
    pass(3_000);
    expect(Math.abs(offsetOf(clock) - before - HOUR)).toBeLessThan(A_MOMENT);
  });

  it("and is set back again was never away", () => {
    touch();
    const clock = clockOf();
    const before = offsetOf(clock);
    step(DAY);
    pass(HOUR);
    expect(Math.abs(offsetOf(clock) - before)).toBeLessThan(A_MOMENT);
    step(-DAY);
    pass(HOUR);
    expect(Math.abs(offsetOf(clock) - before)).toBeLessThan(A_MOMENT);
  });

  it("is followed always where the host keeps the time, but never below the build date", () => {
    const clock = clockOf({ trustClock: "always" });
    const before = offsetOf(clock);
    step(HOUR);
    expect(Math.abs(offsetOf(clock) - before - HOUR)).toBeLessThan(A_MOMENT);
    step(-START);
    expect(Math.abs(offsetOf(clock) - before - HOUR)).toBeLessThan(A_MOMENT);
    expect(clock.isWallTrusted()).toBe(true);
  });
});

describe("a wall clock that slews", () => {
  it("over a smeared leap second is followed all the way", () => {
    touch();
    const clock = clockOf();
    const before = offsetOf(clock);
    for (let ms = 0; ms < 1_000; ms++) {
      step(-1);
      pass(DAY / 1_000);
      clock.isWallTrusted();
    }
    expect(Math.abs(offsetOf(clock) - before + 1_000)).toBeLessThan(A_MOMENT);
  });
});

describe("a machine that is suspended", () => {
  it("goes on counting, and its wall clock, which went on too, hasn't stepped", () => {
    touch();
    const clock = clockOf();
    const [bootMs, offsetMs] = [clock.bootMs(), offsetOf(clock)];
    // CLOCK_MONOTONIC stands still; CLOCK_BOOTTIME and the wall clock don't.
    step(8 * HOUR);
    uptime(sinceBootMs + 8 * HOUR);
    expect(clock.bootMs()).toBe(bootMs + 8 * HOUR);
    expect(Math.abs(offsetOf(clock) - offsetMs)).toBeLessThan(A_MOMENT);
    expect(clock.isWallTrusted()).toBe(true);
  });

  it("gives later processes of the boot the same origin", () => {
    step(8 * HOUR);
    uptime(sinceBootMs + 8 * HOUR);
    expect(clockOf().bootMs()).toBe(sinceBootMs + 8 * HOUR);
  });

  it("isn't what a container shows that has its own uptime, nor a process that was put aside for a while", () => {
    const clock = clockOf();
    uptime(5_000);
    step(50);
    expect(clock.bootMs()).toBe(sinceBootMs);
    uptime(sinceBootMs + 60);
    step(50);
    expect(clock.bootMs()).toBe(sinceBootMs);
  });
});

describe("what a former process knew", () => {
  const known = (bootId: string, wallMs: number) => ({ bootId, wallMs, offsetMs: wallMs - sinceBootMs });

  it("holds in the same boot, also when nobody vouches for the clock any more, and it was set wrong meanwhile", () => {
    const clock = clockOf({ known: known("this-boot", START) });
    expect(clock.isWallTrusted()).toBe(true);
    step(-DAY);
    expect(Math.abs(offsetOf(clock) - START + sinceBootMs)).toBeLessThan(A_MOMENT);
    const restarted = clockOf({ known: known("this-boot", START) });
    expect(Math.abs(offsetOf(restarted) - START + sinceBootMs)).toBeLessThan(A_MOMENT);
  });

  it("is what a clock of the next boot can't be below, whoever vouches for it", () => {
    touch();
    const clock = clockOf({ known: known("former-boot", START + HOUR) });
    expect(clock.isWallTrusted()).toBe(false);
    // The best guess for who must guess: certificates.
    expect(clock.wallMs()).toBeGreaterThanOrEqual(START + HOUR);
    pass(HOUR + 1);
    expect(clock.isWallTrusted()).toBe(true);
  });
});

describe("a file that is touched by whoever sets the clock", () => {
  it("vouches for it when it was touched in this boot, and again after each step", () => {
    const setFile = join(root, "clock-set");
    const clock = clockOf({ setFile });
    expect(clock.isWallTrusted()).toBe(false);
    touch("clock-set", START - sinceBootMs - 1_000);
    pass(3_000);
    expect(clock.isWallTrusted()).toBe(false);
    touch("clock-set");
    pass(3_000);
    expect(clock.isWallTrusted()).toBe(true);
    const before = offsetOf(clock);
    step(HOUR);
    pass(3_000);
    expect(Math.abs(offsetOf(clock) - before)).toBeLessThan(A_MOMENT);
    touch("clock-set");
    pass(3_000);
    expect(Math.abs(offsetOf(clock) - before - HOUR)).toBeLessThan(A_MOMENT);
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import type { LogLevel } from "../world.ts";
import { feedWatchdog, tellSystemd, watchdogPatienceMs } from "./watchdog.ts";

const MINUTE = 60_000;

function fed(tell: () => Promise<void>, patienceMs: number | undefined = 9 * MINUTE) {
  const time = createSimulatedTime();
  const logged: string[] = [];
  const log = (level: LogLevel, event: string): void => void logged.push(`${level} ${event}`);
  const stop = feedWatchdog({ timers: time.timers, log, tell }, patienceMs);
  return { time, logged, stop };
}

test("systemd is told at the start, three times within its patience, and no more after the end", async () => {
  let told = 0;
  const { time, logged, stop } = fed(async () => void told++);
  expect(told).toBe(1);
  await time.advance(9 * MINUTE);
  expect(told).toBe(4);
  stop();
  await time.advance(60 * MINUTE);
  expect([told, logged]).toEqual([4, []]);
});

test("what nobody heard is told again in its time, and logged once until somebody has", async () => {
  let isDeaf = true;
  let tried = 0;
  const { time, logged } = fed(async () => {
    tried++;
    if (isDeaf) throw new Error("spawn systemd-notify ENOENT");
  });
  await time.advance(9 * MINUTE);
  expect([tried, logged]).toEqual([4, ["error watchdog-not-fed"]]);
  isDeaf = false;
  await time.advance(3 * MINUTE);
  isDeaf = true;
  await time.advance(3 * MINUTE);
  expect(logged).toHaveLength(2);
});

test("without systemd nothing is told", async () => {
  const time = createSimulatedTime();
  const refused = async (): Promise<void> => expect.unreachable("told");
  feedWatchdog({ timers: time.timers, log: () => {}, tell: refused }, undefined);
  await time.advance(60 * MINUTE);
  expect(time.waiting).toBe(0);
});

test.each([
  [{}, undefined],
  [{ WATCHDOG_USEC: "600000000" }, 600_000],
  [{ WATCHDOG_USEC: "600000000", WATCHDOG_PID: String(process.pid) }, 600_000],
  [{ WATCHDOG_USEC: "600000000", WATCHDOG_PID: "1" }, undefined],
  [{ WATCHDOG_USEC: "0" }, undefined],
  [{ WATCHDOG_USEC: "soon" }, undefined],
])("of %j systemd's patience is %s ms", (env, patienceMs) => {
  expect(watchdogPatienceMs(env)).toBe(patienceMs);
});

test("systemd's tool is what tells, and says when it could not", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pump-station-watchdog-"));
  try {
    const tool = (script: string) =>
      writeFileSync(join(folder, "systemd-notify"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    tool(`echo "$@" >> ${folder}/told`);
    await tellSystemd(folder);
    expect(readFileSync(join(folder, "told"), "utf8")).toBe("WATCHDOG=1\n");
    tool("echo no socket >&2; exit 1");
    await expect(tellSystemd(folder)).rejects.toThrow("no socket");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

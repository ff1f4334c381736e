import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { expect, test } from "vitest";
import type { Child, Processes } from "../world.ts";
import { keepRunning } from "./supervisor.ts";

function nursery(isReady = true) {
  const time = createSimulatedTime();
  const children: { end: (how: string) => void; stopped: boolean }[] = [];
  const said: string[] = [];
  const processes: Processes = {
    start: (): Child => {
      let end: (how: string) => void = () => undefined;
      const ended = new Promise<string>((resolve) => void (end = resolve));
      const child = { end, stopped: false };
      children.push(child);
      const stop = async () => {
        child.stopped = true;
        end("signal SIGTERM");
      };
      return { pid: 100 + children.length, ended, stop };
    },
    isStranger: () => false,
    endStranger: async () => false,
  };
  const kept = keepRunning(
    { processes, timers: time.timers, clock: time.clock, say: (line) => void said.push(line) },
    { name: "the agent", program: "agent.mjs", args: [], logPath: "agent.log" },
  );
  if (isReady) kept.ready();
  return { time, children, said, kept };
}

test("a program that was killed is started again, and that is said", async () => {
  const { time, children, said, kept } = nursery();
  await time.advance(60_000);
  children[0]?.end("signal SIGKILL");
  await time.advance(1_000);
  expect(children).toHaveLength(2);
  expect(kept.pid).toBe(102);
  expect(said).toEqual([
    "the agent (pid 101) has ended: signal SIGKILL. Starting it again in 1 s; see agent.log",
    "the agent runs again as pid 102.",
  ]);
});

test("one that ends again and again is waited for longer each time", async () => {
  const { time, children } = nursery();
  for (const waitMs of [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
    const before = children.length;
    children.at(-1)?.end("exit code 1");
    await time.advance(waitMs - 1);
    expect(children).toHaveLength(before);
    await time.advance(1);
    expect(children).toHaveLength(before + 1);
  }
});

test("one that is stopped stays stopped, also while it waits for its restart", async () => {
  const running = nursery();
  await running.kept.stop();
  await running.time.advance(60_000);
  expect([running.children.length, running.children[0]?.stopped, running.said]).toEqual([1, true, []]);

  const waiting = nursery();
  waiting.children[0]?.end("exit code 1");
  await waiting.time.advance(500);
  await waiting.kept.stop();
  await waiting.time.advance(60_000);
  expect(waiting.children).toHaveLength(1);
});

test("one that ends before it was ready is not started again, but says how it ended", async () => {
  const { time, children, kept } = nursery(false);
  children[0]?.end("exit code 78");
  await time.advance(60_000);
  expect([children.length, kept.failed]).toEqual([1, "exit code 78"]);
});

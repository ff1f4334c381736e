import { describe, expect, it } from "vitest";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createCommitter } from "./committer.ts";

describe("the committer", () => {
  it("commits the first sample at once and doubles the interval up to its setting", async () => {
    const time = createSimulatedTime({ bootMs: 0 });
    const commits: number[] = [];
    const committer = createCommitter(
      { timers: time.timers, buffer: { commit: () => void commits.push(time.clock.bootMs()) } },
      { intervalMs: 2_000 },
    );
    for (let ms = 0; ms < 10_000; ms += 50) {
      committer.staged();
      await time.advance(50);
    }
    expect(commits).toEqual([0, 300, 800, 1_800, 3_800, 5_800, 7_800, 9_800]);
  });

  it("takes another interval from the next commit on", async () => {
    const time = createSimulatedTime({ bootMs: 0 });
    const commits: number[] = [];
    const committer = createCommitter(
      { timers: time.timers, buffer: { commit: () => void commits.push(time.clock.bootMs()) } },
      { intervalMs: 1_000 },
    );
    const run = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 50) {
        committer.staged();
        await time.advance(50);
      }
    };
    await run(5_000);
    committer.setInterval(4_000);
    commits.length = 0;
    await run(20_000);
    expect(commits.slice(-2).map((at, index, two) => at - (two[index - 1] ?? at))).toEqual([0, 4_000]);
    committer.setInterval(500);
    await run(10_000);
    expect(commits.slice(-2).map((at, index, two) => at - (two[index - 1] ?? at))).toEqual([0, 500]);
  });

  it("commits nothing while nothing is staged, and the rest when stopped", async () => {
    const time = createSimulatedTime({ bootMs: 0 });
    let commits = 0;
    const committer = createCommitter(
      { timers: time.timers, buffer: { commit: () => void commits++ } },
      { intervalMs: 10_000 },
    );
    committer.staged();
    await time.advance(3_600_000);
    expect(commits).toBe(1);
    committer.staged();
    committer.stop();
    expect(commits).toBe(2);
    await time.advance(3_600_000);
    expect(commits).toBe(2);
  });
});

/** What clocks do to the cadence: nothing. */
import { describe, expect, it } from "vitest";
import type { Sample } from "../reading.ts";
import type { DeviceSource } from "../source/source.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createSmallDevice } from "../testing/small-protocol.ts";
import { createCadence } from "./cadence.ts";

const HOUR = 3_600_000;

function createBench() {
  const time = createSimulatedTime({ bootMs: 0 });
  const polledAt: number[] = [];
  const samples: Sample[] = [];
  const source: DeviceSource = {
    device: "pump",
    poll: async () => {
      polledAt.push(time.clock.bootMs());
      await time.timers.sleep(10);
      return { device: "pump", bootMs: time.clock.bootMs(), values: [1, 0, 1] };
    },
    set: async () => ({ done: "refused", reason: "" }),
    command: async () => ({ done: "refused", reason: "" }),
    close: async () => {},
  };
  const deps = { clock: time.clock, timers: time.timers, log: () => {} };
  createCadence(deps, [createSmallDevice({ everyMs: 10_000 })], new Map([["pump", source]]), (_, sample) =>
    samples.push(sample),
  );
  return { time, polledAt, samples };
}

describe("the cadence", () => {
  it.each([
    HOUR,
    -HOUR,
    24 * HOUR,
    -24 * HOUR,
  ])("keeps every slot, once, over a step of the wall clock by %i ms", async (by) => {
    const { time, polledAt } = createBench();
    await time.advance(25_000);
    time.clock.stepWall(by);
    await time.advance(25_000);
    expect(polledAt).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000]);
  });

  it("makes up for nothing after a suspend: one poll when its timer comes, then the grid again", async () => {
    const { time, polledAt, samples } = createBench();
    await time.advance(25_000);
    const asleepMs = 8 * HOUR + 3_000;
    time.suspend(asleepMs);
    await time.advance(25_000);
    const resumed = asleepMs + 25_000;
    // The timer of the slot at 30 s had five more seconds to go.
    const grid = [40_000, 50_000].map((ms) => 8 * HOUR + ms);
    expect(polledAt).toEqual([0, 10_000, 20_000, resumed + 5_000, ...grid]);
    // None has a time within the suspend.
    expect(samples.filter(({ bootMs }) => bootMs > 25_000 && bootMs < resumed)).toEqual([]);
  });
});

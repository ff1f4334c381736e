import { expect, test } from "vitest";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { keepHeapSmall } from "./heap-keeper.ts";

test("garbage is collected once there is enough of it, counted from what was left the time before", async () => {
  const time = createSimulatedTime();
  let usedBytes = 20e6;
  let collections = 0;
  const heap = {
    usedBytes: () => usedBytes,
    collect: () => {
      collections++;
      usedBytes = 20.5e6;
    },
  };
  const stop = keepHeapSmall(time.timers, heap);
  usedBytes = 21.9e6;
  await time.advance(10_000);
  expect(collections).toBe(0);
  usedBytes = 22.1e6;
  await time.advance(10_000);
  expect(collections).toBe(1);
  usedBytes = 22.4e6;
  await time.advance(60_000);
  expect(collections).toBe(1);
  stop();
  usedBytes = 90e6;
  await time.advance(60_000);
  expect(collections).toBe(1);
});

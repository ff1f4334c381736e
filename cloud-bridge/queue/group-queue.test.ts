import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { expect, test } from "vitest";
import { createGroupQueue } from "./group-queue.ts";

const BOUNDS = { queueBytesMax: 10, groupBytesMax: 6, groupItemsMax: 3, waitMs: 2 };

function setUp(work: (group: readonly number[]) => Promise<void> = async () => undefined) {
  const time = createSimulatedTime();
  const groups: (readonly number[])[] = [];
  const queue = createGroupQueue<number>(
    {
      timers: time.timers,
      work: async (group) => {
        groups.push(group);
        await work(group);
      },
    },
    (bytes) => bytes,
    BOUNDS,
  );
  return { time, groups, queue };
}

test("messages that come together share a group, within its bytes and its count", async () => {
  const { time, groups, queue } = setUp();
  const added = [1, 1, 1, 1, 4].map((item) => queue.add(item));
  await time.advance(10);
  await Promise.all(added);
  expect(groups).toEqual([
    [1, 1, 1],
    [1, 4],
  ]);
});

test("a message larger than a group is a group of its own", async () => {
  const { time, groups, queue } = setUp();
  const added = [queue.add(9), queue.add(1)];
  await time.advance(10);
  await Promise.all(added);
  expect(groups).toEqual([[9], [1]]);
});

test("nothing resolves before its group is worked off", async () => {
  let finish: (() => void) | undefined;
  const { time, queue } = setUp(
    () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
  );
  let isResolved = false;
  const added = queue.add(2).then(() => {
    isResolved = true;
  });
  await time.advance(10);
  expect(isResolved).toBe(false);
  finish?.();
  await added;
});

test("of a group that fails only the message that fails alone is rejected", async () => {
  const { time, groups, queue } = setUp(async (group) => {
    if (group.includes(3)) throw new Error("unstorable");
  });
  const added = [queue.add(1), queue.add(3), queue.add(2)];
  const outcomes = Promise.allSettled(added);
  await time.advance(10);
  expect((await outcomes).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(groups).toEqual([[1, 3, 2], [1], [3], [2]]);
});

test("a full queue refuses, and takes again when there is room", async () => {
  const { time, queue } = setUp();
  const added = queue.add(8);
  await expect(queue.add(3)).rejects.toThrow(/8 bytes wait/);
  await time.advance(10);
  await added;
  const later = queue.add(3);
  await time.advance(10);
  await later;
});

test("closing works off what waits and refuses what comes later", async () => {
  const { time, groups, queue } = setUp();
  const added = queue.add(1);
  const closed = queue.close();
  await expect(queue.add(1)).rejects.toThrow(/closed/);
  await time.advance(10);
  await Promise.all([added, closed]);
  expect(groups).toEqual([[1]]);
});

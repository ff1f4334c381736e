/**
 * Between ingress and store: many messages share one transaction and so one fsync. Bounded in bytes; whoever waits
 * for `add` stalls its connection, which is the back-pressure. A larger installation puts a broker with durable queues
 * here; this one keeps nothing, because nothing is acknowledged before the store has it.
 */
import type { Timers } from "../world.ts";

export interface GroupQueue<Item> {
  /** Resolves when the item has been worked off; rejects with what went wrong with it, or when the queue is full. */
  add(item: Item): Promise<void>;
  /** Works off what waits, then refuses. */
  close(): Promise<void>;
}

export interface GroupBounds {
  readonly queueBytesMax: number;
  readonly groupBytesMax: number;
  readonly groupItemsMax: number;
  /** The first item of a group waits this long for others. */
  readonly waitMs: number;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createGroupQueue<Item>(
  deps: { readonly timers: Timers; readonly work: (group: readonly Item[]) => Promise<void> },
  bytesOf: (item: Item) => number,
  bounds: GroupBounds,
): GroupQueue<Item> {
  let waiting: Waiting<Item>[] = [];
  let waitingBytes = 0;
  let running: Promise<void> | undefined;
  let isClosed = false;

  const run = async (): Promise<void> => {
    await new Promise<void>((resolve) => void deps.timers.after(bounds.waitMs, resolve));
    while (waiting.length > 0) {
      await workOff(nextGroup());
      // A turn of the event loop, so that sockets and the API get theirs between groups.
      await new Promise<void>((resolve) => void deps.timers.after(0, resolve));
    }
    running = undefined;
  };

  function nextGroup(): readonly Waiting<Item>[] {
    let bytes = 0;
    let count = 0;
    for (const entry of waiting) {
      if (count > 0 && (count >= bounds.groupItemsMax || bytes + entry.bytes > bounds.groupBytesMax)) break;
      bytes += entry.bytes;
      count++;
    }
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    waitingBytes -= bytes;
    return group;
  }

  /** A group that fails is tried again one by one, so that nobody's message can hold up its neighbours'. */
  async function workOff(group: readonly Waiting<Item>[]): Promise<void> {
    try {
      await deps.work(group.map(({ item }) => item));
      for (const { resolve } of group) resolve();
    } catch (error) {
      if (group.length === 1) group[0]?.reject(error);
      else for (const entry of group) await workOff([entry]);
    }
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        const bytes = bytesOf(item);
        if (isClosed) return reject(new Error("queue a message: the queue is closed"));
        if (waitingBytes + bytes > bounds.queueBytesMax) {
          return reject(new Error(`queue a message of ${bytes} bytes: ${waitingBytes} bytes wait already`));
        }
        waiting.push({ item, bytes, resolve, reject });
        waitingBytes += bytes;
        running ??= run();
      }),
    close: async () => {
      isClosed = true;
      await running;
    },
  };
}

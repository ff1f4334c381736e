/**
 * Collects garbage once there are 2 MB of it. V8 waits until its heap has grown by half, which a quiet station takes days
 * for: each reconnect leaves 0.05 MB that have outlived the young generation. A collection takes some 50 ms, and comes at
 * most every 10 s.
 */
import type { Timers } from "../world.ts";

const LOOK_EVERY_MS = 10_000;
const GARBAGE_BYTES = 2e6;

export interface Heap {
  usedBytes(): number;
  collect(): void;
}

/** Undefined unless Node was started with --expose-gc, as the unit does. */
export function exposedHeap(): Heap | undefined {
  const { gc } = globalThis;
  return gc && { usedBytes: () => process.memoryUsage().heapUsed, collect: () => void gc() };
}

/** The returned function ends it. */
export function keepHeapSmall(timers: Timers, heap: Heap | undefined): () => void {
  if (!heap) return () => undefined;
  let leastBytes = heap.usedBytes();
  let cancel = (): void => undefined;
  const look = (): void => {
    leastBytes = Math.min(leastBytes, heap.usedBytes());
    if (heap.usedBytes() - leastBytes > GARBAGE_BYTES) {
      heap.collect();
      leastBytes = heap.usedBytes();
    }
    cancel = timers.after(LOOK_EVERY_MS, look);
  };
  look();
  return () => cancel();
}

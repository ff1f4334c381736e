import type { Timers } from "../world.ts";

/** setTimeout takes 31 bits; a longer wait would fire at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** Node's timers. A wait of 0 ms is one turn of the event loop (setTimeout would make it 1 ms). */
export function createTimers(): Timers {
  return {
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(reasonOf(signal));
        const onAbort = (): void => {
          cancel();
          if (signal) reject(reasonOf(signal));
        };
        const cancel = after(ms, () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        });
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
  };
}

function after(ms: number, run: () => void): () => void {
  if (ms <= 0) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  }
  const step = Math.min(ms, TIMEOUT_MS_MAX);
  let cancel = (): void => clearTimeout(timeout);
  const timeout = setTimeout(() => {
    if (step === ms) run();
    else cancel = after(ms - step, run);
  }, step);
  return () => cancel();
}

const reasonOf = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Error(`aborted: ${String(signal.reason)}`);

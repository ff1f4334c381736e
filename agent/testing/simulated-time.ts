/**
 * A clock and its timers that stand still until told: months run in minutes, and every run is the same.
 * Between two timers all promises settle (`advance` drains microtasks), so code under test needs no sleeping.
 */
import type { Clock, Timers } from "../world.ts";

export interface SimulatedTime {
  readonly clock: Clock & { trusted: boolean; stepWall(ms: number): void };
  readonly timers: Timers;
  /** Runs everything due within `ms`, in order of time, then of creation. */
  advance(ms: number): Promise<void>;
  /** The machine sleeps: boot time and wall time go on, timers stand still. */
  suspend(ms: number): void;
  /** Timers that wait. */
  readonly waiting: number;
}

interface Due {
  at: number;
  readonly order: number;
  readonly run: () => void;
}

export function createSimulatedTime(
  options: { wallMs?: number; bootId?: string; bootMs?: number } = {},
): SimulatedTime {
  let bootMs = options.bootMs ?? 1_000;
  let wallOffset = (options.wallMs ?? Date.UTC(2026, 4, 2, 8)) - bootMs;
  let order = 0;
  const due: Due[] = [];

  const after = (ms: number, run: () => void): (() => void) => {
    const entry: Due = { at: bootMs + Math.max(0, ms), order: order++, run };
    const index = due.findIndex((other) => other.at > entry.at);
    due.splice(index < 0 ? due.length : index, 0, entry);
    return () => {
      const at = due.indexOf(entry);
      if (at >= 0) due.splice(at, 1);
    };
  };

  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const reason = (): Error => (signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
      if (signal?.aborted) return reject(reason());
      const onAbort = () => {
        cancel();
        reject(reason());
      };
      const cancel = after(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });

  const advance = async (ms: number): Promise<void> => {
    const end = bootMs + ms;
    await settle();
    for (let next = due[0]; next && next.at <= end; next = due[0]) {
      due.shift();
      bootMs = next.at;
      next.run();
      await settle();
    }
    bootMs = end;
  };

  const clock = {
    bootId: options.bootId ?? "00000000-0000-4000-8000-000000000001",
    trusted: true,
    bootMs: () => bootMs,
    wallMs: () => Math.round(bootMs + wallOffset),
    isWallTrusted: () => clock.trusted,
    stepWall: (step: number) => {
      wallOffset += step;
    },
  };
  return {
    clock,
    timers: { after, sleep },
    advance,
    suspend: (ms) => {
      bootMs += ms;
      for (const entry of due) entry.at += ms;
    },
    get waiting() {
      return due.length;
    },
  };
}

/** Long promise chains (a publish through five awaits) settle within a few turns of the macrotask queue. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

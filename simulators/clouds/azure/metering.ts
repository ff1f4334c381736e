/** Counts messages as Azure bills them: in whole blocks of the tier's size, per device and kind, until midnight UTC. */
import type { Operation } from "./faults.ts";

export interface Usage {
  /** "2026-11-22", UTC */
  readonly day: string;
  readonly messages: number;
  readonly messagesPerDay: number;
  readonly byOperation: Readonly<Record<string, number>>;
  readonly byDevice: Readonly<Record<string, number>>;
}

export interface Meter {
  /** Counts; returns whether it still was within the day's quota. An empty message counts as one. */
  charge(device: string, on: Operation, bytes: number): boolean;
  usage(): Usage;
  /** As if so many messages had been sent today. */
  use(messages: number): void;
}

export function createMeter(
  nowMs: () => number,
  { messagesPerDay, meterBytes }: { readonly messagesPerDay: number; readonly meterBytes: number },
): Meter {
  let day = "";
  let messages = 0;
  let byOperation = new Map<string, number>();
  let byDevice = new Map<string, number>();
  const turnDay = (): void => {
    const today = new Date(nowMs()).toISOString().slice(0, 10);
    if (today === day) return;
    day = today;
    messages = 0;
    byOperation = new Map();
    byDevice = new Map();
  };
  return {
    charge: (device, on, bytes) => {
      turnDay();
      if (messages >= messagesPerDay) return false;
      const units = Math.max(1, Math.ceil(bytes / meterBytes));
      messages += units;
      byOperation.set(on, (byOperation.get(on) ?? 0) + units);
      byDevice.set(device, (byDevice.get(device) ?? 0) + units);
      return true;
    },
    usage: () => {
      turnDay();
      return {
        day,
        messages,
        messagesPerDay,
        byOperation: Object.fromEntries(byOperation),
        byDevice: Object.fromEntries(byDevice),
      };
    },
    use: (count) => {
      turnDay();
      messages += count;
    },
  };
}

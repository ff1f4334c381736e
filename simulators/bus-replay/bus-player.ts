/**
 * An I2C bus played from a recording: each transfer gets what the same one (address, bytes written, length) got, in
 * their order, after the last the first again; what was never asked, and what failed, is not acknowledged.
 */
import { type BusEvent, type BusRecording, bytesFrom, hexFrom } from "@pump-station/agent/tap/recording.ts";
import type { I2cChips } from "../hardware/i2c-chip.ts";

export interface BusPlayer extends I2cChips {
  readonly counted: { readonly answered: number; readonly failed: number; readonly unknown: number };
}

type Transfer = Extract<BusEvent, { address: string }>;

export function createBusPlayer({ events }: BusRecording): BusPlayer {
  const turns = new Map<string, { readonly results: Transfer[]; next: number }>();
  for (const event of events) {
    if (!("address" in event)) continue;
    const key = `${event.address} ${event.read} ${event.write}`;
    const known = turns.get(key) ?? { results: [], next: 0 };
    turns.set(key, known);
    known.results.push(event);
  }
  const counted = { answered: 0, failed: 0, unknown: 0 };
  return {
    counted,
    transfer: (address, write, readLength) => {
      const known = turns.get(`0x${address.toString(16).padStart(2, "0")} ${readLength} ${hexFrom(write)}`);
      const result = known?.results[known.next++ % known.results.length];
      if (result && "got" in result) {
        counted.answered++;
        return bytesFrom(result.got);
      }
      if (result) counted.failed++;
      else counted.unknown++;
      return undefined;
    },
  };
}

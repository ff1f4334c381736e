/** How often something can be done in a second, measured so that one slow round doesn't decide. */
import { median, nowMs } from "./rig.ts";

export const ROUNDS = 7;
const ROUND_MS = 500;

/** Median of times per second, after a round to warm up. */
export function perSecond(once: () => void, batch: number): number {
  const rates: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const from = nowMs();
    let count = 0;
    while (nowMs() - from < ROUND_MS) {
      for (let i = 0; i < batch; i++) once();
      count += batch;
    }
    if (round >= 0) rates.push((count / (nowMs() - from)) * 1_000);
  }
  return median(rates);
}

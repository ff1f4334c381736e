/**
 * What a column's next value will be, from those before: six predictors, with trends nine, of which the one with the least
 * recent error speaks. All in 1/256 of a step and relative to the last value, so that a value of any size fits. [x] = floor(x).
 *
 *   0 last        0
 *   1…4 means     m_g for g = 2, 4, 16, 64; m_g = 0 at the first value
 *   5 line        256 · (last - the one before); 0 after the first value
 *   6…8 trends    of trends.ts, in bodies of version 3
 *
 *   speaks        the first k of the least error_k
 *   learn         D = 256 · (x - last)
 *                 error_k += [(|D - predictor_k| - error_k) / 16]       with what predictor_k said before x
 *                 m_g += [(D - m_g) / min(g, n + 1)] - D                n = 1 after the first value, then 1 more each
 *   begin         error_k = 256, of the line and the trends 768
 *   restart       |x - last| ≥ 2^28: as if x were the first value
 */
import { TRENDS, Trends } from "./trends.ts";

export const STEP_PARTS = 256;
/** [k] */
const GAINS = Float64Array.of(1, 2, 4, 16, 64);
const LINE = 5;
const FIRST_TREND = 6;
const PREDICTORS_MAX = 16;
const JUMP = 2 ** 28;

export class Predictor {
  /** Of the next value against the last, in 1/256 steps. */
  offset = 0;
  private readonly offsets: Float64Array;
  private readonly errors: Float64Array;
  private readonly trends: Trends | undefined;
  private count = 1;

  constructor(hasTrends: boolean) {
    const predictors = FIRST_TREND + (hasTrends ? TRENDS : 0);
    this.offsets = new Float64Array(predictors);
    this.errors = new Float64Array(predictors);
    this.trends = hasTrends ? new Trends() : undefined;
  }

  restart(): void {
    this.offset = 0;
    this.offsets.fill(0);
    this.errors.fill(STEP_PARTS, 0, LINE);
    this.errors.fill(3 * STEP_PARTS, LINE);
    this.trends?.restart();
    this.count = 1;
  }

  /** `change`: the value just coded - the last one. */
  learn(change: number): void {
    if (change >= JUMP || change <= -JUMP) return this.restart();
    const { offsets, errors } = this;
    const moved = change * STEP_PARTS;
    this.count++;
    let least = Infinity;
    for (let k = 0; k < errors.length; k++) {
      const off = Math.abs(moved - (offsets[k] ?? 0));
      const error = errors[k] ?? 0;
      const next = error + Math.floor((off - error) / 16);
      errors[k] = next;
      // The error and who made it in one: a branch would be foreseen by nothing.
      least = Math.min(least, PREDICTORS_MAX * next + k);
    }
    for (let k = 1; k < LINE; k++) {
      const offset = offsets[k] ?? 0;
      const gain = Math.min(GAINS[k] ?? 2, this.count);
      offsets[k] = offset + Math.floor((moved - offset) / gain) - moved;
    }
    offsets[LINE] = moved;
    this.trends?.learn(change, this.count - 1, offsets, FIRST_TREND);
    this.offset = offsets[least & (PREDICTORS_MAX - 1)] ?? 0;
  }
}

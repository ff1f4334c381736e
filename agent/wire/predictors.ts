/**
 * What a column's next value will be, from those before: six predictors, of a column with trends nine, of which the one with
 * the least recent error speaks. All in 1/256 of a step and relative to the last value, so that a value of any size fits.
 * [x] = floor(x).
 *
 *   0 last        0
 *   1…4 means     m_g for g = 2, 4, 16, 64; m_g = 0 at the first value
 *   5 line        256 · (last - the one before); 0 after the first value
 *   6…8 trends    of trends.ts, in columns that have them
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
/** Of powers of two: a product with them is the very quotient, and sooner there. */
const SHARES = GAINS.map((gain) => 1 / gain);
const LINE = 5;
const FIRST_TREND = 6;
const PREDICTORS = FIRST_TREND + TRENDS;
const PREDICTORS_MAX = 16;
const JUMP = 2 ** 28;

export class Predictor {
  /** Of the next value against the last, in 1/256 steps. */
  offset = 0;
  /** What it were without trends. */
  plainOffset = 0;
  private readonly offsets = new Float64Array(PREDICTORS);
  private readonly errors = new Float64Array(PREDICTORS);
  private readonly trends = new Trends();
  private hasTrends = false;
  private count = 1;

  begin(hasTrends: boolean): void {
    this.hasTrends = hasTrends;
    this.restart();
  }

  /** `change`: the value just coded - the last one. */
  learn(change: number): void {
    if (change >= JUMP || change <= -JUMP) return this.restart();
    const { offsets } = this;
    const moved = change * STEP_PARTS;
    const count = this.count + 1;
    this.count = count;
    const least = this.least(moved, 0, FIRST_TREND, Infinity);
    for (let k = 1; k < LINE; k++) {
      const off = moved - (offsets[k] ?? 0);
      const share = count < (GAINS[k] ?? 2) ? off / count : off * (SHARES[k] ?? 1);
      offsets[k] = Math.floor(share) - off;
    }
    offsets[LINE] = moved;
    this.plainOffset = offsets[least & (PREDICTORS_MAX - 1)] ?? 0;
    this.offset = this.plainOffset;
    if (!this.hasTrends) return;
    const leastOfAll = this.least(moved, FIRST_TREND, PREDICTORS, least);
    this.trends.learn(change, count - 1, offsets, FIRST_TREND);
    this.offset = offsets[leastOfAll & (PREDICTORS_MAX - 1)] ?? 0;
  }

  /** Errors learn; the least of them and of `before`, and who made it in one: a branch would be foreseen by nothing. */
  private least(moved: number, from: number, to: number, before: number): number {
    const { offsets, errors } = this;
    let least = before;
    for (let k = from; k < to; k++) {
      const error = errors[k] ?? 0;
      const next = error + Math.floor((Math.abs(moved - (offsets[k] ?? 0)) - error) / 16);
      errors[k] = next;
      least = Math.min(least, PREDICTORS_MAX * next + k);
    }
    return least;
  }

  private restart(): void {
    this.offset = 0;
    this.plainOffset = 0;
    this.offsets.fill(0);
    this.errors.fill(STEP_PARTS, 0, LINE);
    this.errors.fill(3 * STEP_PARTS, LINE);
    if (this.hasTrends) this.trends.restart();
    this.count = 1;
  }
}

/**
 * A value that rises or falls for a while: a level and a slope, each learnt from how far the last guess was off; for
 * (g, h) = (1, 16), (2, 8), (8, 64): a counter, a tank, a slow drift under noise. All in 1/65536 of a step, since a slope
 * of a tenth of a step has to be known well, and relative to the last value. [x] = floor(x).
 *
 *   begin     level = slope = 0
 *   learn     D = 65536 · (x - last), n = changes since the first value, this one counted
 *             off = D - level - slope
 *             level += slope + [off / min(g, n)] - D
 *             slope += [off / min(h, 1 + [n² / 4])]
 *   offset    [(level + slope) / 256], in 1/256 of a step
 */
const LEVEL_GAINS = Float64Array.of(1, 2, 8);
const SLOPE_GAINS = Float64Array.of(16, 8, 64);
const LEVEL_SHARES = LEVEL_GAINS.map((gain) => 1 / gain);
const SLOPE_SHARES = SLOPE_GAINS.map((gain) => 1 / gain);
/** After so many changes no gain is less than its own. */
const SETTLED = 16;
export const TRENDS = 3;
const PARTS = 65_536;

export class Trends {
  private readonly levels = new Float64Array(TRENDS);
  private readonly slopes = new Float64Array(TRENDS);

  restart(): void {
    this.levels.fill(0);
    this.slopes.fill(0);
  }

  /** Writes the trends' offsets to `offsets` from `at` on; `changes`: how many there were, this one counted. */
  learn(change: number, changes: number, offsets: Float64Array, at: number): void {
    const { levels, slopes } = this;
    const moved = change * PARTS;
    const isSettled = changes >= SETTLED;
    const soon = 1 + Math.floor((changes * changes) / 4);
    for (let trend = 0; trend < TRENDS; trend++) {
      const slope = slopes[trend] ?? 0;
      const guess = (levels[trend] ?? 0) + slope;
      const off = moved - guess;
      // Powers of two: the product is the very quotient, and sooner there.
      const nearer = isSettled ? off * (LEVEL_SHARES[trend] ?? 1) : off / Math.min(LEVEL_GAINS[trend] ?? 1, changes);
      const steeper = isSettled ? off * (SLOPE_SHARES[trend] ?? 1) : off / Math.min(SLOPE_GAINS[trend] ?? 1, soon);
      const level = guess + Math.floor(nearer) - moved;
      const nextSlope = slope + Math.floor(steeper);
      levels[trend] = level;
      slopes[trend] = nextSlope;
      offsets[at + trend] = Math.floor((level + nextSlope) / (PARTS / 256));
    }
  }
}

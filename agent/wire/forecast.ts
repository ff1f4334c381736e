/**
 * What an encoder foresees of a column before it writes it: the offsets with trends and without (predictors.ts), and which
 * of them cost less. Trends take a decoder a quarter longer, and most columns have none: noise, plateaus, flags.
 *
 *   cost      of each way, in bits: how much its distances' lengths tell (the entropy of how often each came), and the
 *             bits below a distance's top one
 *   trends    when they save more than 1 bit, and one for each 100 values
 *
 * A decoder is told the choice and needs to know nothing of this: another encoder may choose otherwise.
 */
import { type Predictor, STEP_PARTS } from "./predictors.ts";

const SAVED_MIN = 1;
const VALUES_PER_BIT = 100;
const LENGTHS = 33;
const LONGEST = 2 ** 31;

export interface Foreseen {
  readonly hasTrends: boolean;
  /** [n], of value n against the one before; valid until the next column. Longer than the column. */
  readonly offsets: Float64Array;
}

export class Forecast {
  private readonly knowsTrends: boolean;
  private readonly predictor: Predictor;
  private plain = new Float64Array(0);
  private trending = new Float64Array(0);
  /** How often each length came. */
  private readonly plainLengths = new Int32Array(LENGTHS);
  private readonly trendingLengths = new Int32Array(LENGTHS);

  /** `predictor` is at the end of the column when column() returns. */
  constructor(predictor: Predictor, knowsTrends: boolean) {
    this.predictor = predictor;
    this.knowsTrends = knowsTrends;
  }

  column(values: Float64Array): Foreseen {
    if (this.plain.length < values.length) {
      this.plain = new Float64Array(values.length);
      this.trending = new Float64Array(values.length);
    }
    this.foresee(values);
    const hasTrends = this.knowsTrends && this.saved() > SAVED_MIN + values.length / VALUES_PER_BIT;
    return { hasTrends, offsets: hasTrends ? this.trending : this.plain };
  }

  private foresee(values: Float64Array): void {
    const { predictor, plain, trending, plainLengths, trendingLengths } = this;
    plainLengths.fill(0);
    trendingLengths.fill(0);
    predictor.begin(this.knowsTrends);
    let last = values[0] ?? 0;
    for (let n = 1; n < values.length; n++) {
      const { plainOffset, offset } = predictor;
      plain[n] = plainOffset;
      trending[n] = offset;
      const value = values[n] ?? 0;
      const change = value - last;
      const moved = STEP_PARTS * change;
      count(plainLengths, moved - plainOffset);
      count(trendingLengths, moved - offset);
      predictor.learn(change);
      last = value;
    }
  }

  private saved(): number {
    return bitsOf(this.plainLengths) - bitsOf(this.trendingLengths);
  }
}

/** The length of u = [2 · how many steps it was off], which is the residual coder's but for ties. */
function count(lengths: Int32Array, off: number): void {
  const length = 32 - Math.clz32(Math.min((2 * Math.abs(off)) / STEP_PARTS, LONGEST));
  lengths[length] = (lengths[length] ?? 0) + 1;
}

/** But for what is the same for all lengths of one column. */
function bitsOf(lengths: Int32Array): number {
  let bits = 0;
  for (let length = 0; length < LENGTHS; length++) {
    const times = lengths[length] ?? 0;
    if (times > 0) bits += times * (Math.max(0, length - 1) - Math.log2(times));
  }
  return bits;
}

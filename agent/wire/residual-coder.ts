/**
 * A column of whole numbers after its first, each as its distance from the prediction, in slots (adaptive-bits.ts) that
 * the size of the distances before it chooses. [x] = floor(x). Each column begins with fresh own slots and h = 512; the
 * shared slots live as long as the body.
 *
 *   trends    in version 3, coin slot 0 of its own "the column has trends", before all others; renewed with the body
 *   offset    what predictors.ts says, in 1/256 steps; whole = [(offset + 128) / 256], part = offset - 256 · whole
 *   r         x - last - whole; when part ≤ 0: its negative, so that r > 0 is the likelier side
 *   u         r > 0: 2r - 1, else -2r
 *   length    of u in bits, as questions s = 0, 1, 2, …: "u ≥ 2^s", to the first no; a yes at s = 30 is an escape
 *   q         v = h + 38, b = its length in bits - 1: 4b + (the two bits below its top bit) - 16
 *   d(s)      q - 4s, at least -8, at most 40, then + 8: 0…48
 *   question  slots: own lengths [31 · [q / 8] + s] and
 *             shared lengths [49 · (4 · min(s, 3) + f) + d(s)], f = [6 · |part| / 256] for s < 2, else 0
 *             expected: 256 · LONGER[min(s, 2)][d(s)]
 *   rest      the bits below u's top bit, from the top: with prefix = 1, then 2 · prefix + bit,
 *             slots: own rests [8 · length + prefix] and shared rests [49 · (8 · min(length, 4) + prefix) + d(length)]
 *             expected: 256 · (7 · d(length) - 44, at least 40, at most 124)
 *             so for lengths 2, 3, 4; of a longer u the first two bits so, the others raw: first those above its
 *             lowest 16 if there are any, then the lowest
 *   escape    x itself, signed (numbers.ts)
 *   learn     h += n < 4 ? [(256 · u - h) / 2] : [3 · (256 · u - h) / 16], u at most 2^20 and 2^20 for an escape,
 *             n = how many values of the column came before x
 */
import { codeBit, codeCoin, createSlots, freshSlot, type Slots } from "./adaptive-bits.ts";
import { LONGER } from "./expected-lengths.ts";
import { Forecast, type Foreseen } from "./forecast.ts";
import type { NumberCoder } from "./numbers.ts";
import { Predictor, STEP_PARTS } from "./predictors.ts";
import type { BitCoder } from "./range-coder.ts";
import { WireError } from "./wire-error.ts";

const LENGTH_MAX = 30;
const CLASSES = 13;
const DISTANCE_LOW = -8;
const DISTANCE_HIGH = 40;
const DISTANCES = DISTANCE_HIGH - DISTANCE_LOW + 1;
const SIZE_PARTS = 256;
const SIZE_START = 2 * SIZE_PARTS;
const SIZE_MAX = 2 ** 20;
/** What a distance is called that is too long to be said. */
const ESCAPE = 2 ** LENGTH_MAX;

const lengthRow = (length: number): number => (length < 2 ? length : 2);
const repeated = (rows: readonly (readonly number[])[]): Slots => Int32Array.from(rows.flat());

/** [49 · min(s, 2) + d] */
const FRESH_LENGTHS = repeated(LONGER.map((row) => row.map((of256) => freshSlot(of256 << 8))));
/** [d] */
const FRESH_RESTS = Int32Array.from({ length: DISTANCES }, (_, d) =>
  freshSlot(Math.max(40, Math.min(124, 7 * d - 44)) << 8),
);
/** What the shared slots are when a body begins. */
const SHARED_LENGTHS = repeated(
  Array.from({ length: 16 }, (_, at) => {
    const row = lengthRow(at >> 2) * DISTANCES;
    return [...FRESH_LENGTHS.subarray(row, row + DISTANCES)];
  }),
);
const SHARED_RESTS = repeated(Array.from({ length: 5 * 8 }, () => [...FRESH_RESTS]));

export class ResidualCoder {
  private readonly coder: BitCoder;
  private readonly numbers: NumberCoder;
  private readonly knowsTrends: boolean;
  private readonly trendSlots = createSlots(1);
  private readonly predictor = new Predictor();
  private readonly forecast: Forecast | undefined;
  private readonly ownLengths = createSlots(CLASSES * (LENGTH_MAX + 1));
  private readonly ownRests = createSlots((LENGTH_MAX + 1) * 8);
  private readonly sharedLengths = SHARED_LENGTHS.slice();
  private readonly sharedRests = SHARED_RESTS.slice();
  /** Of the distances lately, in 1/256. */
  private size = SIZE_START;

  constructor(coder: BitCoder, numbers: NumberCoder, knowsTrends: boolean) {
    this.coder = coder;
    this.numbers = numbers;
    this.knowsTrends = knowsTrends;
    this.forecast = coder.isEncoder ? new Forecast(this.predictor, knowsTrends) : undefined;
  }

  /** values[0] is known; the others are written, or read into it. Throws WireError. */
  column(values: Float64Array): void {
    this.ownLengths.fill(0);
    this.ownRests.fill(0);
    this.size = SIZE_START;
    if (this.forecast) this.write(values, this.forecast.column(values));
    else this.read(values);
  }

  private write(values: Float64Array, { hasTrends, offsets }: Foreseen): void {
    this.trendsAre(hasTrends);
    for (let n = 1; n < values.length; n++) {
      const value = values[n] ?? 0;
      const offset = offsets[n] ?? 0;
      const whole = Math.floor((offset + STEP_PARTS / 2) / STEP_PARTS);
      const part = offset - whole * STEP_PARTS;
      const beyond = value - (values[n - 1] ?? 0) - whole;
      const u = Math.min(folded(part > 0 ? beyond : -beyond), ESCAPE) | 0;
      this.distance(u, part < 0 ? -part : part);
      this.grow(u, n);
      if (u === ESCAPE) this.numbers.signed(value);
    }
  }

  private read(values: Float64Array): void {
    const { predictor } = this;
    predictor.begin(this.trendsAre(false));
    let last = values[0] ?? 0;
    for (let n = 1; n < values.length; n++) {
      const { offset } = predictor;
      const whole = Math.floor((offset + STEP_PARTS / 2) / STEP_PARTS);
      const part = offset - whole * STEP_PARTS;
      const u = this.distance(0, part < 0 ? -part : part);
      this.grow(u, n);
      const change = whole + (part > 0 ? unfolded(u) : -unfolded(u));
      const value = u === ESCAPE ? this.numbers.signed(0) : last + change;
      if (!Number.isSafeInteger(value)) throw new WireError("malformed", "decode body: a value beyond 2^53");
      values[n] = value;
      predictor.learn(value - last);
      last = value;
    }
  }

  private trendsAre(hasTrends: boolean): boolean {
    return this.knowsTrends && codeCoin(this.coder, this.trendSlots, 0, hasTrends ? 1 : 0) === 1;
  }

  /** Of up to 30 bits, or ESCAPE. */
  private distance(u: number, part: number): number {
    const v = this.size + 38;
    const top = 31 - Math.clz32(v);
    const q = 4 * top + ((v >> (top - 2)) & 3) - 16;
    const own = (q >> 3) * (LENGTH_MAX + 1);
    const side = (part * 6) >> 8;
    const { coder, ownLengths, sharedLengths } = this;
    for (let length = 0; length <= LENGTH_MAX; length++) {
      const d = distanceOf(q - 4 * length);
      const fresh = FRESH_LENGTHS[lengthRow(length) * DISTANCES + d] ?? 0;
      const shared = (length < 2 ? 4 * length + side : length < 3 ? 8 : 12) * DISTANCES + d;
      const isLonger = u >= 1 << length ? 1 : 0;
      if (codeBit(coder, ownLengths, own + length, fresh, sharedLengths, shared, isLonger) === 0) {
        return length < 2 ? length : this.rest(u, length, d);
      }
    }
    return ESCAPE;
  }

  private rest(u: number, length: number, d: number): number {
    const { coder, ownRests, sharedRests } = this;
    const shared = (length < 4 ? length : 4) * 8;
    const fresh = FRESH_RESTS[d] ?? 0;
    let left = length - 1;
    let prefix = 1;
    for (const end = length <= 4 ? 0 : left - 2; left > end; ) {
      left--;
      const bit = (u >> left) & 1;
      const sharedAt = (shared + prefix) * DISTANCES + d;
      prefix = prefix * 2 + codeBit(coder, ownRests, length * 8 + prefix, fresh, sharedRests, sharedAt, bit);
    }
    return left === 0 ? prefix : this.lowBits(u, prefix, left);
  }

  private lowBits(u: number, prefix: number, left: number): number {
    if (left <= 16) return (prefix << left) | this.coder.raw(left, u & ((1 << left) - 1));
    const high = (prefix << (left - 16)) | this.coder.raw(left - 16, (u >> 16) & ((1 << (left - 16)) - 1));
    return (high << 16) | this.coder.raw(16, u & 0xffff);
  }

  private grow(u: number, n: number): void {
    const change = SIZE_PARTS * (u < SIZE_MAX ? u : SIZE_MAX) - this.size;
    this.size += n < 4 ? change >> 1 : (3 * change) >> 4;
  }
}

const distanceOf = (d: number): number =>
  (d < DISTANCE_LOW ? DISTANCE_LOW : d > DISTANCE_HIGH ? DISTANCE_HIGH : d) - DISTANCE_LOW;

/** 0, 1, -1, 2, -2 … as 0, 1, 2, 3, 4 … */
const folded = (r: number): number => (r > 0 ? 2 * r - 1 : -2 * r);
const unfolded = (u: number): number => ((u & 1) === 1 ? (u + 1) >> 1 : -(u >> 1));

/**
 * Whole numbers of any size up to 2^53 - 1, where no column leads to them: first values, steps, table entries.
 *
 *   size      length L in bits; coin slot 0 "L ≥ 16"; no: 4 raw bits L; yes: 6 raw bits L (16…53)
 *             then the L - 1 bits below the top one, raw, from the top, the first portions of 16
 *   signed    its size; unless it is 0, coin slot 1 "negative"
 */
import { codeCoin, createSlots } from "./adaptive-bits.ts";
import { type BitCoder, codeRaw } from "./range-coder.ts";
import { WireError } from "./wire-error.ts";

const LONG_FROM = 16;
const LENGTH_MAX = 53;
const LONG_SLOT = 0;
const NEGATIVE_SLOT = 1;

export class NumberCoder {
  private readonly coder: BitCoder;
  private readonly slots = createSlots(2);

  constructor(coder: BitCoder) {
    this.coder = coder;
  }

  /** 0 to 2^53 - 1. Throws WireError. */
  unsigned(value: number): number {
    const isLong = codeCoin(this.coder, this.slots, LONG_SLOT, value >= 2 ** (LONG_FROM - 1) ? 1 : 0) === 1;
    const length = this.coder.raw(isLong ? 6 : 4, lengthOf(value));
    if (length > LENGTH_MAX) throw new WireError("malformed", `decode body: a number of ${length} bits`);
    if (length < 2) return length;
    const top = 2 ** (length - 1);
    return top + codeRaw(this.coder, length - 1, value % top);
  }

  /** -(2^53 - 1) to 2^53 - 1. Throws WireError. */
  signed(value: number): number {
    const size = this.unsigned(Math.abs(value));
    if (size === 0) return 0;
    return codeCoin(this.coder, this.slots, NEGATIVE_SLOT, value < 0 ? 1 : 0) === 1 ? -size : size;
  }
}

function lengthOf(value: number): number {
  const high = Math.floor(value / 2 ** 32);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(value);
}

/**
 * A binary range coder with carry (as in LZMA): bits of any probability become a fraction of bits on the wire.
 *
 *   state      low (32 bits), range (31 bits; 2^31 - 1 at the start, never below 2^23 between bits)
 *   bit        `ones` = how likely a 1 is, 1…65535 of 65536; bound = floor(range / 2^16) · ones
 *              1: range = bound.   0: low += bound, range -= bound
 *   raw        count ≤ 16 bits that are as likely as not: range = floor(range / 2^count), low += range · value
 *   then       while range < 2^23: the top byte of low goes out, low and range move 8 bits to the left
 *   end        the fewest bytes that name a number in [low, low + range); zero bytes at the end are left out
 *
 * The decoder holds `code` = what was read - low, begins with 4 bytes and reads zeros beyond the end.
 */
import { WireError } from "./wire-error.ts";

export const ONES_SCALE = 65_536;
const RANGE_START = 0x7fff_ffff;
const RANGE_MIN = 1 << 23;
const SIGN = 0x8000_0000 | 0;
const RAW_BITS_AT_ONCE = 16;

/** Both directions in one shape, so that the model is written once: the decoder ignores `bit` and `value`. */
export interface BitCoder {
  readonly isEncoder: boolean;
  bit(ones: number, bit: number): number;
  /** count ≤ 16 */
  raw(count: number, value: number): number;
}

export class RangeEncoder implements BitCoder {
  readonly isEncoder = true;
  private low = 0;
  private range = RANGE_START;
  private out = new Uint8Array(1024);
  private length = 0;

  bit(ones: number, bit: number): number {
    const bound = Math.imul(this.range >>> 16, ones);
    if (bit === 1) this.range = bound;
    else {
      this.range -= bound;
      this.add(bound);
    }
    if (this.range < RANGE_MIN) this.shift();
    return bit;
  }

  raw(count: number, value: number): number {
    this.range >>>= count;
    this.add(Math.imul(this.range, value));
    if (this.range < RANGE_MIN) this.shift();
    return value;
  }

  /** Ends the coding. */
  bytes(): Uint8Array {
    const top = (this.low >>> 0) + this.range;
    for (let unit = 2 ** 24; unit >= 1; unit /= 256) {
      const named = Math.ceil((this.low >>> 0) / unit) * unit;
      if (named >= top) continue;
      if (named >= 2 ** 32) this.carry();
      this.low = named | 0;
      break;
    }
    for (let byte = 0; byte < 4; byte++) this.put();
    let end = this.length;
    while (end > 0 && this.out[end - 1] === 0) end--;
    return this.out.slice(0, end);
  }

  private add(amount: number): void {
    const sum = (this.low + amount) | 0;
    // Unsigned: the sum is below what it was when it passed 2^32.
    if ((sum ^ SIGN) < (this.low ^ SIGN)) this.carry();
    this.low = sum;
  }

  private carry(): void {
    for (let at = this.length - 1; at >= 0; at--) {
      const byte = ((this.out[at] ?? 0) + 1) & 0xff;
      this.out[at] = byte;
      if (byte !== 0) return;
    }
  }

  private shift(): void {
    while (this.range < RANGE_MIN) {
      this.put();
      this.range <<= 8;
    }
  }

  private put(): void {
    if (this.length === this.out.length) {
      const larger = new Uint8Array(this.out.length * 2);
      larger.set(this.out);
      this.out = larger;
    }
    this.out[this.length++] = this.low >>> 24;
    this.low <<= 8;
  }
}

export class RangeDecoder implements BitCoder {
  readonly isEncoder = false;
  private code = 0;
  private range = RANGE_START;
  private at = 0;
  private readonly body: Uint8Array;

  /** Throws WireError "malformed". */
  constructor(body: Uint8Array) {
    this.body = body;
    for (let byte = 0; byte < 4; byte++) this.code = (this.code << 8) | this.next();
    if (this.code < 0 || this.code === RANGE_START) throw new WireError("malformed", "decode body: no beginning");
  }

  bit(ones: number): number {
    const bound = Math.imul(this.range >>> 16, ones);
    let bit = 1;
    if (this.code < bound) this.range = bound;
    else {
      this.code -= bound;
      this.range -= bound;
      bit = 0;
    }
    if (this.range < RANGE_MIN) this.shift();
    return bit;
  }

  raw(count: number): number {
    this.range >>>= count;
    const value = (this.code / this.range) | 0;
    if (value >>> count !== 0) throw new WireError("malformed", "decode body: beyond its range");
    this.code -= Math.imul(value, this.range);
    if (this.range < RANGE_MIN) this.shift();
    return value;
  }

  /** Throws WireError "malformed" when bytes are left that nothing read. */
  end(): void {
    if (this.at < this.body.length) throw new WireError("malformed", "decode body: bytes after the end");
  }

  private shift(): void {
    while (this.range < RANGE_MIN) {
      this.range <<= 8;
      this.code = (this.code << 8) | this.next();
    }
  }

  private next(): number {
    const byte = this.at < this.body.length ? (this.body[this.at] ?? 0) : 0;
    this.at++;
    return byte;
  }
}

/** A whole number of up to 53 bits, 16 raw bits at a time, from the top. */
export function codeRaw(coder: BitCoder, bits: number, value: number): number {
  let result = 0;
  for (let left = bits; left > 0; ) {
    const count = Math.min(RAW_BITS_AT_ONCE, left);
    left -= count;
    const part = coder.isEncoder ? Math.floor(value / 2 ** left) % 2 ** count : 0;
    result = result * 2 ** count + coder.raw(count, part);
  }
  return result;
}

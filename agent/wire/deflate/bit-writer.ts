/** Bits as deflate packs them (RFC 1951 section 3.1.1): into bytes from the lowest bit. */
export class BitWriter {
  private out = new Uint8Array(1024);
  private length = 0;
  private held = 0;
  private heldBits = 0;

  /** The lowest `count` ≤ 16 bits of value. */
  bits(value: number, count: number): void {
    this.held |= value << this.heldBits;
    this.heldBits += count;
    while (this.heldBits >= 8) {
      this.put(this.held & 0xff);
      this.held >>>= 8;
      this.heldBits -= 8;
    }
  }

  /** Ends the writing; the last byte is filled with zeros. */
  bytes(): Uint8Array {
    if (this.heldBits > 0) this.put(this.held & 0xff);
    return this.out.slice(0, this.length);
  }

  private put(byte: number): void {
    if (this.length === this.out.length) {
      const larger = new Uint8Array(2 * this.out.length);
      larger.set(this.out);
      this.out = larger;
    }
    this.out[this.length++] = byte;
  }
}

/** Ways of sending bytes so that a mark between frames can't be mistaken for one of them. */

/** Byte by byte: a frame can be unwrapped as far as it has come. */
export interface ByteUnits {
  /** What stands at `at`: (bytes taken · 256 + the byte meant), NEED_UNIT, or BAD_UNIT when it can't stand there. */
  next(data: Uint8Array, at: number, end: number): number;
  /** Appends what is sent for a byte. */
  put(byte: number, to: number[]): void;
}

export const NEED_UNIT = 0;
export const BAD_UNIT = -1;

/** Frame by frame. */
export interface PacketWrapping {
  /** Unwraps `data[from…to)` into `into` at `at`; the length, or -1 when it is damaged or doesn't fit. */
  unwrap(data: Uint8Array, from: number, to: number, into: Uint8Array, at: number): number;
  /** What is sent for `data[from…to)`, without the mark that ends it. */
  wrap(data: Uint8Array, from: number, to: number): readonly number[];
}

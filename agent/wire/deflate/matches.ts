/** Where bytes were there before: for each position the copies that a parse may choose from. */
import { DISTANCE_MAX, LENGTH_MAX, LENGTH_MIN } from "./symbols.ts";

const HASH_BITS = 12;
const NOWHERE = -1;
/** Looked at per position, the nearest first. */
const CANDIDATES_MAX = 16;
/** Copies of at least so many bytes are taken as they are; nothing is looked for within them. */
export const LONG_COPY = 48;

/**
 * Copies of position i are those from starts[i] to starts[i + 1]: each longer, and farther, than the one before. Their
 * first bytes may be copied, too.
 */
export interface Matches {
  readonly starts: Int32Array;
  readonly lengths: Uint16Array;
  readonly distances: Uint16Array;
}

export function matchesIn(bytes: Uint8Array): Matches {
  const starts = new Int32Array(bytes.length + 1);
  const found = new CopyList(bytes.length);
  const heads = new Int32Array(1 << HASH_BITS).fill(NOWHERE);
  const before = new Int32Array(bytes.length);
  let skipUntil = 0;
  for (let at = 0; at < bytes.length; at++) {
    starts[at] = found.count;
    if (at + LENGTH_MIN > bytes.length) continue;
    const hash = hashAt(bytes, at);
    if (at >= skipUntil && lookBack(bytes, at, heads[hash] ?? NOWHERE, before, found) >= LONG_COPY) {
      skipUntil = at + found.longest;
    }
    before[at] = heads[hash] ?? NOWHERE;
    heads[hash] = at;
  }
  starts[bytes.length] = found.count;
  return { starts, lengths: found.lengths, distances: found.distances };
}

const hashAt = (bytes: Uint8Array, at: number): number =>
  (Math.imul(((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0), 0x9e37_79b1) >>>
    (32 - HASH_BITS)) |
  0;

/** The length of the longest copy, 0 for none. */
function lookBack(bytes: Uint8Array, at: number, nearest: number, before: Int32Array, found: CopyList): number {
  const most = Math.min(LENGTH_MAX, bytes.length - at);
  let longest = LENGTH_MIN - 1;
  let from = nearest;
  for (let left = CANDIDATES_MAX; left > 0 && from !== NOWHERE && at - from <= DISTANCE_MAX; left--) {
    if (bytes[from + longest] === bytes[at + longest]) {
      let length = 0;
      while (length < most && bytes[from + length] === bytes[at + length]) length++;
      if (length > longest) {
        longest = length;
        found.push(length, at - from);
        if (length === most) break;
      }
    }
    from = before[from] ?? NOWHERE;
  }
  return longest < LENGTH_MIN ? 0 : longest;
}

class CopyList {
  lengths: Uint16Array;
  distances: Uint16Array;
  count = 0;

  constructor(room: number) {
    this.lengths = new Uint16Array(room);
    this.distances = new Uint16Array(room);
  }

  get longest(): number {
    return this.lengths[this.count - 1] ?? 0;
  }

  push(length: number, distance: number): void {
    if (this.count === this.lengths.length) {
      this.lengths = grown(this.lengths);
      this.distances = grown(this.distances);
    }
    this.lengths[this.count] = length;
    this.distances[this.count++] = distance;
  }
}

function grown(array: Uint16Array): Uint16Array {
  const larger = new Uint16Array(2 * array.length + 16);
  larger.set(array);
  return larger;
}

/**
 * Prefix codes as deflate has them (RFC 1951 section 3.2.2): the lengths say everything.
 */
const KEY = 512;
/** Scratch, since a body takes some twenty codes and making an array takes longer than filling it. */
const KEYS = new Int32Array(KEY);
const WEIGHTS = new Int32Array(2 * KEY);
const PARENTS = new Int32Array(2 * KEY);
const DEPTHS = new Uint8Array(2 * KEY);

/**
 * Bits of each symbol's code, 0 where its frequency is 0, none above `lengthMax`; the shortest there are where that bound
 * doesn't bind. A single symbol has a code of one bit. At most 512 symbols, frequencies below 2^22.
 */
export function codeLengths(frequencies: Int32Array, lengthMax: number): Uint8Array {
  const lengths = new Uint8Array(frequencies.length);
  let used = 0;
  for (let symbol = 0; symbol < frequencies.length; symbol++) {
    const frequency = frequencies[symbol] ?? 0;
    if (frequency > 0) KEYS[used++] = frequency * KEY + symbol;
  }
  const leaves = KEYS.subarray(0, used);
  if (used === 1) lengths[(leaves[0] ?? 0) % KEY] = 1;
  if (used < 2) return lengths;
  leaves.sort();
  const most = Math.max(lengthMax, Math.ceil(Math.log2(used)));
  while (!treeFits(leaves, lengths, most)) halve(leaves);
  return lengths;
}

/** Huffman's tree of leaves in ascending order: the two least become one, again and again. */
function treeFits(leaves: Int32Array, lengths: Uint8Array, lengthMax: number): boolean {
  const count = leaves.length;
  const nodes = 2 * count - 1;
  for (let at = 0; at < count; at++) WEIGHTS[at] = (leaves[at] ?? 0) >>> 9;
  let leaf = 0;
  let inner = count;
  for (let node = count; node < nodes; node++) {
    WEIGHTS[node] = 0;
    for (let child = 0; child < 2; child++) {
      const isLeaf = leaf < count && (inner >= node || (WEIGHTS[leaf] ?? 0) <= (WEIGHTS[inner] ?? 0));
      const least = isLeaf ? leaf++ : inner++;
      WEIGHTS[node] = (WEIGHTS[node] ?? 0) + (WEIGHTS[least] ?? 0);
      PARENTS[least] = node;
    }
  }
  DEPTHS[nodes - 1] = 0;
  for (let node = nodes - 2; node >= 0; node--) {
    const depth = (DEPTHS[PARENTS[node] ?? 0] ?? 0) + 1;
    DEPTHS[node] = depth;
    if (depth > lengthMax) return false;
    if (node < count) lengths[(leaves[node] ?? 0) % KEY] = depth;
  }
  return true;
}

/** Flatter frequencies in the same order make a flatter tree; all ones make the flattest. */
function halve(leaves: Int32Array): void {
  for (let at = 0; at < leaves.length; at++) {
    const key = leaves[at] ?? 0;
    leaves[at] = (((key >>> 10) | 1) << 9) | (key % KEY);
  }
  leaves.sort();
}

/** The codes, first bit lowest, as deflate writes them. */
export function codesFrom(lengths: Uint8Array): Uint16Array {
  const codes = new Uint16Array(lengths.length);
  let next = 0;
  for (let bits = 1; bits < 16; bits++) {
    next <<= 1;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] === bits) codes[symbol] = reversed(next++, bits);
    }
  }
  return codes;
}

function reversed(code: number, bits: number): number {
  let result = 0;
  for (let bit = 0; bit < bits; bit++) result |= ((code >> bit) & 1) << (bits - 1 - bit);
  return result;
}

/**
 * The symbols of deflate (RFC 1951 section 3.2.5): 0…255 a byte, 256 the end of a block, 257…285 a length of 3…258; a
 * length is followed by a distance symbol 0…29 for 1…32768 bytes back. Length and distance symbols are followed by extra
 * bits.
 */
export const LENGTH_MIN = 3;
export const LENGTH_MAX = 258;
export const DISTANCE_MAX = 32_768;
export const END_OF_BLOCK = 256;
export const LITERALS = 286;
export const DISTANCES = 30;
const FIRST_LENGTH = 257;

/** Extra bits of symbol 257 + i and of distance symbol i. */
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_EXTRA = Array.from({ length: DISTANCES }, (_, symbol) => Math.max(0, (symbol >> 1) - 1));

export const EXTRA_OF_LITERAL = Uint8Array.from({ length: LITERALS }, (_, at) => LENGTH_EXTRA[at - FIRST_LENGTH] ?? 0);
export const EXTRA_OF_DISTANCE = Uint8Array.from(DISTANCE_EXTRA);

const basesFrom = (first: number, extra: readonly number[]): number[] => {
  const bases: number[] = [];
  let base = first;
  for (const bits of extra) {
    bases.push(base);
    base += 2 ** bits;
  }
  return bases;
};
const LENGTH_BASES: readonly number[] = [...basesFrom(LENGTH_MIN, LENGTH_EXTRA).slice(0, -1), LENGTH_MAX];
export const DISTANCE_BASES: readonly number[] = basesFrom(1, DISTANCE_EXTRA);

const symbolsFrom = (bases: readonly number[], most: number): Uint8Array => {
  const symbols = new Uint8Array(most + 1);
  bases.forEach((base, symbol) => symbols.fill(symbol, base));
  return symbols;
};
const LENGTH_SYMBOLS = symbolsFrom(LENGTH_BASES, LENGTH_MAX);
const DISTANCE_SYMBOLS = symbolsFrom(DISTANCE_BASES, DISTANCE_MAX);

/** 257…285 */
export const lengthSymbol = (length: number): number => FIRST_LENGTH + (LENGTH_SYMBOLS[length] ?? 0);
export const distanceSymbol = (distance: number): number => DISTANCE_SYMBOLS[distance] ?? 0;
export const lengthBase = (symbol: number): number => LENGTH_BASES[symbol - FIRST_LENGTH] ?? 0;

/** What a block says, in order: a byte, or a length and a distance as one number. */
export type Tokens = Int32Array;
export const copyToken = (length: number, distance: number): number => (length << 16) | distance;
export const lengthOfToken = (token: number): number => token >>> 16;
export const distanceOfToken = (token: number): number => token & 0xffff;
/** Bytes that a token stands for. */
export const bytesOfToken = (token: number): number => (token < 0x1_0000 ? 1 : token >>> 16);

/** How often each symbol is in tokens from…to, with the end of the block. */
export interface Frequencies {
  readonly literals: Int32Array;
  readonly distances: Int32Array;
}

export function frequenciesOf(tokens: Tokens, from = 0, to = tokens.length): Frequencies {
  const literals = new Int32Array(LITERALS);
  const distances = new Int32Array(DISTANCES);
  literals[END_OF_BLOCK] = 1;
  for (let at = from; at < to; at++) {
    const token = tokens[at] ?? 0;
    if (token < 0x1_0000) literals[token] = (literals[token] ?? 0) + 1;
    else {
      const length = lengthSymbol(lengthOfToken(token));
      const distance = distanceSymbol(distanceOfToken(token));
      literals[length] = (literals[length] ?? 0) + 1;
      distances[distance] = (distances[distance] ?? 0) + 1;
    }
  }
  return { literals, distances };
}

/** Code lengths of a block that describes none (section 3.2.6). Two symbols more than are ever used have codes, too. */
export const FIXED_LITERALS = Uint8Array.from({ length: LITERALS + 2 }, (_, at) =>
  at < 144 ? 8 : at < 256 ? 9 : at < 280 ? 7 : 8,
);
export const FIXED_DISTANCES = new Uint8Array(DISTANCES).fill(5);

/** Chance of a proof: the same seed gives the same draws in the same order, so that a failure can be sought again. */
export interface Draws {
  /** 0 ≤ x < 1 */
  fraction(): number;
  /** true in `share` of all draws. */
  happens(share: number): boolean;
  /** A draw of its own for one concern, so that how often another one draws doesn't matter. */
  fork(concern: number): Draws;
}

/** Mulberry32. */
export function createDraws(seed: number): Draws {
  let state = seed | 0;
  const fraction = (): number => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    fraction,
    happens: (share) => fraction() < share,
    fork: (concern) => createDraws(Math.imul(seed ^ 0x9e37_79b1, 2 * concern + 1)),
  };
}

/**
 * Chance that can be asked for any instant: the same seed and place give the same number, in whatever order they are
 * asked, so that a station's weather doesn't depend on who looks at it when.
 */

/** 0 ≤ x < 1 for a whole-numbered place on a named track. */
export type Noise = (track: number, place: number) => number;

export const createNoise =
  (seed: number): Noise =>
  (track, place) => {
    // Three rounds of the finaliser of MurmurHash3, which spreads every bit over the word.
    let word = scramble(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(track, 0x85eb_ca6b));
    word = scramble(word ^ (place | 0));
    word = scramble(word ^ Math.floor(place / 2 ** 32));
    return word / 2 ** 32;
  };

function scramble(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** −1…1, changing smoothly with time: random at every multiple of `periodMs`, a cosine in between. */
export function drift(noise: Noise, track: number, timeMs: number, periodMs: number): number {
  const place = Math.floor(timeMs / periodMs);
  const share = (1 - Math.cos(Math.PI * (timeMs / periodMs - place))) / 2;
  const at = (index: number) => 2 * noise(track, index) - 1;
  return at(place) * (1 - share) + at(place + 1) * share;
}

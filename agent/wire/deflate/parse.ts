/** The cheapest way to say bytes as literals and copies, when what each symbol costs is known. */
import { LONG_COPY, type Matches } from "./matches.ts";
import {
  copyToken,
  DISTANCES,
  distanceSymbol,
  EXTRA_OF_DISTANCE,
  EXTRA_OF_LITERAL,
  FIXED_DISTANCES,
  FIXED_LITERALS,
  type Frequencies,
  LENGTH_MAX,
  LENGTH_MIN,
  LITERALS,
  lengthSymbol,
  type Tokens,
} from "./symbols.ts";

/** In bits, with the extra bits; a length's cost stands at the length. */
interface Costs {
  readonly literals: Float64Array;
  readonly lengths: Float64Array;
  readonly distances: Float64Array;
}

/** A symbol that wasn't used costs its place in the block's head, too. */
const UNUSED_BITS = 3;
/** Before anything is known of copies. */
const LENGTH_BITS = 7;
const DISTANCE_BITS = 5;

/** As if each symbol's code were as long as its share is unlikely. */
export function costsFrom({ literals, distances }: Frequencies): Costs {
  const literalBits = bitsFrom(literals, LENGTH_BITS);
  return withExtra(literalBits, bitsFrom(distances, DISTANCE_BITS));
}

/** Costs of literals as in these bytes, when nothing has been copied yet. */
export function firstCosts(bytes: Uint8Array): Costs {
  const literals = new Int32Array(LITERALS);
  for (const byte of bytes) literals[byte] = (literals[byte] ?? 0) + 1;
  const bits = bitsFrom(literals, 0).fill(LENGTH_BITS, 257);
  return withExtra(bits, new Float64Array(DISTANCES).fill(DISTANCE_BITS));
}

function withExtra(literals: Float64Array, distances: Float64Array): Costs {
  const lengths = new Float64Array(LENGTH_MAX + 1);
  for (let length = LENGTH_MIN; length <= LENGTH_MAX; length++) {
    const symbol = lengthSymbol(length);
    lengths[length] = (literals[symbol] ?? 0) + (EXTRA_OF_LITERAL[symbol] ?? 0);
  }
  return { literals, lengths, distances: distances.map((bits, symbol) => bits + (EXTRA_OF_DISTANCE[symbol] ?? 0)) };
}

export const FIXED_COSTS = withExtra(Float64Array.from(FIXED_LITERALS), Float64Array.from(FIXED_DISTANCES));

function bitsFrom(frequencies: Int32Array, none: number): Float64Array {
  let sum = 0;
  for (const frequency of frequencies) sum += frequency;
  const bits = new Float64Array(frequencies.length);
  if (sum === 0) return bits.fill(none);
  const whole = Math.log2(sum);
  for (let symbol = 0; symbol < bits.length; symbol++) {
    const frequency = frequencies[symbol] ?? 0;
    bits[symbol] = frequency > 0 ? Math.max(1, whole - Math.log2(frequency)) : whole + UNUSED_BITS;
  }
  return bits;
}

/** Bytes from…to as tokens; copies may reach back before `from`. */
export function cheapestParse(bytes: Uint8Array, matches: Matches, costs: Costs, from: number, to: number): Tokens {
  const count = to - from;
  const best = new Float64Array(count + 1).fill(Infinity);
  const steps = new Int32Array(count + 1);
  best[0] = 0;
  for (let at = 0; at < count; at++) {
    const byte = bytes[from + at] ?? 0;
    const cost = (best[at] ?? 0) + (costs.literals[byte] ?? 0);
    if (cost < (best[at + 1] ?? 0)) {
      best[at + 1] = cost;
      steps[at + 1] = byte;
    }
    copies(matches, costs, from + at, at, count, best, steps);
  }
  return tokensFrom(steps, count);
}

function copies(
  { starts, lengths, distances }: Matches,
  costs: Costs,
  position: number,
  at: number,
  count: number,
  best: Float64Array,
  steps: Int32Array,
): void {
  const end = starts[position + 1] ?? 0;
  let length = LENGTH_MIN;
  for (let index = starts[position] ?? 0; index < end; index++) {
    const distance = distances[index] ?? 0;
    const base = (best[at] ?? 0) + (costs.distances[distanceSymbol(distance)] ?? 0);
    const found = lengths[index] ?? 0;
    const longest = found < count - at ? found : count - at;
    if (longest >= LONG_COPY) length = longest;
    for (; length <= longest; length++) {
      const cost = base + (costs.lengths[length] ?? 0);
      if (cost < (best[at + length] ?? 0)) {
        best[at + length] = cost;
        steps[at + length] = copyToken(length, distance);
      }
    }
  }
}

function tokensFrom(steps: Int32Array, count: number): Tokens {
  const tokens = new Int32Array(count);
  let first = count;
  for (let at = count; at > 0; ) {
    const token = steps[at] ?? 0;
    tokens[--first] = token;
    at -= token < 0x1_0000 ? 1 : token >>> 16;
  }
  return tokens.subarray(first);
}

/** Where one block should end and the next begin: neighbours that are said more cheaply with one code become one. */
import { bytesOfToken, END_OF_BLOCK, type Frequencies, frequenciesOf, type Tokens } from "./symbols.ts";

/** Bytes from…to, and the symbols that a first parse of them has. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly frequencies: Frequencies;
}

/** Fewer don't pay for a head of their own. */
const TOKENS_MIN = 96;
/** Spans to begin with: bounds what is tried, whatever the length. */
const SPANS_MAX = 14;

interface Weighed extends Span {
  readonly bits: number;
}

/** At least one; together all bytes of the tokens. */
export function spansOf(tokens: Tokens): readonly Span[] {
  const spans = evenSpans(tokens);
  const joined = spans.slice(1).map((span, at) => join(spans[at] ?? span, span));
  for (;;) {
    const at = mostSaved(spans, joined);
    const best = joined[at];
    if (!best) return spans;
    spans.splice(at, 2, best);
    joined.splice(at, 1);
    const [before, after] = [spans[at - 1], spans[at + 1]];
    if (before) joined[at - 1] = join(before, best);
    if (after) joined[at] = join(best, after);
  }
}

function evenSpans(tokens: Tokens): Weighed[] {
  const count = Math.max(1, Math.min(SPANS_MAX, Math.floor(tokens.length / TOKENS_MIN)));
  let start = 0;
  let from = 0;
  return Array.from({ length: count }, (_, at) => {
    const end = Math.round(((at + 1) * tokens.length) / count);
    let to = from;
    for (let index = start; index < end; index++) to += bytesOfToken(tokens[index] ?? 0);
    const span = weighed(from, to, frequenciesOf(tokens, start, end));
    start = end;
    from = to;
    return span;
  });
}

/** -1 when no two save anything. */
function mostSaved(spans: readonly Weighed[], joined: readonly Weighed[]): number {
  let best = -1;
  let most = 0;
  joined.forEach(({ bits }, at) => {
    const saved = (spans[at]?.bits ?? 0) + (spans[at + 1]?.bits ?? 0) - bits;
    if (saved <= most) return;
    most = saved;
    best = at;
  });
  return best;
}

function join(one: Span, other: Span): Weighed {
  const literals = sum(one.frequencies.literals, other.frequencies.literals);
  literals[END_OF_BLOCK] = 1;
  return weighed(one.from, other.to, {
    literals,
    distances: sum(one.frequencies.distances, other.frequencies.distances),
  });
}

function sum(one: Int32Array, other: Int32Array): Int32Array {
  const result = one.slice();
  for (let at = 0; at < result.length; at++) result[at] = (result[at] ?? 0) + (other[at] ?? 0);
  return result;
}

/** About what the head of a block costs, and each symbol that it names. */
const HEAD_BITS = 130;
const SYMBOL_BITS = 3.7;

function weighed(from: number, to: number, frequencies: Frequencies): Weighed {
  const bits = HEAD_BITS + bitsOf(frequencies.literals) + bitsOf(frequencies.distances);
  return { from, to, frequencies, bits };
}

/** Entropy and names. Extra bits stay the same, whichever block they are in. */
function bitsOf(frequencies: Int32Array): number {
  let total = 0;
  let inner = 0;
  let used = 0;
  for (let symbol = 0; symbol < frequencies.length; symbol++) {
    const frequency = frequencies[symbol] ?? 0;
    if (frequency === 0) continue;
    total += frequency;
    inner += weightOf(frequency);
    used++;
  }
  return weightOf(total) - inner + SYMBOL_BITS * used;
}

const WEIGHTS = Float64Array.from({ length: 4_096 }, (_, count) => count * Math.log2(Math.max(1, count)));
const weightOf = (count: number): number => WEIGHTS[count] ?? count * Math.log2(count);

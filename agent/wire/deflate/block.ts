/**
 * A block of deflate (RFC 1951 section 3.2.3): 1 bit "the last one", 2 bits 01 fixed codes | 10 codes of its own; the code
 * lengths of the latter; the tokens; the end of the block.
 */
import type { BitWriter } from "./bit-writer.ts";
import { type CodeLengthsHead, headFrom, writeHead } from "./code-lengths-head.ts";
import { codeLengths, codesFrom } from "./huffman.ts";
import {
  DISTANCE_BASES,
  DISTANCES,
  distanceOfToken,
  distanceSymbol,
  END_OF_BLOCK,
  EXTRA_OF_DISTANCE,
  EXTRA_OF_LITERAL,
  FIXED_DISTANCES,
  FIXED_LITERALS,
  type Frequencies,
  frequenciesOf,
  LITERALS,
  lengthBase,
  lengthOfToken,
  lengthSymbol,
  type Tokens,
} from "./symbols.ts";

const FIXED = 1;
const OWN_CODES = 2;
const CODE_LENGTH_MAX = 15;
/** A shorter longest code costs the tokens a little and its description less: so many bits shorter are tried. */
const SHORTER_MAX = 2;

export interface BlockPlan {
  readonly tokens: Tokens;
  readonly literals: Uint8Array;
  readonly distances: Uint8Array;
  /** undefined: the fixed codes */
  readonly head: CodeLengthsHead | undefined;
  readonly bits: number;
}

/** The codes that make the block shortest, its head counted. */
export function planBlock(tokens: Tokens): BlockPlan {
  const frequencies = frequenciesOf(tokens);
  const fixed = dataBits(frequencies, FIXED_LITERALS, FIXED_DISTANCES);
  let plan: BlockPlan = {
    tokens,
    literals: FIXED_LITERALS,
    distances: FIXED_DISTANCES,
    head: undefined,
    bits: 3 + fixed,
  };
  const tryCodes = (literals: Uint8Array, distances: Uint8Array): void => {
    const head = headFrom(literals, distances);
    const bits = 3 + head.bits + dataBits(frequencies, literals, distances);
    if (bits < plan.bits) plan = { tokens, literals, distances, head, bits };
  };
  const distances = codeLengths(frequencies.distances, CODE_LENGTH_MAX);
  const literals = codeLengths(frequencies.literals, CODE_LENGTH_MAX);
  tryCodes(literals, distances);
  const longest = Math.max(...literals);
  for (let shorter = 1; shorter <= SHORTER_MAX; shorter++) {
    tryCodes(codeLengths(frequencies.literals, longest - shorter), distances);
  }
  return plan;
}

function dataBits(
  { literals, distances }: Frequencies,
  literalLengths: Uint8Array,
  distanceLengths: Uint8Array,
): number {
  let bits = 0;
  for (let at = 0; at < LITERALS; at++) {
    bits += (literals[at] ?? 0) * ((literalLengths[at] ?? 0) + (EXTRA_OF_LITERAL[at] ?? 0));
  }
  for (let at = 0; at < DISTANCES; at++) {
    bits += (distances[at] ?? 0) * ((distanceLengths[at] ?? 0) + (EXTRA_OF_DISTANCE[at] ?? 0));
  }
  return bits;
}

export function writeBlock(writer: BitWriter, plan: BlockPlan, isLast: boolean): void {
  writer.bits(isLast ? 1 : 0, 1);
  writer.bits(plan.head ? OWN_CODES : FIXED, 2);
  if (plan.head) writeHead(writer, plan.head);
  const literals = codesFrom(plan.literals);
  const distances = codesFrom(plan.distances);
  for (const token of plan.tokens) {
    const length = lengthOfToken(token);
    const symbol = length === 0 ? token : lengthSymbol(length);
    writer.bits(literals[symbol] ?? 0, plan.literals[symbol] ?? 0);
    if (length === 0) continue;
    writer.bits(length - lengthBase(symbol), EXTRA_OF_LITERAL[symbol] ?? 0);
    const distance = distanceOfToken(token);
    const back = distanceSymbol(distance);
    writer.bits(distances[back] ?? 0, plan.distances[back] ?? 0);
    writer.bits(distance - (DISTANCE_BASES[back] ?? 0), EXTRA_OF_DISTANCE[back] ?? 0);
  }
  writer.bits(literals[END_OF_BLOCK] ?? 0, plan.literals[END_OF_BLOCK] ?? 0);
}

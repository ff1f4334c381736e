/**
 * Raw deflate (RFC 1951) of small bodies, a twentieth shorter than zlib's level 9: a block each for columns that differ,
 * copies chosen by what they cost in the codes of their block, and codes chosen with what it costs to describe them. Any
 * inflate reads it.
 */
import { constants, deflateRawSync } from "node:zlib";
import { BitWriter } from "./deflate/bit-writer.ts";
import { type BlockPlan, planBlock, writeBlock } from "./deflate/block.ts";
import { type Matches, matchesIn } from "./deflate/matches.ts";
import { cheapestParse, costsFrom, FIXED_COSTS, firstCosts } from "./deflate/parse.ts";
import { type Span, spansOf } from "./deflate/spans.ts";

/** More is left to zlib: it takes a tenth of the time, and a batch is seldom longer. */
const BYTES_MAX = 65_536;
/** Shorter ones may be cheapest in the fixed codes, which need no description. */
const SHORT = 400;

export function deflateRaw(bytes: Uint8Array): Uint8Array {
  if (bytes.length > BYTES_MAX) return deflateRawSync(bytes, { level: constants.Z_BEST_COMPRESSION });
  const matches = matchesIn(bytes);
  const spans = spansOf(cheapestParse(bytes, matches, firstCosts(bytes), 0, bytes.length));
  const writer = new BitWriter();
  spans.forEach((span, at) => writeBlock(writer, planOf(bytes, matches, span), at === spans.length - 1));
  const own = writer.bytes();
  // Some bytes that are nearly one run are shorter by its way; looking costs a tenth of ours.
  const other = deflateRawSync(bytes, { level: constants.Z_BEST_COMPRESSION });
  return other.length < own.length ? other : own;
}

function planOf(bytes: Uint8Array, matches: Matches, { from, to, frequencies }: Span): BlockPlan {
  const plan = planBlock(cheapestParse(bytes, matches, costsFrom(frequencies), from, to));
  if (to - from > SHORT) return plan;
  const fixed = planBlock(cheapestParse(bytes, matches, FIXED_COSTS, from, to));
  return fixed.bits < plan.bits ? fixed : plan;
}

/**
 * Tight batches with bytes changed and the check made right again: what a wrong encoder or an attacker with a station's
 * credentials could send. Each must become values or a WireError. Throws what the decoder throws besides.
 */
import type { ChannelValue } from "../../reading.ts";
import { decodeBatch, encodeBatch, WireError } from "../batch.ts";
import { crc32c } from "../crc32c.ts";
import { type StreamSchema, schemaHash } from "../schema.ts";

export interface FuzzResult {
  readonly taken: number;
  readonly refused: number;
  /** values decoded */
  readonly values: number;
}

const CRC_BYTES = 4;
const CRC_ITEM_BYTES = 5;
const SEEDS_OF_BATCHES = 64;

/** `onRun` is called after each run with its number, from 1. */
export function fuzzTight({
  runs,
  seed,
  onRun,
}: {
  readonly runs: number;
  readonly seed: number;
  readonly onRun?: (run: number) => void;
}): FuzzResult {
  const random = randomFrom(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const schema = schemaOf(3);
  const originals = Array.from({ length: SEEDS_OF_BATCHES }, () => batchBytes(schema, below));
  const result = { taken: 0, refused: 0, values: 0 };
  for (let run = 1; run <= runs; run++) {
    const bytes = mutated(originals[below(originals.length)] ?? new Uint8Array(), below);
    try {
      const batch = decodeBatch(bytes, () => schema);
      result.taken++;
      for (const { rows } of batch.blocks) result.values += rows.length * schema.channels.length;
    } catch (error) {
      if (!(error instanceof WireError)) throw new Error(`run ${run}: ${hexOf(bytes)}`, { cause: error });
      result.refused++;
    }
    onRun?.(run);
  }
  return result;
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** One to four changes: a bit, a byte, a run of noise, a tail that is cut; anywhere but in version and check. */
function mutated(original: Uint8Array, below: (bound: number) => number): Uint8Array {
  const cut = below(8) === 0 ? below(10) : 0;
  const bytes = original.slice(0, original.length - cut);
  if (cut > 0) bytes.set(original.subarray(-CRC_ITEM_BYTES), bytes.length - CRC_ITEM_BYTES);
  const end = bytes.length - CRC_ITEM_BYTES;
  for (let change = below(4); change >= 0; change--) {
    // Most of them behind the heads, where they are not refused by the structure.
    const from = below(4) === 0 ? 2 : Math.min(50, end - 1);
    const at = from + below(end - from);
    const kind = below(3);
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    else if (kind === 1) bytes[at] = below(256);
    else for (let next = at; next < Math.min(end, at + 8); next++) bytes[next] = below(256);
  }
  new DataView(bytes.buffer).setUint32(bytes.length - CRC_BYTES, crc32c(bytes, end));
  return bytes;
}

const schemaOf = (channels: number): StreamSchema => ({
  stream: "pump",
  channels: Array.from({ length: channels }, (_, at) => ({ name: `c${at}`, kind: "gauge", unit: "", resolution: 0.1 })),
});

function batchBytes(schema: StreamSchema, below: (bound: number) => number): Uint8Array {
  const form = below(3) === 0 ? "tight" : "trends";
  const samples = 1 + below(below(4) === 0 ? 60 : 12);
  const kinds = schema.channels.map(() => below(6));
  const valueOf = (kind: number, at: number): ChannelValue => {
    if (kind === 0) return at;
    if (kind === 1) return below(6) * 327;
    if (kind === 2) return below(9) === 0 ? 2 ** (10 + below(40)) : below(50);
    if (kind === 3) return below(3) === 0 ? { missing: "timeout" } : below(100);
    if (kind === 4) return 7 * at + below(5);
    return below(100_000);
  };
  const rows = Array.from({ length: samples }, (_, at) => kinds.map((kind) => valueOf(kind, at)));
  const times = rows.map((_, at) => 1_000_000 + at * 1_000 + (below(4) === 0 ? below(20) : 0));
  const block = { stream: schema.stream, schemaHash: schemaHash(schema), sequence: 1, times, rows };
  return encodeBatch({ epoch: "0123456789abcdef", basis: { kind: "wall" }, blocks: [block] }, () => schema, form);
}

/** Park-Miller, so that a run can be repeated. */
function randomFrom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

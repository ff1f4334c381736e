/**
 * Rows that wait become averages of themselves: one sample for each stream and window in place of many. Of the sequences
 * that they had, the averages take the highest, so that they follow each other in a message without a gap; the others
 * are booked as dropped, in the transaction that rewrites the rows.
 */
import { type ChannelValue, isUnchanged } from "../reading.ts";
import type { Batch, StreamBlock } from "../wire/messages.ts";
import { drop } from "./fates.ts";
import type { Folds } from "./folds.ts";
import { rangesOf } from "./ranges.ts";
import { batchFromBody, bodyFromBatch, ROW_READINGS_MAX, type Row } from "./row.ts";
import type { Schemas } from "./schemas.ts";
import type { Tables } from "./tables.ts";
import { createWindowSamples, type Held, type Kept, type WindowSamples } from "./window-samples.ts";

export interface AveragingDeps {
  readonly tables: Tables;
  readonly schemas: Schemas;
  readonly folds: Folds;
}

interface Window {
  readonly rows: readonly Row[];
  readonly kept: readonly Kept[];
  /** What each stream had said when it ended. */
  readonly held: Held;
}

/**
 * `rows`: of one epoch, in order, all of them unsent; `following`: the first of those after them that may be rewritten.
 * Call inside a transaction. Returns how many samples were dropped.
 */
export function averageRows(
  deps: AveragingDeps,
  rows: readonly Row[],
  windowMs: number,
  following: () => readonly Row[],
): number {
  const samples = createWindowSamples(deps);
  const held: Held = new Map();
  const windows = windowsOf(rows, windowMs).map(
    (own): Window => ({ rows: own, kept: samples.keptOf(own, windowMs, held), held: new Map(held) }),
  );
  const first = windows.findIndex(isSmaller);
  const last = windows.findLastIndex(isSmaller);
  if (first < 0) return 0;
  const dropped = replace(deps, windows.slice(first, last + 1));
  const behind = windows.slice(last + 1).flatMap((window) => window.rows);
  sayUnchanged(deps, samples, [...behind, ...following()], windows[last]?.held ?? held);
  return dropped;
}

/** A row counts to the window in which it began. */
export function windowsOf(rows: readonly Row[], windowMs: number): (readonly Row[])[] {
  const windows: Row[][] = [];
  let slot: number | undefined;
  for (const row of rows) {
    const own = Math.floor(row.bootMs / windowMs);
    if (own === slot) windows.at(-1)?.push(row);
    else windows.push([row]);
    slot = own;
  }
  return windows;
}

const isSmaller = ({ rows, kept }: Window): boolean => kept.length < rows.reduce((sum, row) => sum + row.samples, 0);

function replace({ tables, schemas }: AveragingDeps, windows: readonly Window[]): number {
  const rows = windows.flatMap((window) => window.rows);
  const [first] = rows;
  if (!first) return 0;
  const { epoch, basis } = batchFromBody(first.body, schemas.of);
  const taken = new Map<Kept, number>();
  let dropped = 0;
  for (const [stream, kept] of byStream(windows)) {
    const sequences = kept.flatMap((one) => one.sequences).sort((one, other) => one - other);
    const gone = sequences.slice(0, -kept.length);
    for (const [at, one] of kept.entries()) taken.set(one, sequences[gone.length + at] ?? 0);
    drop(tables, epoch, stream, rangesOf(gone), "full");
    dropped += gone.length;
  }
  for (const { id } of rows) tables.run("DELETE FROM rows WHERE id = ?", id);
  for (const { rows: own, kept } of windows) {
    const pieces = piecesOf(kept, own.length);
    const ids = own.slice(-pieces.length);
    for (const [at, piece] of pieces.entries()) {
      const blocks = piece.map((one) => blockOf(one, taken.get(one) ?? 0));
      // It keeps the time at which the window's first row began: so it stays in its window.
      const place = { id: ids[at]?.id ?? 0, epochId: first.epochId, bootMs: own[0]?.bootMs ?? 0 };
      insert(tables, place, blocks, bodyFromBatch({ epoch, basis, blocks }, schemas.of));
    }
  }
  return dropped;
}

/** In the order of time, which is that of their sequences. */
function byStream(windows: readonly Window[]): Map<string, Kept[]> {
  const streams = new Map<string, Kept[]>();
  for (const one of windows.flatMap(({ kept }) => kept)) {
    const known = streams.get(one.stream);
    if (known) known.push(one);
    else streams.set(one.stream, [one]);
  }
  for (const kept of streams.values()) kept.sort((one, other) => (one.sequences[0] ?? 0) - (other.sequences[0] ?? 0));
  return streams;
}

const blockOf = ({ stream, schemaHash, time, values }: Kept, sequence: number): StreamBlock => ({
  stream,
  schemaHash,
  sequence,
  times: [time],
  rows: [values],
});

/** As small as the rows of a commit, as long as there are ids for them. */
function piecesOf(kept: readonly Kept[], piecesMax: number): Kept[][] {
  const pieces: Kept[][] = [];
  let readings = Number.POSITIVE_INFINITY;
  for (const one of kept) {
    if (readings + one.values.length > ROW_READINGS_MAX && pieces.length < piecesMax) {
      pieces.push([]);
      readings = 0;
    }
    pieces.at(-1)?.push(one);
    readings += one.values.length;
  }
  return pieces;
}

function insert(
  tables: Tables,
  { id, epochId, bootMs }: Pick<Row, "id" | "epochId" | "bootMs">,
  blocks: readonly StreamBlock[],
  body: Uint8Array,
): void {
  const readings = blocks.reduce((sum, { rows }) => sum + (rows[0]?.length ?? 0), 0);
  tables.run(
    "INSERT INTO rows (id, epoch_id, is_alarm, boot_ms, samples, readings, body) VALUES (?, ?, 0, ?, ?, ?, ?)",
    ...[id, epochId, bootMs, blocks.length, readings, body],
  );
}

/**
 * The first sample of each stream after what was averaged may say "unchanged" of a value that isn't sent any more: it
 * says the value instead.
 */
function sayUnchanged(
  { tables, schemas }: AveragingDeps,
  samples: WindowSamples,
  rows: readonly Row[],
  held: Held,
): void {
  for (const row of rows) {
    if (held.size === 0) return;
    const batch = batchFromBody(row.body, schemas.of);
    const said = saidIn(batch, samples, held);
    if (said) tables.run("UPDATE rows SET body = ? WHERE id = ?", bodyFromBatch(said, schemas.of), row.id);
  }
}

/** Undefined when it says all itself. */
function saidIn(batch: Batch, samples: WindowSamples, held: Held): Batch | undefined {
  let isOther = false;
  const blocks = batch.blocks.map((block) => {
    const before = held.get(samples.keyOf(block));
    const [first, ...others] = block.rows;
    held.delete(samples.keyOf(block));
    if (!before || !first?.some(isUnchanged)) return block;
    isOther = true;
    const said = first.map((value, at): ChannelValue => (isUnchanged(value) ? (before[at] ?? value) : value));
    return { ...block, rows: [said, ...others] };
  });
  return isOther ? { ...batch, blocks } : undefined;
}

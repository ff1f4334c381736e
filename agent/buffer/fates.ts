/**
 * What became of sequences: every one that was produced is in a row, receipted, or dropped and reported. This is the
 * book in which the latter two stand.
 */
import { DROP_REASONS, type DropReason, type StreamRanges } from "../wire/messages.ts";
import { countIn, intersect, type Ranges, subtract, union, upTo } from "./ranges.ts";
import { epochOf, type Tables, textOf, wholeOf } from "./tables.ts";

type Fate = "receipted" | DropReason;

const rangesWith = (tables: Tables, where: string, ...values: string[]): Ranges =>
  union(
    tables
      .all(`SELECT first, last FROM fates WHERE ${where} ORDER BY first`, ...values)
      .map((columns) => ({ first: wholeOf(columns, "first"), last: wholeOf(columns, "last") })),
    [],
  );

export const receiptedOf = (tables: Tables, epoch: string, stream: string): Ranges =>
  rangesWith(tables, "epoch = ? AND stream = ? AND fate = 'receipted'", epoch, stream);

export const droppedOf = (tables: Tables, epoch: string, stream: string): Ranges =>
  rangesWith(tables, "epoch = ? AND stream = ? AND fate <> 'receipted'", epoch, stream);

/** Returns how many samples are receipted that were not before. */
export function receipt(tables: Tables, epoch: string, stream: string, stored: Ranges): number {
  const before = receiptedOf(tables, epoch, stream);
  const after = union(before, stored);
  const added = countIn(after) - countIn(before);
  if (added > 0) replaceReceipts(tables, epoch, stream, after);
  return added;
}

/** The cloud lost what it had: these are worth keeping again. */
export function withdrawReceipt(tables: Tables, epoch: string, stream: string, wanted: Ranges): void {
  const before = receiptedOf(tables, epoch, stream);
  const after = subtract(before, wanted);
  if (countIn(after) !== countIn(before)) replaceReceipts(tables, epoch, stream, after);
}

function replaceReceipts(tables: Tables, epoch: string, stream: string, ranges: Ranges): void {
  tables.run("DELETE FROM fates WHERE epoch = ? AND stream = ? AND fate = 'receipted'", epoch, stream);
  for (const { first, last } of ranges) insert(tables, epoch, stream, "receipted", first, last);
}

/** Books a drop that the next "dropped" message reports; what is receipted already needs none. */
export function drop(tables: Tables, epoch: string, stream: string, ranges: Ranges, reason: DropReason): void {
  for (const { first, last } of subtract(ranges, receiptedOf(tables, epoch, stream))) {
    const grown = tables.run(
      `UPDATE fates SET last = ? WHERE epoch = ? AND stream = ? AND fate = ? AND message IS NULL AND last = ?`,
      ...[last, epoch, stream, reason, first - 1],
    );
    if (grown === 0) insert(tables, epoch, stream, reason, first, last);
  }
}

function insert(tables: Tables, epoch: string, stream: string, fate: Fate, first: number, last: number): void {
  tables.run(
    "INSERT INTO fates (epoch, stream, fate, first, last) VALUES (?, ?, ?, ?, ?)",
    ...[epoch, stream, fate, first, last],
  );
}

/** Drops that no message has reported yet, up to `max` entries, oldest first; `take` marks them with their message. */
export function unreportedDrops(
  tables: Tables,
  max: number,
): { reason: DropReason; dropped: StreamRanges[]; take: (message: number) => void } | undefined {
  const first = tables.get("SELECT fate FROM fates WHERE message IS NULL AND fate <> 'receipted' ORDER BY id LIMIT 1");
  if (!first) return undefined;
  const reason = DROP_REASONS.find((one) => one === textOf(first, "fate")) ?? "full";
  const entries = tables.all(
    "SELECT id, epoch, stream, first, last FROM fates WHERE message IS NULL AND fate = ? ORDER BY id LIMIT ?",
    ...[reason, max],
  );
  const byStream = new Map<string, StreamRanges>();
  for (const columns of entries) {
    const [epoch, stream] = [epochOf(columns), textOf(columns, "stream")];
    const range = { first: wholeOf(columns, "first"), last: wholeOf(columns, "last") };
    const ranges = union(byStream.get(`${epoch}/${stream}`)?.ranges ?? [], [range]);
    byStream.set(`${epoch}/${stream}`, { epoch, stream, ranges });
  }
  const take = (message: number) => {
    for (const columns of entries)
      tables.run("UPDATE fates SET message = ? WHERE id = ?", message, wholeOf(columns, "id"));
  };
  return { reason, dropped: [...byStream.values()], take };
}

/** The cloud asks for what was dropped: it is told once more. */
export function reportAgain(tables: Tables, epoch: string, stream: string, wanted: Ranges): void {
  const told = intersect(droppedOf(tables, epoch, stream), wanted);
  for (const { first, last } of told) {
    tables.run(
      "UPDATE fates SET message = NULL WHERE epoch = ? AND stream = ? AND fate <> 'receipted' AND first <= ? AND last >= ?",
      ...[epoch, stream, last, first],
    );
  }
}

/** Of 1…last, what is neither receipted nor dropped. */
export const unsettled = (tables: Tables, epoch: string, stream: string, last: number): Ranges =>
  subtract(upTo(last), union(receiptedOf(tables, epoch, stream), droppedOf(tables, epoch, stream)));

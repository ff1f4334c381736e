/**
 * What can be read of a damaged file goes into a fresh one: each row proves itself by its checksum and names its epoch,
 * boot and sequences. What is missing between them is booked as dropped.
 */

import type { SchemaOf } from "../wire/batch.ts";
import { decodeLedger } from "../wire/ledger.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import { WireError } from "../wire/wire-error.ts";
import type { Log } from "../world.ts";
import { DatabaseError } from "../world.ts";
import { type Span, unsentIn } from "./backlog.ts";
import { epochsOf, lastsOf, ROW_COLUMNS, raiseLast } from "./epochs.ts";
import { drop, unsettled } from "./fates.ts";
import { queueLedger } from "./messages.ts";
import { type Ranges, subtract, union } from "./ranges.ts";
import { batchFromBody, headsOf, type Row, rowFrom } from "./row.ts";
import { keepSent, sentOf } from "./sent-before.ts";
import { bytesOf, type Columns, epochOf, type Tables, wholeOf } from "./tables.ts";

/** A damaged page hides the rows in it: after this many ids in vain the file counts as ended. */
const IDS_IN_VAIN_MAX = 2_000;
const ROWS_AT_ONCE = 64;

export interface Rescued {
  readonly rows: number;
  /** Sequences known to have been produced, and found nowhere. */
  readonly lost: number;
}

/** What this process knows of the epoch it wrote itself. */
export interface OwnEpoch {
  readonly epoch: string;
  readonly lasts: ReadonlyMap<string, number>;
}

/** Call inside a transaction on `fresh`. */
export function rescue(damaged: Tables, fresh: Tables, own: OwnEpoch | undefined, log: Log): Rescued {
  const attempt = (what: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!isDamage(error)) throw error;
      log("warn", "buffer-rescue-incomplete", { table: what, error: error.message });
    }
  };
  attempt("schemas", () => copySchemas(damaged, fresh));
  attempt("boots", () => copyTable(damaged, fresh, "boots", ["boot_id", "offset_ms", "undated"], "boot_id"));
  attempt("fates", () => copyTable(damaged, fresh, "fates", ["id", "epoch", "stream", "fate", "first", "last"], "id"));
  const known = new Map<string, number>();
  attempt("epochs", () => copyEpochs(damaged, fresh, known));
  const rows = copyRows(damaged, fresh, known, schemasIn(fresh));
  let sent: readonly Span[] | undefined;
  attempt("cursors", () => {
    copyCursors(damaged, fresh);
    sent = sentOf(damaged);
  });
  keepSent(fresh, sent);
  const ownId = own && known.get(own.epoch);
  if (own && ownId !== undefined) for (const [stream, last] of own.lasts) raiseLast(fresh, ownId, stream, last);
  tellAgain(fresh);
  return { rows, lost: bookLosses(fresh) };
}

export const isDamage = (error: unknown): error is Error =>
  error instanceof WireError || (error instanceof DatabaseError && error.failure === "corrupt");

function copySchemas(damaged: Tables, fresh: Tables): void {
  for (const columns of damaged.all("SELECT body FROM schemas")) {
    const body = bytesOf(columns, "body");
    const message = decodeLedger(body);
    if (message.kind === "schema")
      fresh.run("INSERT INTO schemas VALUES (?, ?, NULL)", schemaHash(message.schema), body);
  }
}

function schemasIn(fresh: Tables): SchemaOf {
  const schemas = fresh.all("SELECT body FROM schemas").map((columns) => decodeLedger(bytesOf(columns, "body")));
  const known = new Map<string, StreamSchema>(
    schemas.flatMap((message) => (message.kind === "schema" ? [[schemaHash(message.schema), message.schema]] : [])),
  );
  return (hash) => known.get(hash);
}

function copyTable(damaged: Tables, fresh: Tables, table: string, names: readonly string[], key: string): void {
  for (const columns of damaged.all(`SELECT ${names.join(", ")} FROM ${table} ORDER BY ${key}`)) {
    if (names.includes("epoch")) epochOf(columns);
    const places = names.map(() => "?").join(", ");
    fresh.run(`INSERT OR IGNORE INTO ${table} (${names.join(", ")}) VALUES (${places})`, ...valuesOf(columns, names));
  }
}

const valuesOf = (columns: Columns, names: readonly string[]) => names.map((name) => columns[name] ?? null);

/**
 * Ledger messages aren't copied but made anew from what they tell: schemas here; closed epochs, drops and clocks by
 * marking them untold. The cloud hears some of it twice.
 */
function tellAgain(fresh: Tables): void {
  for (const columns of fresh.all("SELECT body FROM schemas"))
    queueLedger(fresh, decodeLedger(bytesOf(columns, "body")));
  fresh.run("UPDATE epochs SET closed = 0");
  fresh.run("UPDATE fates SET message = NULL WHERE fate <> 'receipted'");
  fresh.run("UPDATE boots SET undated = 1 WHERE offset_ms IS NOT NULL");
}

function copyEpochs(damaged: Tables, fresh: Tables, known: Map<string, number>): void {
  copyTable(damaged, fresh, "epochs", ["id", "epoch", "boot_id", "first_row", "closed"], "id");
  for (const { id, epoch } of epochsOf(fresh)) known.set(epoch, id);
  copyTable(damaged, fresh, "streams", ["epoch_id", "stream", "last"], "epoch_id");
}

function copyRows(damaged: Tables, fresh: Tables, known: Map<string, number>, schemaOf: SchemaOf): number {
  let copied = 0;
  for (const row of readableRows(damaged)) {
    try {
      // What can't be decoded here can't be sent either, and would be found damaged for ever.
      if (!row.isAlarm) batchFromBody(row.body, schemaOf);
      copyRow(fresh, row, known);
      copied += 1;
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
  return copied;
}

function copyRow(fresh: Tables, row: Row, known: Map<string, number>): void {
  const { epoch, bootId, heads } = headsOf(row);
  let epochId = known.get(epoch);
  if (epochId === undefined) {
    fresh.run("INSERT INTO epochs (epoch, boot_id, first_row, closed) VALUES (?, ?, ?, 0)", epoch, bootId, row.id);
    epochId = wholeOf(fresh.get("SELECT id FROM epochs WHERE epoch = ?", epoch), "id");
    known.set(epoch, epochId);
  }
  for (const { stream } of heads) raiseLast(fresh, epochId, stream, 0);
  fresh.run(
    `INSERT INTO rows (${ROW_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ...[row.id, epochId, row.isAlarm ? 1 : 0, row.bootMs, row.samples, row.readings, row.body],
  );
}

/** Rows in order of id, over the gaps that damaged pages leave. */
function* readableRows(damaged: Tables): Generator<Row> {
  let after = 0;
  let inVain = 0;
  let atOnce = ROWS_AT_ONCE;
  while (inVain < IDS_IN_VAIN_MAX) {
    try {
      const found = damaged
        .all(`SELECT ${ROW_COLUMNS} FROM rows WHERE id > ? ORDER BY id LIMIT ?`, after, atOnce)
        .map(rowFrom);
      if (found.length === 0) return;
      yield* found;
      after = found.at(-1)?.id ?? after;
      inVain = 0;
      atOnce = ROWS_AT_ONCE;
    } catch (error) {
      if (!isDamage(error)) throw error;
      if (atOnce === 1) {
        after += 1;
        inVain += 1;
      }
      atOnce = 1;
    }
  }
}

/** Rows of a message that was sealed and not accepted wait again; they are sealed anew in the new file. */
function copyCursors(damaged: Tables, fresh: Tables): void {
  for (const isAlarm of [0, 1]) {
    const { sealedTo, backlog } = unsentIn(damaged, isAlarm === 1);
    for (const { first, last } of backlog) {
      const values = [isAlarm, first, last];
      fresh.run("INSERT INTO wanted (is_alarm, first_row, last_row, backlog) VALUES (?, ?, ?, 1)", ...values);
    }
    fresh.run("UPDATE cursors SET sealed_to = ? WHERE is_alarm = ?", sealedTo, isAlarm);
  }
}

function bookLosses(fresh: Tables): number {
  let lost = 0;
  for (const epoch of epochsOf(fresh)) {
    const held = sequencesHeld(fresh, epoch.id);
    for (const [stream, last] of lastsOf(fresh, epoch)) {
      const gone = subtract(unsettled(fresh, epoch.epoch, stream, last), held.get(stream) ?? []);
      for (const range of gone) lost += range.last - range.first + 1;
      drop(fresh, epoch.epoch, stream, gone, "corrupt");
    }
  }
  return lost;
}

function sequencesHeld(fresh: Tables, epochId: number): Map<string, Ranges> {
  const held = new Map<string, { first: number; last: number }[]>();
  let after = 0;
  for (;;) {
    const sql = `SELECT ${ROW_COLUMNS} FROM rows WHERE id > ? AND epoch_id = ? ORDER BY id LIMIT ${ROWS_AT_ONCE}`;
    const rows = fresh.all(sql, after, epochId).map(rowFrom);
    for (const { stream, sequence, samples } of rows.flatMap((row) => headsOf(row).heads)) {
      const ranges = held.get(stream) ?? [];
      const newest = ranges.at(-1);
      if (newest && newest.last + 1 === sequence)
        ranges[ranges.length - 1] = { first: newest.first, last: sequence + samples - 1 };
      else ranges.push({ first: sequence, last: sequence + samples - 1 });
      held.set(stream, ranges);
    }
    const newest = rows.at(-1);
    if (!newest) return new Map([...held].map(([stream, ranges]) => [stream, union(ranges, [])]));
    after = newest.id;
  }
}

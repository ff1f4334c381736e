/**
 * Sealed messages: bounds fixed on disk before the first byte leaves, in order within their lane, the same again until
 * accepted. Ledger messages carry their bytes; batches and alarms are encoded from their rows each time, with the
 * offset to wall time that was fixed when they were sealed.
 */

import { type SchemaOf, type TravellingForm, versionOfForm } from "../wire/batch.ts";
import { decodeLedger, encodeLedger } from "../wire/ledger.ts";
import type { LedgerMessage, MessageKind } from "../wire/messages.ts";
import { LANES, type Lane } from "../wire/topics.ts";
import type { Offer } from "./buffer.ts";
import { samplesIn } from "./evict.ts";
import type { Row } from "./row.ts";
import { rowsBetween } from "./rows.ts";
import { createEncoder } from "./seal.ts";
import { bytesOf, type Columns, type Tables, textOf, wholeOf, wholeOrNull } from "./tables.ts";

const KINDS: readonly MessageKind[] = ["batch", "alarms", "schema", "epoch-closed", "dropped", "clock"];
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export interface SealedRows {
  readonly lane: Lane;
  readonly isAlarm: boolean;
  readonly rows: readonly Row[];
  readonly offsetMs: number | undefined;
  readonly form: TravellingForm;
  /** Late, and never sent before. */
  readonly isBacklog: boolean;
}

/** Fixes the bounds of a message; returns its id. Call inside a transaction. */
export function sealRows(tables: Tables, { lane, isAlarm, rows, offsetMs, form, isBacklog }: SealedRows): number {
  const readings = rows.reduce((sum, row) => sum + row.readings, 0);
  const sealed = tables.get(
    `INSERT INTO sealed (lane, kind, first_row, last_row, samples, readings, offset_ms, form, backlog)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
    ...[lane, isAlarm ? "alarms" : "batch", rows[0]?.id ?? 0, rows.at(-1)?.id ?? 0, samplesIn(rows), readings],
    ...[offsetMs ?? null, isAlarm ? null : form, isBacklog ? 1 : 0],
  );
  return wholeOf(sealed, "id");
}

/** Queues a ledger message in the normal lane; returns its id. */
export function queueLedger(tables: Tables, message: LedgerMessage): number {
  const sealed = tables.get(
    "INSERT INTO sealed (lane, kind, samples, readings, body) VALUES ('normal', ?, 0, 0, ?) RETURNING id",
    ...[message.kind, encodeLedger(message)],
  );
  return wholeOf(sealed, "id");
}

/** The oldest message of a lane. Throws WireError when a row of it is damaged. */
export function oldestMessage(tables: Tables, lane: Lane, schemaOf: SchemaOf): Offer | undefined {
  for (;;) {
    const columns = tables.get("SELECT * FROM sealed WHERE lane = ? ORDER BY id LIMIT 1", lane);
    if (!columns) return undefined;
    const offer = offerFrom(tables, columns, schemaOf);
    if (offer) return offer;
    // Its rows have left by eviction, which has booked them.
    tables.run("DELETE FROM sealed WHERE id = ?", wholeOf(columns, "id"));
  }
}

/** Whether its samples count as waiting: what the cloud asked for again has been accepted before. */
export const isFirstSent = (tables: Tables, id: number): boolean =>
  tables.get("SELECT 1 FROM sealed WHERE id = ? AND (lane <> 'late' OR backlog = 1)", id) !== undefined;

/** Returns whether it was still waiting. */
export const forgetMessage = (tables: Tables, id: number): boolean =>
  tables.run("DELETE FROM sealed WHERE id = ?", id) > 0;

/** The rows of a waiting message; none for ledger messages. */
export function rowsOfMessage(tables: Tables, id: number): Row[] {
  const columns = tables.get("SELECT * FROM sealed WHERE id = ?", id);
  return columns && columns["body"] === null ? rowsIn(tables, columns) : [];
}

const rowsIn = (tables: Tables, columns: Columns): Row[] =>
  rowsBetween(
    tables,
    textOf(columns, "kind") === "alarms",
    wholeOf(columns, "first_row"),
    wholeOf(columns, "last_row"),
    NO_LIMIT,
  );

/** Kept with what is sealed; what was sealed as "tight" by an earlier program stays so. */
const TIGHT_FORMS: readonly TravellingForm[] = ["trends", "tight"];

function offerFrom(tables: Tables, columns: Columns, schemaOf: SchemaOf): Offer | undefined {
  const kind = KINDS.find((known) => known === columns["kind"]);
  const lane = LANES.find((known) => known === columns["lane"]);
  if (!kind || !lane) return undefined;
  const rows = columns["body"] === null ? rowsIn(tables, columns) : undefined;
  if (rows?.length === 0) return undefined;
  const offsetMs = wholeOrNull(columns, "offset_ms") ?? undefined;
  const form = TIGHT_FORMS.find((known) => known === columns["form"]) ?? "deflated";
  const payload = rows ? createEncoder(kind === "alarms", offsetMs, schemaOf, form).encode(rows) : provenBody(columns);
  const samples = wholeOf(columns, "samples");
  return {
    id: wholeOf(columns, "id"),
    lane,
    kind,
    properties: propertiesOf(kind, form, samples),
    payload,
    samples,
    readings: wholeOf(columns, "readings"),
  };
}

/** Flash forgets: the checksum is looked at once more before the bytes leave. */
function provenBody(columns: Columns): Uint8Array {
  const body = bytesOf(columns, "body");
  decodeLedger(body);
  return body;
}

const propertiesOf = (kind: MessageKind, form: TravellingForm, samples: number): Record<string, string> => {
  const v = kind === "batch" ? String(versionOfForm(form)) : "1";
  return samples > 0 ? { kind, v, n: String(samples) } : { kind, v };
};

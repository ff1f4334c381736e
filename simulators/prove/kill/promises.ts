/**
 * What the agent has promised: samples in committed rows of its file, read from outside while it runs and after it was
 * killed. A sample once seen is remembered, whatever becomes of its row.
 */
import { batchFromBody, headsOf, rowFrom } from "@pump-station/agent/buffer/row.ts";
import { isMissing } from "@pump-station/agent/reading.ts";
import { decodeLedger } from "@pump-station/agent/wire/ledger.ts";
import type { StreamRanges } from "@pump-station/agent/wire/messages.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import type { Databases } from "../../world.ts";

export interface Promised {
  readonly epoch: string;
  readonly stream: string;
  readonly sequence: number;
  /** Of the agent's row. */
  readonly row: number;
  /** A number, or the reason why there is none; undefined for an alarm. */
  readonly values?: readonly (number | string)[];
}

export interface Promises {
  readonly samples: ReadonlyMap<string, Promised>;
  /** Epochs of which a row was seen. */
  readonly epochs: ReadonlySet<string>;
  /** Adds what is new. Throws Error when the file can't be read, or says something else than before. */
  look(): void;
  /** Rows that the cloud hasn't accepted, as the agent's file tells it now. */
  waitingRows(): (row: number, isAlarm: boolean) => boolean;
  /** What the agent believes to be stored in the cloud. */
  receipts(): readonly StreamRanges[];
}

export const keyOf = (it: { epoch: string; stream: string; sequence: number }): string =>
  `${it.epoch} ${it.stream} ${it.sequence}`;

export function createPromises(databases: Databases, path: string): Promises {
  const samples = new Map<string, Promised>();
  const epochs = new Set<string>();
  const schemas = new Map<string, StreamSchema>();
  let newest = 0;

  const learnSchemas = (): void => {
    for (const { body } of databases.query(path, "SELECT body FROM schemas")) {
      const message = decodeLedger(body as Uint8Array);
      if (message.kind === "schema") schemas.set(schemaHash(message.schema), message.schema);
    }
  };
  const add = (sample: Promised): void => {
    const before = samples.get(keyOf(sample));
    if (before)
      throw new Error(`${keyOf(sample)} is in row ${before.row} and in row ${sample.row} of the agent's file`);
    samples.set(keyOf(sample), sample);
    epochs.add(sample.epoch);
  };
  return {
    samples,
    epochs,
    look: () => {
      const sql = `SELECT id, epoch_id, is_alarm, boot_ms, samples, readings, body FROM rows WHERE id > ${newest} ORDER BY id`;
      const rows = databases.query(path, sql).map((columns) => rowFrom(columns as Parameters<typeof rowFrom>[0]));
      if (rows.length > 0) learnSchemas();
      for (const row of rows) {
        for (const sample of samplesIn(row, schemas)) add(sample);
        newest = row.id;
      }
    },
    waitingRows: () => {
      const [cursors] = databases.query(
        path,
        `SELECT (SELECT sealed_to FROM cursors WHERE is_alarm = 0) AS samples,
                (SELECT sealed_to FROM cursors WHERE is_alarm = 1) AS alarms`,
      );
      const sealed = databases
        .query(path, "SELECT first_row, last_row FROM sealed WHERE first_row IS NOT NULL")
        .map(rangeOf);
      // What piled up while the cloud was away is late: the cursor has passed it, and it hasn't been sent.
      const backlog = databases
        .query(path, "SELECT is_alarm, first_row, last_row FROM wanted WHERE backlog = 1")
        .map((columns) => ({ isAlarm: columns["is_alarm"] === 1, range: rangeOf(columns) }));
      return (row, isAlarm) =>
        row > Number(cursors?.[isAlarm ? "alarms" : "samples"]) ||
        sealed.some(([first, last]) => first <= row && row <= last) ||
        backlog.some((late) => late.isAlarm === isAlarm && late.range[0] <= row && row <= late.range[1]);
    },
    receipts: () =>
      databases
        .query(path, "SELECT epoch, stream, first, last FROM fates WHERE fate = 'receipted'")
        .map(({ epoch, stream, first, last }) => ({
          epoch: String(epoch),
          stream: String(stream),
          ranges: [{ first: Number(first), last: Number(last) }],
        })),
  };
}

const rangeOf = (columns: Readonly<Record<string, unknown>>): readonly [number, number] => [
  Number(columns["first_row"]),
  Number(columns["last_row"]),
];

function samplesIn(row: ReturnType<typeof rowFrom>, schemas: ReadonlyMap<string, StreamSchema>): Promised[] {
  if (row.isAlarm) {
    const { epoch, heads } = headsOf(row);
    return heads.map(({ stream, sequence }) => ({ epoch, stream, sequence, row: row.id }));
  }
  const { epoch, blocks } = batchFromBody(row.body, (hash) => schemas.get(hash));
  return blocks.flatMap(({ stream, sequence, rows }) =>
    rows.map((values, at) => ({
      epoch,
      stream,
      sequence: sequence + at,
      row: row.id,
      values: values.map((value) => (isMissing(value) ? value.missing : value)),
    })),
  );
}

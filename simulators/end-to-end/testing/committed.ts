/** What the agent has promised: samples in its file, read from outside while it runs; and whether the bridge has them. */
import { batchFromBody, headsOf, rowFrom } from "@pump-station/agent/buffer/row.ts";
import { isMissing } from "@pump-station/agent/reading.ts";
import { decodeLedger } from "@pump-station/agent/wire/ledger.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import { expect } from "vitest";
import { readOnlyDatabases } from "../../host/database.ts";
import { isSame } from "../../run/equality.ts";
import type { Demo } from "./demo.ts";
import { until } from "./programs.ts";

export interface CommittedSample {
  readonly epoch: string;
  readonly stream: string;
  readonly sequence: number;
  /** A number, or the reason why there is none; undefined for an alarm. */
  readonly values?: readonly (number | string)[];
}
export type Committed = Map<string, CommittedSample>;

const keyOf = ({ epoch, stream, sequence }: CommittedSample): string => `${epoch} ${stream} ${sequence}`;

/** Adds every sample that is in a committed row at this moment. */
export function addCommitted({ layout }: Demo, to: Committed = new Map()): Committed {
  const path = `${layout.agentData}/readings.db`;
  const schemas = new Map<string, StreamSchema>();
  for (const { body } of readOnlyDatabases.query(path, "SELECT body FROM schemas")) {
    const message = decodeLedger(body as Uint8Array);
    if (message.kind === "schema") schemas.set(schemaHash(message.schema), message.schema);
  }
  const columns = "id, epoch_id, is_alarm, boot_ms, samples, readings, body";
  for (const found of readOnlyDatabases.query(path, `SELECT ${columns} FROM rows ORDER BY id`)) {
    const row = rowFrom(found as Parameters<typeof rowFrom>[0]);
    for (const sample of samplesIn(row, schemas)) to.set(keyOf(sample), sample);
  }
  return to;
}

function samplesIn(row: ReturnType<typeof rowFrom>, schemas: ReadonlyMap<string, StreamSchema>): CommittedSample[] {
  if (row.isAlarm) {
    const { epoch, heads } = headsOf(row);
    return heads.map(({ stream, sequence }) => ({ epoch, stream, sequence }));
  }
  const { epoch, blocks } = batchFromBody(row.body, (hash) => schemas.get(hash));
  return blocks.flatMap(({ stream, sequence, rows }) =>
    rows.map((values, at) => ({
      epoch,
      stream,
      sequence: sequence + at,
      values: values.map((value) => (isMissing(value) ? value.missing : value)),
    })),
  );
}

/** Waits until the bridge has all of them; then each has to be there once, with its values. */
export async function expectStoredOnce(demo: Demo, committed: Committed): Promise<void> {
  await until("the bridge has every committed sample", async () => {
    const ledger = await demo.ledger();
    const lacking = [...committed.values()].filter(({ epoch, stream, sequence }) => {
      const entry = ledger.find((it) => it.epoch === epoch && it.stream === stream);
      return !entry?.stored.some(([first, last]) => first <= sequence && sequence <= last);
    });
    if (lacking.length > 0) throw new Error(`${lacking.length} lacking, first ${keyOf(lacking[0] as CommittedSample)}`);
    return true;
  });
  const samples = [...committed.values()].filter(({ values }) => values !== undefined);
  for (const stream of new Set(samples.map((sample) => sample.stream))) {
    await expectEqual(
      demo,
      stream,
      samples.filter((sample) => sample.stream === stream),
    );
  }
}

async function expectEqual(demo: Demo, stream: string, samples: readonly CommittedSample[]): Promise<void> {
  const { rows, epochs, channels, next } = await demo.readings(stream);
  expect(next, "one answer holds all rows").toBeNull();
  const stored = new Map(rows.map((row) => [`${epochs[row[1]]} ${stream} ${row[2]}`, row.slice(3)]));
  expect(stored.size, `every row of ${stream} is there once`).toBe(rows.length);
  for (const sample of samples) {
    const values = stored.get(keyOf(sample)) ?? [];
    const differing = channels.filter((channel, at) => !isSame(values[at], sample.values?.[at], channel.resolution));
    expect(differing, `${keyOf(sample)} is ${values.join()}, committed was ${sample.values?.join()}`).toEqual([]);
  }
}

/** No gap in any epoch; one that is over is closed with what was stored or dropped last. Waits until that is so. */
export async function expectCompleteLedger(demo: Demo): Promise<void> {
  await until("the ledger is complete", async () => {
    const { epoch: open } = (await demo.status()).buffer;
    for (const { epoch, stream, stored, dropped, gaps, closedAt } of await demo.ledger()) {
      const last = Math.max(0, ...[...stored, ...dropped].map(([, end]) => end));
      const said = `${epoch} ${stream}: stored ${JSON.stringify(stored)}, closed at ${closedAt}`;
      if (gaps.length > 0) throw new Error(`${said}, gaps ${JSON.stringify(gaps)}`);
      if (epoch !== open && closedAt !== last) throw new Error(said);
      // A killed process drops nothing: what wasn't committed never had a sequence.
      expect(dropped).toEqual([]);
    }
    return true;
  });
}

import { encodeBatch } from "@pump-station/agent/wire/batch.ts";
import { encodeLedger } from "@pump-station/agent/wire/ledger.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import { beforeEach, expect, test } from "vitest";
import { createClock, createTimers } from "../host/clock.ts";
import { createDatabases } from "../host/sqlite.ts";
import { createSqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import { createIntake, type Intake } from "./intake.ts";

const T0 = 1_777_000_000_000;
const wide = (channels: number): StreamSchema => ({
  stream: "pump",
  channels: Array.from({ length: channels }, (_, at) => ({ name: `c${at}`, kind: "gauge", unit: "", resolution: 1 })),
});

let store: Store;
let intake: Intake;
let writes: number;
/** Answers to this station are never taken. */
const DEAF = "deaf";

beforeEach(async () => {
  const sqlite = createSqliteStore({ database: createDatabases().open(":memory:") });
  writes = 0;
  store = { ...sqlite, write: (entries) => (writes++, sqlite.write(entries)) };
  for (const station of ["lake", DEAF]) await store.addStation(station, "credential", T0);
  const ignore = (): void => undefined;
  intake = createIntake({
    store,
    clock: createClock(),
    timers: createTimers(),
    log: ignore,
    twins: {
      twin: () => Promise.reject(new Error("not asked here")),
      patchDesired: () => Promise.reject(new Error("not asked here")),
      onGet: (station) => (station === DEAF ? new Promise(ignore) : Promise.resolve()),
      onReport: () => Promise.resolve(),
    },
    commands: { onAnswer: ignore },
    receipts: { touch: ignore, greet: ignore, leave: ignore, wantSchema: ignore, close: ignore },
    live: { listen: () => ignore, publish: ignore, samples: ignore, touch: ignore },
  });
});

const send = (kind: string, payload: Uint8Array): Promise<void> =>
  intake.accept({ station: "lake", topic: topicsOf("lake").message("normal", { kind }), payload });
const declare = (schema: StreamSchema): Promise<void> => send("schema", encodeLedger({ kind: "schema", schema }));

function zeros(schema: StreamSchema, samples: number, sequence: number): Uint8Array {
  const block = {
    stream: schema.stream,
    schemaHash: schemaHash(schema),
    sequence,
    times: Array.from({ length: samples }, (_, at) => T0 + (sequence + at) * 1_000),
    rows: Array.from({ length: samples }, () => new Array<number>(schema.channels.length).fill(0)),
  };
  return encodeBatch({ epoch: "00000000000000e1", basis: { kind: "wall" }, blocks: [block] }, () => schema);
}

test("a station that never takes its answers holds up its own message, and nobody else's", async () => {
  const alive = (station: string) => ({ station, topic: topicsOf(station).alive, payload: new Uint8Array() });
  let isDeafDone = false;
  void intake
    .accept({ station: DEAF, topic: topicsOf(DEAF).twinGet("1"), payload: new Uint8Array() })
    .then(() => void (isDeafDone = true));
  await intake.accept(alive("lake"));
  await intake.accept(alive("lake"));
  expect(isDeafDone).toBe(false);
  expect((await store.station("lake"))?.messages).toBe(2);
});

test("a few KB that would inflate to millions of readings are kept aside as they came", async () => {
  const schema = wide(256);
  const bomb = zeros(schema, 10_000, 1);
  expect(bomb.length).toBeLessThan(8_000);
  await declare(schema);
  await send("batch", bomb);
  expect((await store.quarantine("lake", 9))[0]).toMatchObject({
    bytes: bomb.length,
    reason: expect.stringMatching(/2560000 readings, at most/),
  });
  expect((await store.station("lake"))?.samples).toBe(0);
});

test("large batches of one group are stored one after the other, so that others get their turn in between", async () => {
  const schema = wide(32);
  await declare(schema);
  writes = 0;
  await Promise.all([1, 7_001, 14_001].map((sequence) => send("batch", zeros(schema, 7_000, sequence))));
  expect(writes).toBe(3);
  expect((await store.station("lake"))?.samples).toBe(21_000);
});

test("large batches that waited for their schema are stored one after the other, too", async () => {
  const schema = wide(32);
  for (const sequence of [1, 7_001, 14_001]) await send("batch", zeros(schema, 7_000, sequence));
  writes = 0;
  await declare(schema);
  expect(writes).toBe(1 + 3);
  expect((await store.station("lake"))?.samples).toBe(21_000);
  expect(await store.quarantine("lake", 9)).toEqual([]);
});

import { encodeAlarms } from "@pump-station/agent/wire/alarms.ts";
import { encodeBatch } from "@pump-station/agent/wire/batch.ts";
import { decodeLedger, encodeLedger } from "@pump-station/agent/wire/ledger.ts";
import type { LedgerMessage } from "@pump-station/agent/wire/messages.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Store } from "../store/store.ts";
import { connectStation, type RunningBridge, startBridge, type TestStation } from "../testing/running-bridge.ts";

const EPOCH = "00000000000000e1";
const T0 = 1_777_000_000_000;
const schemaOf = (stream: string): StreamSchema => ({
  stream,
  channels: [
    { name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 },
    { name: "cycles", kind: "counter", unit: "", resolution: 1 },
  ],
});
const PUMP = schemaOf("pump");
const batchBytes = (first: number, last: number, schema = PUMP): Buffer => {
  const sequences = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  const block = {
    stream: schema.stream,
    schemaHash: schemaHash(schema),
    sequence: first,
    times: sequences.map((sequence) => T0 + sequence * 1_000),
    rows: sequences.map((sequence) => [800 + sequence / 10, sequence]),
  };
  return Buffer.from(encodeBatch({ epoch: EPOCH, basis: { kind: "wall" }, blocks: [block] }, () => schema));
};
const lake = topicsOf("lake");
const TOPIC = {
  batch: lake.message("normal", { kind: "batch" }),
  schema: lake.message("normal", { kind: "schema" }),
  alarms: lake.message("urgent", { kind: "alarms" }),
};
const schemaBytes = (schema = PUMP): Buffer => Buffer.from(encodeLedger({ kind: "schema", schema }));
const QOS1 = { qos: 1 } as const;
const ALL = {
  station: "lake",
  device: "pump",
  fromMs: 0,
  toMs: Number.MAX_SAFE_INTEGER,
  limit: 1_000,
  order: "asc",
} as const;
const sequences = async (store: Store): Promise<number[]> =>
  (await store.readings(ALL))?.rows.map(([, , sequence]) => sequence) ?? [];

let running: RunningBridge;
let password: string;
let station: TestStation;
const start = async (options?: Parameters<typeof startBridge>[0]): Promise<void> => {
  running = await startBridge(options);
  password = await running.addStation("lake");
  station = await connectStation(running, "lake", password);
};
const ledgerMessage = async (kind: LedgerMessage["kind"]): Promise<LedgerMessage> => {
  for (;;) {
    const message = decodeLedger((await station.next(lake.ledger)).payload);
    if (message.kind === kind) return message;
  }
};
beforeEach(() => start());
afterEach(async () => {
  await station.leave();
  await running.remove();
});

test("what a station publishes is stored under its name", async () => {
  await station.client.publishAsync(TOPIC.schema, schemaBytes(), QOS1);
  await station.client.publishAsync(TOPIC.batch, batchBytes(1, 3), QOS1);
  expect((await running.store.readings(ALL))?.rows).toEqual([
    [T0 + 1_000, 0, 1, 800.1, 1],
    [T0 + 2_000, 0, 2, 800.2, 2],
    [T0 + 3_000, 0, 3, 800.3, 3],
  ]);
  const summary = await running.bridge.summaryOf("lake");
  expect(summary).toMatchObject({ online: true, samples: 3, readings: 6, messages: 2, quarantined: 0 });
  expect(summary?.bytes).toBe(schemaBytes().length + batchBytes(1, 3).length);
});

test("a message delivered twice is stored once", async () => {
  await station.client.publishAsync(TOPIC.schema, schemaBytes(), QOS1);
  for (let time = 0; time < 3; time++) await station.client.publishAsync(TOPIC.batch, batchBytes(1, 5), QOS1);
  expect(await sequences(running.store)).toEqual([1, 2, 3, 4, 5]);
  expect((await running.store.station("lake"))?.samples).toBe(5);
});

test("the acknowledgement comes after the commit", async () => {
  await station.leave();
  await running.remove();
  let commit: (() => void) | undefined;
  const held = (store: Store): Store => ({
    ...store,
    write: async (entries) => {
      await new Promise<void>((resolve) => {
        commit = resolve;
      });
      return store.write(entries);
    },
  });
  await start({ wrapStore: held });
  let isAcknowledged = false;
  const published = station.client.publishAsync(TOPIC.schema, schemaBytes(), QOS1).then(() => {
    isAcknowledged = true;
  });
  await expect.poll(() => commit).toBeDefined();
  // The broker answers others meanwhile, so that a missing acknowledgement isn't a slow one.
  const other = await connectStation(running, "pond", await running.addStation("pond"));
  await other.leave();
  expect(isAcknowledged).toBe(false);
  commit?.();
  await published;
  expect((await running.store.schemasOf("lake")).size).toBe(1);
});

test("a message that can't be stored is not acknowledged and comes again after the reconnect", async () => {
  await station.leave();
  await running.remove();
  let isFull = true;
  const full = (store: Store): Store => ({
    ...store,
    write: async (entries) => {
      if (isFull) throw new Error("database or disk is full");
      return store.write(entries);
    },
  });
  await start({ wrapStore: full });
  const closed = new Promise<void>((resolve) => station.client.once("close", () => resolve()));
  let isAcknowledged = false;
  station.client.publish(TOPIC.schema, schemaBytes(), QOS1, (error) => {
    isAcknowledged = !error;
  });
  await closed;
  expect(isAcknowledged).toBe(false);
  isFull = false;
  station = await connectStation(running, "lake", password);
  await station.client.publishAsync(TOPIC.schema, schemaBytes(), QOS1);
  expect((await running.store.schemasOf("lake")).size).toBe(1);
});

test("a wrong password, an unknown station and a borrowed name are refused", async () => {
  await running.addStation("pond");
  await expect(connectStation(running, "lake", "wrong")).rejects.toThrow(/not authorized/i);
  await expect(connectStation(running, "sea", password)).rejects.toThrow(/not authorized/i);
  await expect(connectStation(running, "pond", password)).rejects.toThrow(/not authorized/i);
  expect(running.events.filter(({ event }) => event === "mqtt-refused").length).toBe(3);
  expect(JSON.stringify(running.events)).not.toContain(password);
});

test("another station's topics are refused, for publishing and for listening", async () => {
  await running.addStation("pond");
  const pond = topicsOf("pond");
  const granted = await station.client
    .subscribeAsync([pond.ledger, "#", "$SYS/#", "ps/1/+/ledger"], QOS1)
    .catch((error: unknown) => (error as { granted?: { qos: number }[] }).granted ?? []);
  expect(granted.every(({ qos }) => qos === 128)).toBe(true);
  const closed = new Promise<void>((resolve) => station.client.once("close", () => resolve()));
  station.client.publish(pond.message("normal", { kind: "schema" }), schemaBytes(), QOS1);
  await closed;
  expect((await running.store.schemasOf("pond")).size).toBe(0);
  expect(running.events.some(({ event }) => event === "mqtt-topic-refused")).toBe(true);
});

test("a second connection of the same station takes over, and the station stays online", async () => {
  const closed = new Promise<void>((resolve) => station.client.once("close", () => resolve()));
  const second = await connectStation(running, "lake", password);
  await closed;
  expect(running.bridge.isOnline("lake")).toBe(true);
  await second.client.publishAsync(TOPIC.schema, schemaBytes(), QOS1);
  await second.leave();
  await expect.poll(() => running.bridge.isOnline("lake")).toBe(false);
  expect(running.events.filter(({ event }) => event === "station-offline").length).toBe(1);
});

test("of connections that take over from each other at once, a station is online as long as the newest is", async () => {
  const first = station;
  const attempts = await Promise.allSettled(
    Array.from({ length: 4 }, () => connectStation(running, "lake", password, { subscribe: false })),
  );
  const others = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : []));
  await expect.poll(() => first.client.connected).toBe(false);
  for (const other of others) if (!other.client.connected) await other.leave();
  const left = others.filter(({ client }) => client.connected);
  expect(left.length).toBeGreaterThan(0);
  expect(running.bridge.isOnline("lake")).toBe(true);
  for (const other of left) await other.leave();
  await expect.poll(() => running.bridge.isOnline("lake")).toBe(false);
});

test("a poisoned message is kept aside, counted and acknowledged; the others go on", async () => {
  const poison = batchBytes(1, 3);
  poison[poison.length - 1]! ^= 1;
  await Promise.all([
    station.client.publishAsync(TOPIC.schema, schemaBytes(), QOS1),
    station.client.publishAsync(TOPIC.batch, poison, QOS1),
    station.client.publishAsync(lake.message("normal", { kind: "poem" }), "roses", QOS1),
    station.client.publishAsync(`${lake.root}/normal/%E0%A4%A`, "x", QOS1),
    station.client.publishAsync(TOPIC.batch, batchBytes(1, 2), QOS1),
  ]);
  expect(await sequences(running.store)).toEqual([1, 2]);
  const kept = await running.store.quarantine("lake", 10);
  expect(kept.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/property bag/),
    expect.stringMatching(/poem/),
    expect.stringMatching(/^checksum/),
  ]);
  expect((await running.bridge.summaryOf("lake"))?.quarantined).toBe(3);
});

test("a batch before its schema waits, the schema is asked for, and the batch is read when it comes", async () => {
  await station.client.publishAsync(TOPIC.batch, batchBytes(1, 2), QOS1);
  expect(await ledgerMessage("schema-wanted")).toEqual({ kind: "schema-wanted", hashes: [schemaHash(PUMP)] });
  expect((await running.store.quarantine("lake", 10))[0]?.reason).toMatch(/^schema-wanted/);
  expect((await running.bridge.summaryOf("lake"))?.quarantined).toBe(0);
  await station.client.publishAsync(TOPIC.schema, schemaBytes(), QOS1);
  expect(await sequences(running.store)).toEqual([1, 2]);
  expect(await running.store.quarantine("lake", 10)).toEqual([]);
});

test("a batch and its schema in any order within one group are both read", async () => {
  await Promise.all([
    station.client.publishAsync(TOPIC.batch, batchBytes(1, 2), QOS1),
    station.client.publishAsync(TOPIC.schema, schemaBytes(), QOS1),
    station.client.publishAsync(TOPIC.batch, batchBytes(3, 4), QOS1),
  ]);
  expect(await sequences(running.store)).toEqual([1, 2, 3, 4]);
  expect(await running.store.quarantine("lake", 10)).toEqual([]);
});

test("a batch whose schema is another stream's is kept aside", async () => {
  const rain = schemaOf("rain");
  await station.client.publishAsync(TOPIC.schema, schemaBytes(rain), QOS1);
  const block = { stream: "pump", schemaHash: schemaHash(rain), sequence: 1, times: [T0], rows: [[1, 1]] };
  const bytes = encodeBatch({ epoch: EPOCH, basis: { kind: "wall" }, blocks: [block] }, () => rain);
  await station.client.publishAsync(TOPIC.batch, Buffer.from(bytes), QOS1);
  expect((await running.store.quarantine("lake", 10))[0]?.reason).toMatch(/schema of rain/);
});

test("alarms are stored, and count as active until they end", async () => {
  const alarm = (sequence: number, active: boolean) => ({
    epoch: EPOCH,
    sequence,
    basis: { kind: "wall" } as const,
    time: T0 + sequence,
    device: "pump",
    alarm: "too-hot",
    severity: "critical" as const,
    active,
    because: "temperature 86 °C",
  });
  await station.client.publishAsync(TOPIC.alarms, Buffer.from(encodeAlarms([alarm(1, true)])), QOS1);
  expect((await running.bridge.summaryOf("lake"))?.activeAlarms).toBe(1);
  await station.client.publishAsync(TOPIC.alarms, Buffer.from(encodeAlarms([alarm(1, true), alarm(2, false)])), QOS1);
  expect((await running.bridge.summaryOf("lake"))?.activeAlarms).toBe(0);
  expect((await running.store.alarms("lake", 9)).length).toBe(2);
});

test("receipts name what is stored: after storing, and again after a reconnect", async () => {
  await station.leave();
  await running.remove();
  await start({ receiptEveryMs: 1_000 });
  await station.client.publishAsync(TOPIC.schema, schemaBytes(), QOS1);
  await station.client.publishAsync(TOPIC.batch, batchBytes(1, 3), QOS1);
  const receipt = { kind: "receipt", stored: [{ epoch: EPOCH, stream: "pump", ranges: [{ first: 1, last: 3 }] }] };
  expect(await ledgerMessage("receipt")).toEqual(receipt);
  await station.leave();
  station = await connectStation(running, "lake", password);
  expect(await ledgerMessage("receipt")).toEqual(receipt);
});

test("a packet beyond the limit ends the connection before it is collected", async () => {
  const closed = new Promise<void>((resolve) => station.client.once("close", () => resolve()));
  station.client.publish(TOPIC.batch, Buffer.alloc(1024 * 1024), QOS1);
  await closed;
  expect(running.events.some(({ event }) => event === "mqtt-packet-too-large")).toBe(true);
});

test("after a restart stations, samples and what was kept aside are there, and duplicates still are", async () => {
  await station.client.publishAsync(TOPIC.schema, schemaBytes(), QOS1);
  await station.client.publishAsync(TOPIC.batch, batchBytes(1, 3), QOS1);
  await station.client.publishAsync(TOPIC.batch, "rubbish", QOS1);
  await station.leave();
  await running.stop();
  running = await startBridge({ folder: running.folder });
  station = await connectStation(running, "lake", password);
  await station.client.publishAsync(TOPIC.batch, batchBytes(2, 5), QOS1);
  expect(await sequences(running.store)).toEqual([1, 2, 3, 4, 5]);
  expect((await running.store.quarantine("lake", 10)).length).toBe(1);
});

test("whatever bytes come, all of them are acknowledged and none of them hurts", async () => {
  await station.client.publishAsync(TOPIC.schema, schemaBytes(), QOS1);
  const whole = batchBytes(1, 20);
  const damaged = fc
    .tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean())
    .map(([at, change, cut]) => {
      const bytes = Buffer.from(cut ? whole.subarray(0, at) : whole);
      if (at < bytes.length) bytes[at]! ^= change;
      return bytes;
    });
  const kinds = ["batch", "alarms", "schema", "epoch-closed", "dropped", "clock", "receipt", "__proto__"];
  const payload = fc.oneof(
    damaged,
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  const topic = fc.oneof(
    fc.constantFrom(...kinds).map((kind) => lake.message("late", { kind })),
    fc.constantFrom(lake.twinReport("1"), lake.twinGet("2"), lake.commandAnswer("3"), lake.alive),
  );
  const messages = fc.sample(fc.tuple(topic, payload), { numRuns: 3_000, seed: 7 });
  await Promise.all(messages.map(([to, bytes]) => station.client.publishAsync(to, bytes, QOS1)));
  await station.client.publishAsync(TOPIC.batch, whole, QOS1);
  expect((await sequences(running.store)).length).toBe(20);
  expect((await running.bridge.summaryOf("lake"))?.messages).toBe(3_002);
  expect(
    (await running.store.quarantine("lake", 1_000)).some(({ reason }) => /decoder failed|could not/.test(reason)),
  ).toBe(false);
});

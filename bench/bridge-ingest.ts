/** Readings/s that the bridge takes durably: strict decode, idempotent store, SQLite with synchronous=FULL on a real disk. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeBatch } from "@pump-station/agent/wire/batch.ts";
import { encodeLedger } from "@pump-station/agent/wire/ledger.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import { createBridge } from "@pump-station/cloud-bridge/bridge.ts";
import { createChance, createClock, createTimers } from "@pump-station/cloud-bridge/host/clock.ts";
import { createFiles } from "@pump-station/cloud-bridge/host/files.ts";
import { createDatabases } from "@pump-station/cloud-bridge/host/sqlite.ts";
import { loadStationAuthority } from "@pump-station/cloud-bridge/host/station-authority.ts";
import { createSqliteStore } from "@pump-station/cloud-bridge/store/sqlite-store.ts";
import type { BrokerHandlers, StationMessage } from "@pump-station/cloud-bridge/world.ts";

const CHANNELS = 8;
const ROWS = 360;
const BATCHES = 400;
const STATIONS = 10;
const AIM = 200_000;

export async function run(): Promise<void> {
  const { readings, seconds, bytes, storedBytes } = await benchIngest(ROWS);
  const perSecond = Math.round(readings / seconds);
  console.log(
    `bridge: ${perSecond.toLocaleString("en")} readings/s ingested durably (aim ${AIM.toLocaleString("en")}/s): ` +
      `${readings.toLocaleString("en")} readings of ${BATCHES} batches (${CHANNELS} channels × ${ROWS} rows) in ` +
      `${seconds.toFixed(2)} s, ${(bytes / readings).toFixed(2)} bytes/reading received, ` +
      `${(storedBytes / readings).toFixed(2)} stored`,
  );
}

/** `rows` samples per batch. Everything but broker and TLS takes part: queue, decode, store, commit, receipts' ledger. */
export async function benchIngest(rows: number) {
  const parent = existsSync(".demo") ? join(process.cwd(), ".demo") : tmpdir();
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "bench-"));
  const database = createDatabases().open(join(folder, "bridge.sqlite"));
  const store = createSqliteStore({ database });
  const stations = Array.from({ length: STATIONS }, (_, at) => `station-${at}`);
  for (const station of stations) await store.addStation(station, "none", Date.now());
  let handlers: BrokerHandlers | undefined;
  const bridge = await createBridge({
    clock: createClock(),
    timers: createTimers(),
    chance: createChance(),
    log: (level, event, fields) => {
      if (level === "error" || level === "warn") console.error(event, fields);
    },
    store,
    receiptEveryMs: 86_400_000,
    askAfterMs: 300_000,
    authority: await loadStationAuthority({ files: createFiles(), nowMs: Date.now() }, folder, 86_400_000),
    renewalGraceMs: 0,
    listen: async (given) => {
      handlers = given;
      return {
        port: 0,
        isOnline: () => true,
        publish: async () => undefined,
        disconnect: () => 0,
        close: async () => undefined,
      };
    },
  });
  try {
    const listening = handlers;
    if (!listening) throw new Error("the bridge does not listen");
    const accept = (message: StationMessage): Promise<void> => listening.onMessage(message);
    const schemas = stations.map((station) => ({ station, topic: topicOf(station, "schema"), payload: schemaBytes }));
    await Promise.all(schemas.map(accept));
    const messages = Array.from({ length: BATCHES }, (_, at) => {
      const station = stations[at % STATIONS] ?? "";
      return { station, topic: topicOf(station, "batch"), payload: batchBytes(Math.floor(at / STATIONS), rows) };
    });
    const begin = process.hrtime.bigint();
    // As over a network: each station sends its next message when the one before it is acknowledged.
    await Promise.all(
      stations.map(async (station) => {
        for (const message of messages) if (message.station === station) await accept(message);
      }),
    );
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    const { samples } = await store.figures();
    if (samples !== BATCHES * rows) throw new Error(`stored ${samples} samples of ${BATCHES * rows}`);
    const stored = database.prepare("SELECT total(length(body)) AS bytes FROM block").get();
    return {
      readings: samples * CHANNELS,
      seconds,
      bytes: messages.reduce((sum, { payload }) => sum + payload.length, 0),
      storedBytes: Number(stored?.["bytes"]),
    };
  } finally {
    await bridge.close();
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

const SCHEMA: StreamSchema = {
  stream: "pump",
  channels: Array.from({ length: CHANNELS }, (_, at) => ({
    name: `channel-${at}`,
    kind: "gauge",
    unit: "mbar",
    resolution: at % 2 === 0 ? 0.1 : 0.01,
  })),
};
const schemaBytes = encodeLedger({ kind: "schema", schema: SCHEMA });
const topicOf = (station: string, kind: string): string => topicsOf(station).message("normal", { kind });

/** Slow waves with a little noise, rounded to the resolution: about what sensors give. */
function batchBytes(number: number, rows: number): Uint8Array {
  const sequence = number * rows + 1;
  const sequences = Array.from({ length: rows }, (_, at) => sequence + at);
  const valueOf = (at: number, channel: number): number => {
    const perUnit = channel % 2 === 0 ? 10 : 100;
    const wave = 500 + 300 * Math.sin(at / (40 + channel)) + ((at * 7919 + channel * 104_729) % 13) / 10;
    return Math.round(wave * perUnit) / perUnit;
  };
  const block = {
    stream: SCHEMA.stream,
    schemaHash: schemaHash(SCHEMA),
    sequence,
    times: sequences.map((at) => 1_777_000_000_000 + at * 10_000),
    rows: sequences.map((at) => SCHEMA.channels.map((_, channel) => valueOf(at, channel))),
  };
  return encodeBatch({ epoch: "00000000000000e1", basis: { kind: "wall" }, blocks: [block] }, () => SCHEMA);
}

/** Ways to lay readings on flash, ours and the peers', and the readings that each of them is given. Times in ms. */
import { createSqliteBuffer } from "@pump-station/agent/buffer/sqlite-buffer.ts";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createDatabases } from "@pump-station/agent/linux/sqlite.ts";
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import type { Lane } from "@pump-station/agent/wire/topics.ts";
import type { Clock, Databases } from "@pump-station/agent/world.ts";

export const SECOND = 1_000;
export const HOUR = 3_600 * SECOND;
export const SAMPLE_EVERY = 10 * SECOND;
const UPLOAD_EVERY = 15 * 60 * SECOND;
const RECEIPT_EVERY = 24 * HOUR;
const LANES: readonly Lane[] = ["urgent", "normal", "late"];

/** What the peers do is measured for this long at most: a commit for each reading takes its time. */
const PEER_HOURS_MAX = 2;

export interface Layout {
  readonly name: string;
  readonly aim?: number;
  readonly hoursMax?: number;
  open(path: string, now: () => number): Store;
}

/** What is measured: told each row of readings and each tick of the simulated clock. */
export interface Store {
  take(rows: readonly (readonly number[])[], atMs: number): void;
  /** Called every 10 s, after `take`. */
  tick(atMs: number): void;
  close(): void;
}

/** Three devices with 20 channels between them. */
const DEVICES: readonly StreamSchema[] = [
  { stream: "weather", channels: channels(5) },
  { stream: "pump", channels: channels(8) },
  { stream: "compressor", channels: channels(7) },
];

function channels(count: number): StreamSchema["channels"] {
  return Array.from({ length: count }, (_, index) => ({
    name: `channel-${index}`,
    kind: "gauge" as const,
    unit: "V",
    resolution: 0.01,
  }));
}

/** The agent's, as it opens them itself. */
const ourDatabases: Databases = createDatabases({ isSoleOwner: true });
const databases: Databases = createDatabases();

export const LAYOUTS: readonly Layout[] = [
  { name: "ours, a commit every 10 s", aim: 344, open: (path, now) => ours(path, now, 10 * SECOND) },
  { name: "ours, a commit every 30 s", aim: 134, open: (path, now) => ours(path, now, 30 * SECOND) },
  { name: "ours, a commit every 60 s", aim: 77, open: (path, now) => ours(path, now, 60 * SECOND) },
  {
    name: "an INSERT for each reading, the library's settings",
    hoursMax: PEER_HOURS_MAX,
    open: (path) => rowsOf(path, { pragmas: "", perReading: true, everyMs: SAMPLE_EVERY }),
  },
  {
    name: "an INSERT for each reading, WAL and FULL",
    hoursMax: PEER_HOURS_MAX,
    open: (path) => rowsOf(path, { pragmas: WAL_FULL, perReading: true, everyMs: SAMPLE_EVERY }),
  },
  {
    name: "a row for each reading, a commit every 10 s, the library's settings",
    open: (path) => rowsOf(path, { pragmas: "", perReading: false, everyMs: SAMPLE_EVERY }),
  },
  {
    name: "a row for each reading, a commit every 10 s, WAL and FULL",
    open: (path) => rowsOf(path, { pragmas: WAL_FULL, perReading: false, everyMs: SAMPLE_EVERY }),
  },
  {
    name: "a row for each reading, a commit every 60 s, WAL and FULL",
    open: (path) => rowsOf(path, { pragmas: WAL_FULL, perReading: false, everyMs: 60 * SECOND }),
  },
];

const WAL_FULL = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";

/** Slow walks with a little noise: columns like those of weather and pumps. */
export function readingsFrom(seed: number): () => number[][] {
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const levels = DEVICES.map(({ channels }) => channels.map(() => 20 + 60 * random()));
  return () =>
    levels.map((device) =>
      device.map((level, index) => {
        device[index] = level + (random() - 0.5) / 4;
        return Math.round((device[index] ?? 0) * 100) / 100;
      }),
    );
}

/** The agent's buffer with the traffic of its uploads: offered, accepted, receipted once a day. */
export function ours(path: string, now: () => number, commitEveryMs: number): Store {
  const deps = { databases: ourDatabases, clock: simulatedClock(now), chance: createChance(), log: () => {} };
  const buffer = createSqliteBuffer(deps, { path });
  for (const schema of DEVICES) buffer.declare(schema);
  const counts = new Map<string, number>();
  const upload = (): void => {
    for (const lane of LANES)
      for (let offer = buffer.offer(lane, "now"); offer; offer = buffer.offer(lane, "now")) buffer.accept(offer);
  };
  const receipt = (): void =>
    buffer.onLedger({
      kind: "receipt",
      stored: [...counts].map(([stream, last]) => ({ epoch: buffer.epoch, stream, ranges: [{ first: 1, last }] })),
    });
  return {
    take: (rows, atMs) => {
      for (const [index, { stream }] of DEVICES.entries()) {
        buffer.append({ device: stream, bootMs: atMs, values: rows[index] ?? [] });
        counts.set(stream, (counts.get(stream) ?? 0) + 1);
      }
    },
    tick: (atMs) => {
      if (atMs % commitEveryMs === 0) buffer.commit();
      for (const lane of LANES) if (buffer.offer(lane, lane === "normal" ? "if-full" : "now")) upload();
      if (atMs % UPLOAD_EVERY === 0) upload();
      if (atMs % RECEIPT_EVERY === RECEIPT_EVERY / 2) receipt();
    },
    close: () => buffer.close(),
  };
}

const simulatedClock = (now: () => number): Clock => ({
  bootId: "00000000-0000-4000-8000-000000000001",
  bootMs: now,
  wallMs: () => Date.UTC(2026, 4, 2) + now(),
  isWallTrusted: () => true,
});

/** The ordinary table: time, channel, value; sent rows are deleted at each upload. */
function rowsOf(path: string, how: { pragmas: string; perReading: boolean; everyMs: number }): Store {
  const database = databases.open(path);
  database.exec(
    `${how.pragmas} CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER, channel TEXT, value REAL)`,
  );
  const insert = database.prepare("INSERT INTO readings (time, channel, value) VALUES (?, ?, ?)");
  const remove = database.prepare("DELETE FROM readings WHERE time <= ?");
  let staged: (readonly [number, string, number])[] = [];
  const store = (): void => {
    for (const row of staged) insert.run(...row);
    staged = [];
  };
  return {
    take: (rows, atMs) => {
      for (const [device, row] of rows.entries())
        for (const [index, value] of row.entries())
          staged.push([atMs, `${DEVICES[device]?.stream}/channel-${index}`, value]);
    },
    tick: (atMs) => {
      if (how.perReading) store();
      else if (atMs % how.everyMs === 0) database.transaction(store);
      if (atMs % UPLOAD_EVERY === 0) remove.run(atMs);
    },
    close: () => database.close(),
  };
}

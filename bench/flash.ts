/**
 * What a reading costs the flash: bytes that reach the device, with the file system's own, for 20 channels every 10 s
 * and uploads every 15 min. The clock is simulated, the commits are real, on an ext4 of its own over a loop device
 * whose writes the kernel counts; without root from /proc/self/io, which doesn't see the file system's journal.
 *
 *   npm run bench -- flash [--hours 24] [--only NAME] [--real-time SECONDS]
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createSqliteBuffer } from "@pump-station/agent/buffer/sqlite-buffer.ts";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createDatabases } from "@pump-station/agent/linux/sqlite.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import { createLoopMedium, type DeviceWrites, loopMediumMissing } from "@pump-station/agent/testing/loop-medium.ts";
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import type { Lane } from "@pump-station/agent/wire/topics.ts";
import type { Clock, Databases } from "@pump-station/agent/world.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const SAMPLE_EVERY = 10 * SECOND;
const UPLOAD_EVERY = 15 * 60 * SECOND;
const RECEIPT_EVERY = 24 * HOUR;
const LANES: readonly Lane[] = ["urgent", "normal", "late"];
/** A month of the dearest layout, several times over. */
const MEDIUM_BYTES = 400e6;

/** What the peers do is measured for this long at most: a commit for each reading takes its time. */
const PEER_HOURS_MAX = 2;

interface Layout {
  readonly name: string;
  readonly aim?: number;
  readonly hoursMax?: number;
  open(path: string, now: () => number): Store;
}

/** What is measured: told each row of readings and each tick of the simulated clock. */
interface Store {
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

const LAYOUTS: readonly Layout[] = [
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

export async function run(args: readonly string[]): Promise<void> {
  const options = { hours: { type: "string" }, only: { type: "string" }, "real-time": { type: "string" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const hours = Number(values.hours ?? 24);
  const lacking = loopMediumMissing();
  console.log(
    lacking === undefined
      ? "flash bytes per reading: all that reached a loop-mounted ext4 (4 KB blocks, noatime), its journal included"
      : `flash bytes per reading from /proc/self/io (write_bytes): ${lacking}; the file system's journal is NOT in it`,
  );
  console.log(`20 channels every 10 s for ${hours} h of simulated time, uploads every 15 min\n`);
  for (const layout of LAYOUTS) {
    if (values.only !== undefined && !layout.name.includes(values.only)) continue;
    const simulated = Math.min(hours, layout.hoursMax ?? hours) * HOUR;
    const cost = withMedium(lacking, (medium) => simulate(layout, medium, simulated));
    say(layout, cost, simulated);
  }
  if (values["real-time"] !== undefined) await atRealPace(Number(values["real-time"]) * SECOND, lacking);
}

interface Medium {
  readonly folder: string;
  written(): DeviceWrites;
}

interface Cost extends DeviceWrites {
  readonly readings: number;
}

function simulate(layout: Layout, medium: Medium, forMs: number): Cost {
  let nowMs = 0;
  const store = layout.open(join(medium.folder, "readings.db"), () => nowMs);
  const next = readingsFrom(7);
  let readings = 0;
  const before = medium.written();
  while (nowMs < forMs) {
    nowMs += SAMPLE_EVERY;
    store.take(next(), nowMs);
    store.tick(nowMs);
    readings += 20;
  }
  const after = medium.written();
  store.close();
  return {
    readings,
    bytes: after.bytes - before.bytes,
    writes: after.writes - before.writes,
    flushes: after.flushes - before.flushes,
  };
}

function say({ name, aim }: Layout, { bytes, readings, writes, flushes }: Cost, forMs: number): void {
  const days = forMs / (24 * HOUR);
  const aimed = aim === undefined ? "" : `, aim ≤ ${aim}`;
  const perDay = `${(bytes / days / 1e6).toFixed(1)} MB, ${Math.round(writes / days)} writes, ${Math.round(flushes / days)} flushes a day`;
  const shorter = forMs % (24 * HOUR) === 0 ? "" : `, over ${(forMs / HOUR).toFixed(1)} h`;
  console.log(`${name}: ${(bytes / readings).toFixed(0)} bytes per reading${aimed} (${perDay}${shorter})`);
}

/** Slow walks with a little noise: columns like those of weather and pumps. */
function readingsFrom(seed: number): () => number[][] {
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
function ours(path: string, now: () => number, commitEveryMs: number): Store {
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

/**
 * At the pace of a station ext4 writes more than a fast run shows: the log's time of change, by a commit of its journal
 * 5 s after each commit of ours (three blocks), unless it is mounted with a longer `commit=`. What fdatasync has promised
 * is on the medium either way. `lazytime` changes nothing on Linux 6.6 and later: there the time of change takes the
 * inode's version number along, which isn't lazy.
 */
async function atRealPace(forMs: number, lacking: string | undefined): Promise<void> {
  if (lacking !== undefined) return console.log(`\nat a station's own pace: ${lacking}`);
  console.log(`\nours at a station's own pace, for ${forMs / SECOND} s`);
  const mounts = [[], ["commit=300"]];
  await Promise.all([
    ...mounts.map((options) => paced(forMs, options, SAMPLE_EVERY)),
    ...mounts.map((options) => paced(forMs, options, 60 * SECOND)),
  ]);
}

async function paced(forMs: number, options: readonly string[], commitEveryMs: number): Promise<void> {
  const timers = createTimers();
  const medium = createLoopMedium(MEDIUM_BYTES, options);
  try {
    let nowMs = 0;
    const store = ours(join(medium.folder, "readings.db"), () => nowMs, commitEveryMs);
    const next = readingsFrom(7);
    const pass = (): void => {
      nowMs += SAMPLE_EVERY;
      store.take(next(), nowMs);
      store.tick(nowMs);
    };
    while (nowMs < HOUR) pass();
    const before = medium.written();
    let readings = 0;
    for (const end = nowMs + forMs; nowMs < end; readings += 20) {
      pass();
      await timers.sleep(SAMPLE_EVERY);
    }
    const bytes = medium.written().bytes - before.bytes;
    store.close();
    console.log(
      `  a commit every ${commitEveryMs / SECOND} s, mounted with ${options.join() || "ext4's defaults"}: ${(bytes / readings).toFixed(0)} bytes per reading`,
    );
  } finally {
    medium.close();
  }
}

function withMedium<T>(lacking: string | undefined, use: (medium: Medium) => T): T {
  if (lacking === undefined) {
    const medium = createLoopMedium(MEDIUM_BYTES);
    try {
      return use(medium);
    } finally {
      medium.close();
    }
  }
  const folder = mkdtempSync(join(tmpdir(), "pump-station-flash-"));
  try {
    return use({ folder, written: ownWrites });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** proc(5): bytes that this process caused to be sent to the storage layer. */
function ownWrites(): DeviceWrites {
  const bytes = Number(/^write_bytes: (\d+)/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1] ?? Number.NaN);
  return { bytes, writes: Number.NaN, flushes: Number.NaN };
}

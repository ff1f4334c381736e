import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BACKLOG_MESSAGES, LIVE_MESSAGES, MESSAGE_BYTES_TARGET } from "../limits.ts";
import { createDatabases } from "../linux/sqlite.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { averagedSchema } from "../wire/averaged.ts";
import { decodeBatch } from "../wire/batch.ts";
import { decodeLedger } from "../wire/ledger.ts";
import type { LedgerMessage, Range, StreamRanges } from "../wire/messages.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import type { Lane } from "../wire/topics.ts";
import type { Offer, SampleBuffer, WhenFull } from "./buffer.ts";
import { countIn, subtract, union, upTo } from "./ranges.ts";
import { createSqliteBuffer } from "./sqlite-buffer.ts";

/**
 * A third of the real messages, each of a third of the size: to seal and compress one takes ten times as long as to commit
 * the rows in it, and a history has some times as many as it takes to be a backlog.
 */
vi.mock(import("../limits.ts"), async (original) => {
  const smaller = { BACKLOG_MESSAGES: 21, MESSAGE_BYTES_TARGET: 1_167 };
  return { ...(await original()), ...(smaller as object) };
});

const CHANNELS = 4;
const SAMPLES_PER_ROW = 10;
/** Noise in 9 bytes a value: some 350 bytes a row, which hardly compresses, so that few rows are many messages. */

const NOISE: StreamSchema = {
  stream: "noise",
  channels: Array.from({ length: CHANNELS }, (_, at) => ({
    name: `c${at}`,
    kind: "gauge" as const,
    unit: "V",
    resolution: 1,
  })),
};
const SCHEMAS = new Map([NOISE, averagedSchema(NOISE) ?? NOISE].map((schema) => [schemaHash(schema), schema]));
/** Two thirds more than it takes to be a backlog. */
const BACKLOG_ROWS = 200;
/** Histories of each kind; more of them: `BACKLOG_SEEDS=20 npx vitest run agent/buffer/backlog`. */
const SEEDS = Number(process.env["BACKLOG_SEEDS"] ?? 4);

const randomFrom = (seed: number) => () => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};

let folder = "";
let path = "";
let time = createSimulatedTime();
let epochs = 0;
const events: string[] = [];
const databases = createDatabases();

beforeEach(() => {
  folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "backlog-"));
  path = join(folder, "buffer.db");
  time = createSimulatedTime();
  events.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (options: { bytesMax?: number; whenFull?: WhenFull; path?: string } = {}): SampleBuffer => {
  const bytes = (count: number) => {
    const made = new Uint8Array(count);
    new DataView(made.buffer).setUint32(count - 4, ++epochs);
    return made;
  };
  const log = (_: string, event: string) => void events.push(event);
  const deps = { databases, clock: time.clock, chance: { fraction: () => 0.5, bytes }, log };
  const buffer = createSqliteBuffer(deps, { path, body: "deflated", ...options });
  buffer.declare(NOISE);
  return buffer;
};

const random = randomFrom(42);
/** Rows of ten samples, one each minute. */
const pile = async (buffer: SampleBuffer, rows: number): Promise<void> => {
  for (let row = 0; row < rows; row++) {
    for (let sample = 0; sample < SAMPLES_PER_ROW; sample++) {
      const values = Array.from({ length: CHANNELS }, () => Math.round(random() * 2 ** 50));
      buffer.append({ device: "noise", bootMs: time.clock.bootMs() + sample, values });
    }
    buffer.commit();
    await time.advance(60_000);
  }
};

const fail = (): never => {
  throw new Error("nothing was offered");
};

/** Keeps which sequences came, how often, and in which order. */
function createCloud() {
  const arrived = new Map<string, number>();
  const dropped = new Map<string, readonly Range[]>();
  const closed = new Map<string, number>();
  const hear = (message: LedgerMessage): void => {
    if (message.kind === "epoch-closed") for (const { last } of message.counts) closed.set(message.epoch, last);
    if (message.kind !== "dropped") return;
    for (const { epoch, ranges } of message.dropped) dropped.set(epoch, union(dropped.get(epoch) ?? [], ranges));
  };
  const take = (offer: Offer): readonly Range[] => {
    if (offer.kind !== "batch") {
      hear(decodeLedger(offer.payload));
      return [];
    }
    const batch = decodeBatch(offer.payload, (hash) => SCHEMAS.get(hash));
    return batch.blocks.map(({ sequence, rows }) => {
      for (let at = 0; at < rows.length; at++) {
        const key = `${batch.epoch}/${sequence + at}`;
        arrived.set(key, (arrived.get(key) ?? 0) + 1);
      }
      return { first: sequence, last: sequence + rows.length - 1 };
    });
  };
  const of = (epoch: string): readonly Range[] =>
    union(
      [...arrived.keys()]
        .filter((key) => key.startsWith(`${epoch}/`))
        .map((key) => Number(key.slice(epoch.length + 1)))
        .map((sequence) => ({ first: sequence, last: sequence })),
      [],
    );
  const stored = (): StreamRanges[] =>
    [...new Set([...arrived.keys()].map((key) => key.slice(0, 16)))].map((epoch) => ({
      epoch,
      stream: "noise",
      ranges: of(epoch),
    }));
  return { take, of, stored, arrived, dropped, closed, twice: () => [...arrived.values()].filter((n) => n > 1).length };
}

/** Sends what that lane holds, `messages` of it at most; returns what came, in order. */
function drain(buffer: SampleBuffer, cloud: ReturnType<typeof createCloud>, lane: Lane, messages = 1e9): Range[] {
  const came: Range[] = [];
  for (let sent = 0; sent < messages; sent++) {
    const offer = buffer.offer(lane, "now");
    if (!offer) break;
    came.push(...cloud.take(offer));
    buffer.accept(offer);
  }
  return came;
}

describe("what piled up while the cloud was away", () => {
  it("goes late and oldest first, and the newest part of it before that", async () => {
    const buffer = open();
    await pile(buffer, BACKLOG_ROWS);
    const cloud = createCloud();
    const all = BACKLOG_ROWS * SAMPLES_PER_ROW;
    const newest = drain(buffer, cloud, "normal");
    expect(newest.at(-1)?.last).toBe(all);
    expect(newest.length).toBeGreaterThanOrEqual(LIVE_MESSAGES);
    // How much a message holds is a guess until the first one is sealed.
    expect(newest.length).toBeLessThanOrEqual(3 * LIVE_MESSAGES);
    const begin = newest[0]?.first ?? 0;
    const { waiting, backlog, oldestWaitingAt } = buffer.status();
    expect({ waiting, backlog }).toEqual({ waiting: begin - 1, backlog: begin - 1 });
    expect(oldestWaitingAt).toBe(time.clock.wallMs() - BACKLOG_ROWS * 60_000);
    await pile(buffer, 1);
    expect(drain(buffer, cloud, "normal")).toEqual([{ first: all + 1, last: all + SAMPLES_PER_ROW }]);
    const late = drain(buffer, cloud, "late");
    expect(late[0]?.first).toBe(1);
    expect(late).toEqual([...late].sort((one, other) => one.first - other.first));
    expect(cloud.of(buffer.epoch)).toEqual([{ first: 1, last: all + SAMPLES_PER_ROW }]);
    expect(cloud.twice()).toBe(0);
    expect(buffer.status()).toMatchObject({ waiting: 0, backlog: 0, accepted: all + SAMPLES_PER_ROW, waitingHours: 0 });
  });

  it("stays in its lane when it is no more than a drain sends in passing", async () => {
    const buffer = open();
    await pile(buffer, BACKLOG_ROWS / 12);
    const came = drain(buffer, createCloud(), "normal");
    expect(came.length * MESSAGE_BYTES_TARGET).toBeLessThan(BACKLOG_MESSAGES * MESSAGE_BYTES_TARGET);
    expect(came[0]?.first).toBe(1);
    expect(buffer.status()).toMatchObject({ waiting: 0, backlog: 0 });
  });

  it("waits as before when the process is killed, and is sealed in the same bytes", async () => {
    const buffer = open();
    await pile(buffer, BACKLOG_ROWS);
    const cloud = createCloud();
    drain(buffer, cloud, "normal", 3);
    drain(buffer, cloud, "late", 2);
    const sealed = buffer.offer("late", "now");
    const before = buffer.status();
    const after = open();
    expect(after.status()).toMatchObject({ waiting: before.waiting, backlog: before.backlog });
    expect(before.backlog).toBeGreaterThan(0);
    expect(after.offer("late", "now")).toEqual(sealed);
    drain(after, cloud, "normal");
    drain(after, cloud, "late");
    expect(cloud.of(buffer.epoch)).toEqual([{ first: 1, last: BACKLOG_ROWS * SAMPLES_PER_ROW }]);
    expect(cloud.twice()).toBe(0);
    expect(after.status()).toMatchObject({ waiting: 0, backlog: 0, accepted: before.waiting });
  });

  it("is kept when it piles up again before the first has gone", async () => {
    const buffer = open();
    const cloud = createCloud();
    for (let outage = 0; outage < 3; outage++) {
      await pile(buffer, BACKLOG_ROWS);
      drain(buffer, cloud, "normal");
      drain(buffer, cloud, "late", 5);
    }
    const late = drain(buffer, cloud, "late");
    expect(late).toEqual([...late].sort((one, other) => one.first - other.first));
    expect(cloud.of(buffer.epoch)).toEqual([{ first: 1, last: 3 * BACKLOG_ROWS * SAMPLES_PER_ROW }]);
    expect(cloud.twice()).toBe(0);
  });

  it("goes first when the buffer is full, after what the cloud has accepted, and is reported", async () => {
    const buffer = open({ bytesMax: 590_000 });
    const cloud = createCloud();
    await pile(buffer, BACKLOG_ROWS);
    const newest = drain(buffer, cloud, "normal");
    const { backlog } = buffer.status();
    await pile(buffer, BACKLOG_ROWS / 2);
    const { dropped, droppedUnconfirmed, waiting } = buffer.status();
    expect(droppedUnconfirmed).toBe(countIn(union(newest, [])));
    expect(dropped).toBeGreaterThan(0);
    expect(dropped).toBeLessThan(backlog);
    expect(waiting).toBe(backlog + (BACKLOG_ROWS / 2) * SAMPLES_PER_ROW - dropped);
    drain(buffer, cloud, "normal");
    drain(buffer, cloud, "late");
    const told = cloud.dropped.get(buffer.epoch) ?? [];
    expect(told[0]).toEqual({ first: 1, last: dropped });
    const all = 1.5 * BACKLOG_ROWS * SAMPLES_PER_ROW;
    expect(subtract(upTo(all), union(told, cloud.of(buffer.epoch)))).toEqual([]);
    expect(buffer.status()).toMatchObject({ waiting: 0, backlog: 0 });
  });

  it("is thinned out where that is what gives way, and what is sealed of it isn't", async () => {
    const buffer = open({ bytesMax: 610_000, whenFull: "thin-out" });
    const cloud = createCloud();
    await pile(buffer, BACKLOG_ROWS);
    drain(buffer, cloud, "normal");
    const sealed = buffer.offer("late", "now");
    buffer.onLedger({ kind: "receipt", stored: cloud.stored() });
    await pile(buffer, 2 * BACKLOG_ROWS);
    const { dropped, waiting, produced, accepted } = buffer.status();
    expect(dropped).toBeGreaterThan(0);
    expect(produced).toBe(accepted + waiting + dropped);
    expect(buffer.offer("late", "now")).toEqual(sealed);
    drain(buffer, cloud, "normal");
    drain(buffer, cloud, "late");
    const told = cloud.dropped.get(buffer.epoch) ?? [];
    expect(buffer.status().averaged).toBeGreaterThan(300);
    expect(subtract(upTo(produced), union(told, cloud.of(buffer.epoch)))).toEqual([]);
    expect(countIn(told) + countIn(cloud.of(buffer.epoch))).toBe(produced);
    expect(cloud.twice()).toBe(0);
  });

  it("isn't sent twice when the cloud asks for it meanwhile; what it lacks of what was sent goes before", async () => {
    const buffer = open();
    const cloud = createCloud();
    await pile(buffer, BACKLOG_ROWS);
    const newest = drain(buffer, cloud, "normal");
    const all = { first: 1, last: BACKLOG_ROWS * SAMPLES_PER_ROW };
    buffer.onLedger({ kind: "ranges-wanted", wanted: [{ epoch: buffer.epoch, stream: "noise", ranges: [all] }] });
    const { waiting, accepted } = buffer.status();
    const late = drain(buffer, cloud, "late");
    expect(late[0]?.first).toBe(newest[0]?.first);
    expect(cloud.twice()).toBe(countIn(union(newest, [])));
    expect(cloud.of(buffer.epoch)).toEqual([all]);
    expect(buffer.status()).toMatchObject({ waiting: 0, accepted: accepted + waiting });
  });

  it("is reported as dropped where the cloud refuses it", async () => {
    const buffer = open();
    await pile(buffer, BACKLOG_ROWS);
    const cloud = createCloud();
    drain(buffer, cloud, "normal");
    const { waiting } = buffer.status();
    const offer = buffer.offer("late", "now");
    if (!offer) return fail();
    buffer.refuse(offer, "413 too large");
    expect(buffer.status()).toMatchObject({ dropped: offer.samples, waiting: waiting - offer.samples });
    drain(buffer, cloud, "late");
    drain(buffer, cloud, "normal");
    expect(cloud.dropped.get(buffer.epoch)).toEqual([{ first: 1, last: offer.samples }]);
    expect(buffer.status()).toMatchObject({ waiting: 0, backlog: 0 });
  });

  it("of an older release's file, which has no column for it, is booked all the same", async () => {
    const buffer = open();
    await pile(buffer, BACKLOG_ROWS);
    buffer.close();
    const file = databases.open(path);
    file.exec("ALTER TABLE sealed DROP COLUMN backlog; ALTER TABLE wanted DROP COLUMN backlog;");
    file.close();
    const after = open();
    const cloud = createCloud();
    drain(after, cloud, "normal");
    expect(after.status().backlog).toBeGreaterThan(0);
    drain(after, cloud, "late");
    expect(cloud.of(buffer.epoch)).toEqual([{ first: 1, last: BACKLOG_ROWS * SAMPLES_PER_ROW }]);
    expect(cloud.twice()).toBe(0);
  });

  it("is carried over from a damaged file, with what was sealed before it and of it and not accepted", async () => {
    const buffer = open();
    const cloud = createCloud();
    await pile(buffer, 10);
    drain(buffer, cloud, "normal", 1);
    const before = buffer.offer("normal", "now");
    expect(before?.kind).toBe("batch");
    await pile(buffer, BACKLOG_ROWS);
    expect(buffer.offer("normal", "now")).toEqual(before);
    drain(buffer, cloud, "late", 3);
    buffer.offer("late", "now");
    expect(buffer.status().backlog).toBeGreaterThan(0);
    buffer.close();
    const file = databases.open(path);
    file.prepare("UPDATE rows SET body = zeroblob(length(body)) WHERE id = 2").run();
    file.close();
    const after = open();
    for (const lane of ["normal", "normal", "late"] as const) drain(after, cloud, lane);
    expect(events).toContain("buffer-rescued");
    const lost = { first: SAMPLES_PER_ROW + 1, last: 2 * SAMPLES_PER_ROW };
    expect(cloud.dropped.get(buffer.epoch)).toEqual([lost]);
    expect(cloud.of(buffer.epoch)).toEqual(subtract(upTo((10 + BACKLOG_ROWS) * SAMPLES_PER_ROW), [lost]));
    expect(cloud.twice()).toBe(0);
    expect(after.status()).toMatchObject({ waiting: 0, backlog: 0 });
  });

  it("of a damaged file arrives, is asked for, or is reported, up to the last sample that was promised", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const chance = randomFrom(seed * 7919);
      path = join(folder, `${seed}.db`);
      const buffer = open();
      const cloud = createCloud();
      await pile(buffer, BACKLOG_ROWS);
      drain(buffer, cloud, "normal");
      drain(buffer, cloud, "late", 2);
      buffer.close();
      const bytes = readFileSync(path);
      for (let flips = 0; flips < 3; flips++) {
        const at = Math.floor(chance() * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(chance() * 8));
      }
      writeFileSync(path, bytes);
      const after = open();
      for (let round = 0; round < 3; round++) {
        for (const lane of ["normal", "late"] as const) drain(after, cloud, lane);
        const lacks = subtract(upTo(cloud.closed.get(buffer.epoch) ?? 0), cloud.of(buffer.epoch));
        const wanted = [{ epoch: buffer.epoch, stream: "noise", ranges: lacks }];
        after.onLedger({ kind: "ranges-wanted", wanted });
      }
      const settled = union(cloud.of(buffer.epoch), cloud.dropped.get(buffer.epoch) ?? []);
      expect(subtract(upTo(cloud.closed.get(buffer.epoch) ?? 0), settled), `seed ${seed}`).toEqual([]);
      after.close();
    }
  });

  it.each(
    Array.from({ length: SEEDS }, (_, seed) => seed + 1),
  )("produced = accepted + dropped + waiting, however often the process is killed (seed %i)", async (seed) => {
    const chance = randomFrom(seed * 104_729);
    const options = { bytesMax: 565_000, whenFull: seed % 2 ? "oldest-first" : "thin-out" } as const;
    let buffer = open(options);
    let carried = 0;
    let peak = 0;
    const cloud = createCloud();
    // Some histories have no outage that is long enough: each begins with one.
    await pile(buffer, BACKLOG_ROWS);
    cloud.take(buffer.offer("normal", "now") ?? fail());
    for (let step = 0; step < 40; step++) {
      const action = chance();
      if (action < 0.12) await pile(buffer, Math.floor(chance() * 1.5 * BACKLOG_ROWS));
      else if (action < 0.2) await pile(buffer, 1);
      else if (action < 0.25) buffer.onLedger({ kind: "receipt", stored: cloud.stored() });
      else if (action < 0.3) {
        const wanted = buffer.pending().map((entry) => ({ ...entry, ranges: entry.ranges.slice(0, 2) }));
        buffer.onLedger({ kind: "ranges-wanted", wanted });
      } else {
        const lane = chance() < 0.5 ? "normal" : "late";
        for (let sent = Math.floor(chance() * 30); sent >= 0; sent--) {
          const offer = buffer.offer(lane, chance() < 0.7 ? "now" : "if-full");
          if (!offer) break;
          const fate = chance();
          if (fate < 0.95) cloud.take(offer);
          if (fate < 0.85) buffer.accept(offer);
          else if (fate > 0.98 && offer.kind === "batch") buffer.refuse(offer, "no");
        }
      }
      const { produced, accepted, dropped, waiting, backlog } = buffer.status();
      peak = Math.max(peak, backlog);
      expect(produced + carried, `step ${step}`).toBe(accepted + dropped + waiting);
      buffer.close();
      buffer = open(options);
      carried = buffer.status().waiting;
      expect(buffer.status(), `step ${step}`).toMatchObject({ waiting, backlog });
    }
    for (const lane of ["normal", "late", "normal"] as const) drain(buffer, cloud, lane);
    const last = open(options);
    for (const lane of ["normal", "late", "normal"] as const) drain(last, cloud, lane);
    for (const [epoch, count] of cloud.closed) {
      const settled = union(cloud.of(epoch), cloud.dropped.get(epoch) ?? []);
      expect(subtract(upTo(count), settled), epoch).toEqual([]);
    }
    expect(cloud.closed.size).toBeGreaterThan(0);
    expect(peak).toBeGreaterThan(0);
    expect(last.status()).toMatchObject({ waiting: 0, backlog: 0 });
  });
});

/** The buffer on real media that fail: a file system of its own over a loop device. Needs root, else it says so. */
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createDatabases } from "../linux/sqlite.ts";
import { createLoopMedium, type LoopMedium, loopMediumMissing } from "../testing/loop-medium.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { decodeBatch } from "../wire/batch.ts";
import { decodeLedger } from "../wire/ledger.ts";
import type { Range } from "../wire/messages.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import type { SampleBuffer } from "./buffer.ts";
import { countIn, subtract, union, upTo } from "./ranges.ts";
import { createSqliteBuffer } from "./sqlite-buffer.ts";

const lacking = loopMediumMissing();
const MB = 1_000_000;
const PUMP: StreamSchema = {
  stream: "pump",
  channels: Array.from({ length: 20 }, (_, index) => ({
    name: `c${index}`,
    kind: "gauge",
    unit: "V",
    resolution: 0.01,
  })),
};

const media: LoopMedium[] = [];
const buffers: SampleBuffer[] = [];
const made = (bytes: number): LoopMedium => {
  const medium = createLoopMedium(bytes);
  media.push(medium);
  return medium;
};
afterEach(() => {
  for (const buffer of buffers.splice(0)) {
    try {
      buffer.close();
    } catch {
      // A buffer on a medium that was broken on purpose may not close.
    }
  }
  for (const medium of media.splice(0)) medium.close();
});

const time = createSimulatedTime();
const events: string[] = [];
let epochs = 0;

function open(folder: string, bytesMax = 128 * MB): SampleBuffer {
  events.length = 0;
  const buffer = createSqliteBuffer(
    {
      databases: createDatabases(),
      clock: time.clock,
      chance: { fraction: () => 0.5, bytes: (count) => new Uint8Array(count).fill(++epochs) },
      log: (_, event) => void events.push(event),
    },
    { path: join(folder, "readings.db"), bytesMax },
  );
  buffers.push(buffer);
  buffer.declare(PUMP);
  return buffer;
}

/** One row each; `value` is in every channel. */
async function fill(buffer: SampleBuffer, count: number): Promise<void> {
  for (let row = 0; row < count; row++) {
    await time.advance(1_000);
    const values = PUMP.channels.map((_, index) => Math.round(time.clock.bootMs() * 7.3 * (index + 1)) / 100);
    buffer.append({ device: "pump", bootMs: time.clock.bootMs(), values });
    buffer.commit();
  }
}

/** All that can be had of it, checked against what was read. */
function drain(buffer: SampleBuffer) {
  const [stored, dropped] = [new Map<string, readonly Range[]>(), new Map<string, readonly Range[]>()];
  const closed = new Map<string, number>();
  const add = (to: Map<string, readonly Range[]>, epoch: string, ranges: readonly Range[]) =>
    to.set(epoch, union(to.get(epoch) ?? [], ranges));
  for (let offer = buffer.offer("normal", "now"); offer; offer = buffer.offer("normal", "now")) {
    if (offer.kind === "batch") {
      const { epoch, blocks } = decodeBatch(offer.payload, (hash) => (hash === schemaHash(PUMP) ? PUMP : undefined));
      for (const { sequence, rows, times } of blocks) {
        add(stored, epoch, [{ first: sequence, last: sequence + rows.length - 1 }]);
        const bootMs = (times[0] ?? 0) - (time.clock.wallMs() - time.clock.bootMs());
        expect(rows[0]?.[0]).toBe(Math.round(bootMs * 7.3) / 100);
      }
    } else {
      const message = decodeLedger(offer.payload);
      if (message.kind === "dropped") for (const { epoch, ranges } of message.dropped) add(dropped, epoch, ranges);
      if (message.kind === "epoch-closed") closed.set(message.epoch, message.counts[0]?.last ?? 0);
    }
    buffer.accept(offer);
  }
  const count = (of: Map<string, readonly Range[]>) =>
    [...of.values()].reduce((sum, ranges) => sum + countIn(ranges), 0);
  return { stored, dropped, closed, storedCount: count(stored), droppedCount: count(dropped) };
}

describe.skipIf(lacking !== undefined)(`a real medium${lacking === undefined ? "" : ` (skipped: ${lacking})`}`, () => {
  it("whose disk fills up before the budget is spent goes on as a ring in what it has", async () => {
    const medium = made(12 * MB);
    const buffer = open(medium.folder);
    await fill(buffer, 300);
    drain(buffer);
    occupy(medium.folder);
    await fill(buffer, 2_500);
    const { produced, accepted, dropped, waiting, medium: health } = buffer.status();
    expect(events).toContain("buffer-disk-full");
    expect(health.state).toBe("good");
    expect(produced).toBe(2_800);
    expect(produced).toBe(accepted + dropped + waiting);
    expect(dropped).toBeGreaterThan(1_000);
    expect(waiting).toBeGreaterThan(200);
    const sent = drain(buffer);
    expect(sent.storedCount).toBe(waiting);
    const dropsOfAccepted = buffer.status().droppedUnconfirmed;
    expect(sent.droppedCount).toBe(dropped + dropsOfAccepted);
  });

  it("whose disk is full from the beginning keeps samples in memory, and stores them when there is room", async () => {
    const medium = made(12 * MB);
    occupy(medium.folder);
    const buffer = open(medium.folder);
    await fill(buffer, 50);
    expect(buffer.status()).toMatchObject({ produced: 50, dropped: 0 });
    rmSync(join(medium.folder, "occupied"));
    await time.advance(120_000);
    await fill(buffer, 1);
    expect(buffer.status()).toMatchObject({ produced: 51, waiting: 51, medium: { state: "good", inRam: 0 } });
    expect(drain(buffer).storedCount).toBe(51);
  });

  it("that can only be read any more keeps samples in memory, numbered anew when it is mended", async () => {
    const medium = made(12 * MB);
    const buffer = open(medium.folder);
    await fill(buffer, 40);
    const first = buffer.epoch;
    medium.breakDown();
    await fill(buffer, 30);
    expect(buffer.epoch).not.toBe(first);
    expect(buffer.status()).toMatchObject({ produced: 70, dropped: 0, medium: { state: "failing" } });
    expect(buffer.offer("normal", "now")).toBeUndefined();
    medium.mend();
    await time.advance(120_000);
    await fill(buffer, 1);
    expect(buffer.status().medium).toMatchObject({ state: "good", inRam: 0 });
    const sent = drain(buffer);
    expect(sent.closed.get(first)).toBe(40);
    expect(sent.stored.get(first)).toEqual([{ first: 1, last: 40 }]);
    expect(sent.stored.get(buffer.epoch)).toEqual([{ first: 1, last: 31 }]);
  });

  it("that fails for longer than memory holds reports what gave way", async () => {
    const medium = made(12 * MB);
    const buffer = open(medium.folder, 1 * MB);
    medium.breakDown();
    await fill(buffer, 2_600);
    medium.mend();
    await time.advance(120_000);
    await fill(buffer, 1);
    const { produced, waiting, dropped } = buffer.status();
    expect(produced).toBe(2_601);
    expect(dropped).toBeGreaterThan(0);
    expect(waiting + dropped).toBe(2_601);
    const sent = drain(buffer);
    const of = (from: Map<string, readonly Range[]>) => from.get(buffer.epoch) ?? [];
    expect(subtract(upTo(2_601), union(of(sent.stored), of(sent.dropped)))).toEqual([]);
  });

  it.each([
    ["its pages overwritten", (path: string) => overwrite(path, 5)],
    ["its end cut off", (path: string) => truncateSync(path, 20_000)],
    ["nothing in it", (path: string) => truncateSync(path, 0)],
    ["its index of the log lost", (path: string) => rmSync(`${path}-shm`, { force: true })],
    ["its log damaged", (path: string) => overwrite(`${path}-wal`, 5)],
    ["its log lost", (path: string) => rmSync(`${path}-wal`, { force: true })],
  ])("after a power cut, with %s, never gives a wrong value and goes on", async (_, damage) => {
    const medium = made(12 * MB);
    const before = open(medium.folder);
    await fill(before, 700);
    const path = join(medium.folder, "readings.db");
    const left = readdirSync(medium.folder).filter((name) => name.startsWith("readings.db"));
    const copies = left.map((name) => [name, readFileSync(join(medium.folder, name))] as const);
    before.close();
    for (const [name, bytes] of copies) writeFileSync(join(medium.folder, name), bytes);
    damage(path);
    const buffer = open(medium.folder);
    await fill(buffer, 10);
    const sent = drain(buffer);
    // `drain` has looked at each value; of this process nothing is missing, of the former all that was known of is told.
    expect(sent.stored.get(buffer.epoch)).toEqual([{ first: 1, last: 10 }]);
    const told = union(sent.stored.get(before.epoch) ?? [], sent.dropped.get(before.epoch) ?? []);
    expect(subtract(upTo(sent.closed.get(before.epoch) ?? 0), told)).toEqual([]);
  });
});

/** Somebody else fills the disk to the last block. */
function occupy(folder: string): void {
  const path = join(folder, "occupied");
  for (const bytes of [MB, 4_096, 1]) {
    for (;;) {
      try {
        writeFileSync(path, Buffer.alloc(bytes), { flag: "a" });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        break;
      }
    }
  }
}

/** Some bytes in every page from the second on. */
function overwrite(path: string, seed: number): void {
  const bytes = readFileSync(path);
  for (let page = 1_024; page < bytes.length; page += 4_096) {
    seed = (seed * 48_271) % 2_147_483_647;
    bytes[page + (seed % 1_000)] = seed % 256;
  }
  writeFileSync(path, bytes);
}

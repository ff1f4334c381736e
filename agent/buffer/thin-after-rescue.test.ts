import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDatabases } from "../linux/sqlite.ts";
import { type ChannelValue, missing } from "../reading.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { averagedSchema, isAveraged } from "../wire/averaged.ts";
import { decodeBatch } from "../wire/batch.ts";
import { decodeLedger } from "../wire/ledger.ts";
import type { Range } from "../wire/messages.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import type { Offer, SampleBuffer } from "./buffer.ts";
import { countIn, subtract, union, upTo } from "./ranges.ts";
import { createSqliteBuffer } from "./sqlite-buffer.ts";

const NOISE = 12;
const RAW: StreamSchema = {
  stream: "noise",
  channels: ["held", ...Array.from({ length: NOISE }, (_, at) => `c${at}`)].map((name) => ({
    name,
    kind: "gauge" as const,
    unit: "V",
    resolution: 0.01,
  })),
};
const SCHEMAS = new Map([RAW, averagedSchema(RAW) ?? RAW].map((one) => [schemaHash(one), one]));
const PER_ROW = 10;
const EVERY_MS = 10_000;
const databases = createDatabases();

let folder = "";
let path = "";
let opened = 0;
const events: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "thin-rescue-"));
  path = join(folder, "buffer.db");
  events.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(): SampleBuffer {
  const deps = {
    databases,
    clock: { ...createSimulatedTime().clock, isWallTrusted: () => false },
    chance: { fraction: () => 0.5, bytes: (count: number) => new Uint8Array(count).fill(++opened) },
    log: (_: string, event: string) => void events.push(event),
  };
  const buffer = createSqliteBuffer(deps, { path, bytesMax: 600 * 1_024, whenFull: "thin-out", body: "deflated" });
  buffer.declare(RAW);
  return buffer;
}

/** The first value says something in each hundredth sample only; the others, that it holds. */
function createStation() {
  let [sample, seed] = [0, 1];
  const noise = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return Math.round((seed / 2_147_483_647) * 100_000) / 100;
  };
  return (buffer: SampleBuffer, rows: number): void => {
    for (let row = 0; row < rows; row++) {
      for (let at = 0; at < PER_ROW; at++, sample++) {
        const held = sample % 100 === 0 ? sample / 100 : missing("unchanged");
        const values = [held, ...Array.from({ length: NOISE }, noise)];
        buffer.append({ device: RAW.stream, bootMs: sample * EVERY_MS, values });
      }
      buffer.commit();
    }
  };
}

/** What the bridge does: it keeps the first that comes of a sequence, and takes another value for damage. */
function createCloud() {
  const stored = new Map<string, string>();
  const dropped = new Map<string, readonly Range[]>();
  const collisions: string[] = [];
  let averages = 0;
  const block = (epoch: string, sequence: number, rows: readonly (readonly ChannelValue[])[]): void => {
    for (const [at, row] of rows.entries()) {
      const key = `${epoch}/${sequence + at}`;
      const said = JSON.stringify(row);
      if ((stored.get(key) ?? said) !== said) collisions.push(key);
      stored.set(key, stored.get(key) ?? said);
    }
  };
  return {
    collisions,
    dropped,
    averages: () => averages,
    of: (epoch: string): readonly Range[] =>
      [...stored.keys()]
        .filter((key) => key.startsWith(`${epoch}/`))
        .map((key) => Number(key.slice(epoch.length + 1)))
        .reduce<readonly Range[]>((ranges, one) => union(ranges, [{ first: one, last: one }]), []),
    take: ({ kind, payload }: Offer): void => {
      if (kind === "batch") {
        const batch = decodeBatch(payload, (hash) => SCHEMAS.get(hash));
        for (const { sequence, rows, schemaHash: hash } of batch.blocks) {
          if (isAveraged(SCHEMAS.get(hash) ?? RAW)) averages += rows.length;
          block(batch.epoch, sequence, rows);
        }
        return;
      }
      const message = decodeLedger(payload);
      if (message.kind !== "dropped") return;
      for (const { epoch, ranges } of message.dropped) dropped.set(epoch, union(dropped.get(epoch) ?? [], ranges));
    },
  };
}

function drain(buffer: SampleBuffer, cloud: ReturnType<typeof createCloud>): void {
  for (;;) {
    const offer = buffer.offer("normal", "now") ?? buffer.offer("late", "now");
    if (!offer) return;
    cloud.take(offer);
    buffer.accept(offer);
  }
}

/** The last answer stays away. */
function sendAll(buffer: SampleBuffer, cloud: ReturnType<typeof createCloud>): void {
  for (;;) {
    const offer = buffer.offer("normal", "now");
    if (!offer) throw new Error("nothing is under way");
    cloud.take(offer);
    if (buffer.status().waiting === offer.samples) return;
    buffer.accept(offer);
  }
}

function damage(sql: string): void {
  const file = databases.open(path);
  file.exec(sql);
  file.close();
}

describe("averages made after a damaged file was rescued", () => {
  it.each([
    ["a row of a message that wasn't acknowledged", "UPDATE rows SET body = zeroblob(length(body)) WHERE id = ROW"],
    [
      "a row, and the table of messages",
      "UPDATE rows SET body = zeroblob(9) WHERE id = ROW; UPDATE sealed SET first_row = 'x' WHERE body IS NULL",
    ],
    [
      "a row, and how far the file had been sent",
      "UPDATE rows SET body = zeroblob(9) WHERE id = ROW; UPDATE cursors SET sealed_to = 'x'",
    ],
  ])("don't take sequences that the cloud may have: %s is damaged", (_, sql) => {
    const fill = createStation();
    const cloud = createCloud();
    const before = open();
    fill(before, 40);
    sendAll(before, cloud);
    const { epoch } = before;
    before.close();
    damage(sql.replaceAll("ROW", "(SELECT first_row + 1 FROM sealed WHERE body IS NULL)"));
    const after = open();
    after.offer("normal", "now");
    expect(events).toContain("buffer-rescued");
    fill(after, 300);
    expect(after.status().averaged).toBeGreaterThan(300);
    drain(after, cloud);
    expect(cloud.averages()).toBeGreaterThan(5);
    expect(cloud.collisions).toEqual([]);
    const settled = union(cloud.of(epoch), cloud.dropped.get(epoch) ?? []);
    expect(subtract(upTo(40 * PER_ROW), settled)).toEqual([]);
    expect(countIn(settled)).toBe(40 * PER_ROW);
    after.close();
  });
});

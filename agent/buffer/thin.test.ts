import { describe, expect, it } from "vitest";
import { createDatabases } from "../linux/sqlite.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { decodeBatch } from "../wire/batch.ts";
import { decodeLedger } from "../wire/ledger.ts";
import type { Range } from "../wire/messages.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import type { SampleBuffer } from "./buffer.ts";
import { countIn, subtract, union, upTo } from "./ranges.ts";
import { createSqliteBuffer } from "./sqlite-buffer.ts";

const schema = (stream: string): StreamSchema => ({
  stream,
  channels: [{ name: "c", kind: "gauge", unit: "V", resolution: 0.01 }],
});
const SCHEMAS = new Map(["fast", "slow"].map((stream) => [schemaHash(schema(stream)), schema(stream)]));

const open = (): SampleBuffer => {
  const buffer = createSqliteBuffer(
    {
      databases: createDatabases(),
      clock: createSimulatedTime().clock,
      chance: { fraction: () => 0.5, bytes: (count) => new Uint8Array(count).fill(7) },
      log: () => {},
    },
    { path: ":memory:", bytesMax: 1e6, whenFull: "thin-out" },
  );
  for (const declared of SCHEMAS.values()) buffer.declare(declared);
  return buffer;
};

/** A row each 10 s with a sample of "fast", in every sixth row one of "slow" as well. */
function fill(buffer: SampleBuffer, from: number, to: number, samplesPerRow = 1): void {
  for (let row = from; row <= to; row++) {
    for (let sample = 0; sample < samplesPerRow; sample++)
      buffer.append({ device: "fast", bootMs: row * 10_000 + sample, values: [row / 100] });
    if (row % 6 === 0) buffer.append({ device: "slow", bootMs: row * 10_000, values: [row] });
    buffer.commit();
  }
}

/** Sends `messages` of them; what arrives, and what is told to have been dropped, by stream. */
function drain(buffer: SampleBuffer, messages = Number.POSITIVE_INFINITY) {
  const [stored, dropped] = [new Map<string, Range[]>(), new Map<string, Range[]>()];
  const add = (to: Map<string, Range[]>, stream: string, ranges: readonly Range[]) =>
    to.set(stream, [...(to.get(stream) ?? []), ...ranges]);
  for (let sent = 0; sent < messages; sent++) {
    const offer = buffer.offer("normal", "now");
    if (!offer) break;
    if (offer.kind === "batch") {
      for (const { stream, sequence, rows } of decodeBatch(offer.payload, (hash) => SCHEMAS.get(hash)).blocks)
        add(stored, stream, [{ first: sequence, last: sequence + rows.length - 1 }]);
    } else {
      const message = decodeLedger(offer.payload);
      if (message.kind === "dropped") for (const { stream, ranges } of message.dropped) add(dropped, stream, ranges);
    }
    buffer.accept(offer);
  }
  const of = (from: Map<string, Range[]>, stream: string) => union(from.get(stream) ?? [], []);
  return { stored: (stream: string) => of(stored, stream), dropped: (stream: string) => of(dropped, stream) };
}

describe("thinning out", () => {
  it("keeps some of all the time that the cloud was away, and the newest as it was", () => {
    const buffer = open();
    fill(buffer, 1, 18_000);
    const { produced, dropped, waiting } = buffer.status();
    expect(dropped).toBeGreaterThan(5_000);
    expect(produced).toBe(dropped + waiting);
    const sent = drain(buffer);
    for (const [stream, last] of [
      ["fast", 18_000],
      ["slow", 3_000],
    ] as const) {
      const kept = sent.stored(stream);
      expect(subtract(upTo(last), union(kept, sent.dropped(stream)))).toEqual([]);
      expect(countIn(kept) + countIn(sent.dropped(stream))).toBe(last);
      // From the first tenth on, no gap is longer than the coarsest step.
      const gaps = kept.slice(1).map(({ first }, index) => first - (kept[index]?.last ?? 0));
      expect(Math.max(...gaps)).toBeLessThanOrEqual(216 * 2);
      expect(kept[0]?.first).toBeLessThan(last / 10);
    }
    expect(sent.stored("fast").at(-1)?.last).toBe(18_000);
    expect(countIn([sent.stored("fast").at(-1) ?? { first: 0, last: -1 }])).toBeGreaterThan(500);
  });

  it("counts for rows of many samples as for rows of one", () => {
    const buffer = open();
    fill(buffer, 1, 8_000, 6);
    const { produced, dropped, waiting } = buffer.status();
    expect(produced).toBe(dropped + waiting);
    const kept = drain(buffer).stored("fast");
    expect(kept[0]?.first).toBeLessThan(4_800);
    expect(kept.length).toBeGreaterThan(50);
  });

  it("adds up also when the cloud comes and goes while the buffer is full", () => {
    const buffer = open();
    const arrived = { stored: [] as Range[], dropped: [] as Range[] };
    for (let part = 0; part < 16; part++) {
      fill(buffer, part * 1_000 + 1, (part + 1) * 1_000);
      const { produced, accepted, dropped, waiting } = buffer.status();
      expect(produced).toBe(accepted + dropped + waiting);
      const sent = drain(buffer, part % 5);
      arrived.stored.push(...sent.stored("fast"));
      arrived.dropped.push(...sent.dropped("fast"));
    }
    const rest = drain(buffer);
    const stored = union(arrived.stored, rest.stored("fast"));
    const dropped = union(arrived.dropped, rest.dropped("fast"));
    expect(countIn(dropped)).toBeGreaterThan(1_000);
    expect(subtract(upTo(16_000), union(stored, dropped))).toEqual([]);
  });
});

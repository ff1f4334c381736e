import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChannelValue } from "../reading.ts";
import { type BodyForm, decodeBatch, encodeBatch, TRENDS_VERSION, WireError } from "./batch.ts";
import { openEnvelope, sealEnvelope } from "./envelope.ts";
import { LONGER } from "./expected-lengths.ts";
import type { Batch } from "./messages.ts";
import { type StreamSchema, schemaHash } from "./schema.ts";
import { fuzzTight } from "./testing/fuzz-tight.ts";

const EPOCH = "0123456789abcdef";
const schemaWith = (channels: number): StreamSchema => ({
  stream: "any",
  channels: Array.from({ length: channels }, (_, at) => ({ name: `c${at}`, kind: "gauge", unit: "", resolution: 1 })),
});
const batchOf = (rows: ChannelValue[][], times = rows.map((_, at) => 5_000 + at * 1_000)): Batch => ({
  epoch: EPOCH,
  basis: { kind: "wall" },
  blocks: [{ stream: "any", schemaHash: schemaHash(schemaWith(rows[0]?.length ?? 0)), sequence: 1, times, rows }],
});
const roundTrip = (batch: Batch): { bytes: number; back: Batch } => {
  const schema = schemaWith(batch.blocks[0]?.rows[0]?.length ?? 0);
  const bytes = encodeBatch(batch, () => schema, "trends");
  return { bytes: bytes.length, back: decodeBatch(bytes, () => schema) };
};
const columnBytes = (column: readonly number[]): number => {
  const { bytes, back } = roundTrip(batchOf(column.map((value) => [value])));
  expect(back.blocks[0]?.rows.map(([value]) => value)).toEqual(column);
  return bytes - roundTrip(batchOf([[0]])).bytes;
};
const randomFrom = (seed: number) => () => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};

const EXTREMES = [7, 8, 15, 16, 23, 24, 28, 29, 30, 31, 32, 33, 40, 52, 53].flatMap((bits) => [
  2 ** bits - 1,
  -(2 ** bits - 1),
  ...(bits < 53 ? [2 ** bits, -(2 ** bits), 2 ** bits + 1] : []),
]);

describe("a tight body", () => {
  it("gives every whole number back, whatever stands beside it", () => {
    const number = fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: -40, max: 40 }) },
      { weight: 2, arbitrary: fc.constantFrom(...EXTREMES) },
      { weight: 1, arbitrary: fc.maxSafeInteger() },
    );
    fc.assert(
      fc.property(
        fc.array(number, { minLength: 1, maxLength: 60 }),
        fc.array(fc.nat(3), { maxLength: 40 }),
        (one, two) => {
          columnBytes(one);
          columnBytes(two.length > 0 ? two.map((at) => one[at] ?? 0) : [0]);
        },
      ),
      { numRuns: 1_500 },
    );
  });

  it("gives columns of steps and grids back, of any width", () => {
    const grid = fc.record({
      low: fc.maxSafeInteger(),
      step: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 2 ** 45 })),
      at: fc.array(fc.nat(20), { minLength: 2, maxLength: 150 }),
    });
    fc.assert(
      fc.property(grid, ({ low, step, at }) => {
        const column = at.map((index) => low + index * step).filter(Number.isSafeInteger);
        if (column.length > 0) columnBytes(column);
      }),
      { numRuns: 1_500 },
    );
  });

  it("gives times of any jitter and cells of any gaps back, also of 250 channels", () => {
    const rows = Array.from({ length: 30 }, (_, at) =>
      Array.from(
        { length: 250 },
        (_, channel): ChannelValue =>
          (at * channel) % 7 === 3 ? { missing: "refused", code: (at + channel) % 256 } : at * channel,
      ),
    );
    const times = rows.map((_, at) => (at * 7_919) % 100_003);
    const batch = batchOf(rows, times);
    expect(roundTrip(batch).back).toEqual(batch);
  });

  it("learns what a column does: still ones, counters, flags, drifts and steps cost next to nothing", () => {
    const column = (from: (at: number) => number) => columnBytes(Array.from({ length: 360 }, (_, at) => from(at)));
    expect(column(() => 812)).toBeLessThan(8);
    expect(column((at) => 20_000 + 3 * at)).toBeLessThan(14);
    expect(column((at) => (at % 120 < 60 ? 0 : 1))).toBeLessThan(16);
    expect(column((at) => 5_000 + Math.floor(at / 50))).toBeLessThan(24);
    expect(column((at) => 100_000 + 250 * (at % 2))).toBeLessThan(50);
    expect(column((at) => [10_000, 11_000, 9_000][at % 3] ?? 0)).toBeLessThan(24);
    expect(column((at) => (at === 180 ? 2 ** 50 : 7))).toBeLessThan(40);
  });

  it("follows what rises or falls under noise, which it didn't before it knew trends", () => {
    const random = randomFrom(4);
    const noisy = (course: (at: number) => number) =>
      Array.from({ length: 360 }, (_, at) => [Math.round(course(at) + 8 * random())]);
    const lengthOf = (rows: number[][], form: BodyForm) => encodeBatch(batchOf(rows), () => schemaWith(1), form).length;
    for (const course of [
      (at: number) => 7.3 * at,
      (at: number) => 900 * Math.sin(at / 90),
      (at: number) => 5_000 - 23 * at,
    ]) {
      const rows = noisy(course);
      expect(lengthOf(rows, "trends")).toBeLessThan(0.9 * lengthOf(rows, "tight"));
    }
  });

  it("takes hardly more than the noise has: 8 bits of it cost 8.4 bits a value at most", () => {
    const random = randomFrom(11);
    expect(columnBytes(Array.from({ length: 2_000 }, () => Math.floor(random() * 256)))).toBeLessThan(
      (2_000 * 8.4) / 8,
    );
  });

  it("cut, lengthened or flipped anywhere is refused by the check", () => {
    const schema = schemaWith(2);
    const random = randomFrom(5);
    const rows = Array.from({ length: 40 }, () => [Math.floor(random() * 90), Math.floor(random() * 9)]);
    const bytes = encodeBatch(batchOf(rows), () => schema, "trends");
    const isRefused = (changed: Uint8Array) => expect(() => decodeBatch(changed, () => schema)).toThrow(WireError);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      isRefused(flipped);
    }
    for (let length = 0; length < bytes.length; length++) isRefused(bytes.subarray(0, length));
    isRefused(Uint8Array.from([...bytes, 0]));
  });

  it("that says it holds more values than a batch may is refused before anything is decoded", () => {
    const schema = schemaWith(200);
    const [epoch, basis, t0, blocks] = openEnvelope(
      encodeBatch(batchOf([Array.from({ length: 200 }, () => 1)]), () => schema, "trends"),
      4_096,
      [TRENDS_VERSION],
    ) as [Uint8Array, number, number, (string | number | Uint8Array)[][]];
    const block = [...(blocks[0] ?? [])];
    block[4] = 20_000;
    const bytes = sealEnvelope([epoch, basis, t0, [block]], TRENDS_VERSION);
    expect(() => decodeBatch(bytes, () => schema)).toThrow("4000000 values");
  });

  it("mutated under a valid check becomes values or a WireError, nothing else", () => {
    const { taken, refused } = fuzzTight({ runs: 3_000, seed: 1 });
    expect(taken + refused).toBe(3_000);
    expect(taken).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  });

  it("is described with the table that it uses", () => {
    const page = readFileSync(new URL("../../docs/wire-format.md", import.meta.url), "utf8");
    const table = page.slice(page.indexOf("LONGER, three rows of 49:"), page.indexOf("### Predictors"));
    expect([...table.slice(table.indexOf("\n")).matchAll(/\d+/g)].map(([number]) => Number(number))).toEqual(
      LONGER.flat(),
    );
  });
});

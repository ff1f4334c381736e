import { readdirSync, readFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChannelValue, MISSING_REASONS, type MissingReason } from "../reading.ts";
import { type BodyForm, batchHeads, decodeBatch, encodeBatch, WireError } from "./batch.ts";
import { crc32c } from "./crc32c.ts";
import { sealEnvelope } from "./envelope.ts";
import type { Batch } from "./messages.ts";
import { createScale } from "./scale.ts";
import { type StreamSchema, schemaHash } from "./schema.ts";

const PUMP: StreamSchema = {
  stream: "pump",
  channels: [
    {
      name: "state",
      kind: "state",
      unit: "",
      resolution: 1,
      states: [
        [0, "idle"],
        [1, "pumping"],
      ],
    },
    { name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 },
    { name: "current", kind: "gauge", unit: "A", resolution: 0.01 },
    { name: "cycles", kind: "counter", unit: "", resolution: 1 },
  ],
};
const EPOCH = "0123456789abcdef";
interface Vector {
  readonly form: BodyForm;
  readonly schemas: readonly StreamSchema[];
  readonly hashes: readonly string[];
  readonly hex: string;
  readonly decoded: Batch;
}

const comesFrom = (form: BodyForm) => (form === "plain" ? "buffer" : "wire");
const schemasOf = (...schemas: StreamSchema[]) => {
  const known = new Map(schemas.map((schema) => [schemaHash(schema), schema]));
  return (hash: string) => known.get(hash);
};
const batchOf = (rows: ChannelValue[][], times = rows.map((_, index) => 1_777_708_800_000 + index * 1000)): Batch => ({
  epoch: EPOCH,
  basis: { kind: "wall" },
  blocks: [{ stream: "pump", schemaHash: schemaHash(PUMP), sequence: 7, times, rows }],
});
const reasonOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof WireError) return error.reason;
    throw error;
  }
  return "taken";
};

describe("golden bytes", () => {
  const folder = new URL("vectors/", import.meta.url);
  const vectors = readdirSync(folder).filter((name) => name.startsWith("batch-"));

  it.each(vectors)("%s decodes to what it always meant", (name) => {
    const vector = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Vector;
    const schemaOf = schemasOf(...vector.schemas);
    expect(vector.schemas.map(schemaHash)).toEqual(vector.hashes);
    expect(decodeBatch(Buffer.from(vector.hex, "hex"), schemaOf, comesFrom(vector.form))).toEqual(vector.decoded);
    // Deflate may be written otherwise by another zlib; the others may not.
    if (vector.form !== "deflated") {
      expect(Buffer.from(encodeBatch(vector.decoded, schemaOf, vector.form)).toString("hex")).toBe(vector.hex);
    }
  });

  it("there are vectors to check", () => expect(vectors.length).toBeGreaterThan(2));
});

describe("values", () => {
  it("come back as the very double of their decimal", () => {
    const cases = [
      [0.1, 812.5],
      [0.01, 11.42],
      [1e-7, 0.0265878],
      [0.2794, 279.4],
      [0.0025, 3.2175],
      [0.05, 0.15],
      [100, 4200],
      // 17 digits are beyond 2^53, where a double can't hold each.
      [0.10000000000000003, 0.5000000000000001],
      [1e23, 3e23],
    ];
    for (const [resolution = 1, value = 0] of cases) {
      const scale = createScale(resolution);
      expect(scale.valueFrom(scale.integerFrom(value) ?? Number.NaN)).toBe(value);
    }
  });

  it("are restored as the decimal k · resolution for every decimal resolution", () => {
    const decimals = fc.record({
      mantissa: fc.integer({ min: 1, max: 99_999 }),
      places: fc.integer({ min: 0, max: 12 }),
    });
    fc.assert(
      fc.property(decimals, fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), ({ mantissa, places }, k) => {
        const scale = createScale(Number(`${mantissa}e-${places}`));
        const value = Number(`${BigInt(k) * BigInt(mantissa)}e-${places}`);
        expect(scale.valueFrom(k)).toBe(value);
        expect(scale.integerFrom(value)).toBe(k);
      }),
      { numRuns: 2000 },
    );
  });

  it("between two multiples are rounded to the nearest", () => {
    const decoded = decodeBatch(encodeBatch(batchOf([[1, 812.54, 11.416, 3]]), schemasOf(PUMP)), schemasOf(PUMP));
    expect(decoded.blocks[0]?.rows).toEqual([[1, 812.5, 11.42, 3]]);
  });

  it("counters beyond 2^32 and up to 2^53 come back, also when they fall from one end to the other", () => {
    const cycles = [2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1), 0, 2 ** 33 + 1];
    const bytes = encodeBatch(batchOf(cycles.map((value) => [0, 0, 0, value])), schemasOf(PUMP));
    expect(decodeBatch(bytes, schemasOf(PUMP)).blocks[0]?.rows.map((row) => row[3])).toEqual(cycles);
  });

  it("that no multiple can stand for are implausible, never a wrong number", () => {
    const bytes = encodeBatch(batchOf([[Number.NaN, Number.POSITIVE_INFINITY, 1e300, -0]]), schemasOf(PUMP));
    const implausible = { missing: "implausible" };
    expect(decodeBatch(bytes, schemasOf(PUMP)).blocks[0]?.rows).toEqual([[implausible, implausible, implausible, 0]]);
  });
});

const reasons = Object.keys(MISSING_REASONS) as MissingReason[];
const missingArbitrary = fc
  .record({
    missing: fc.constantFrom(...reasons),
    code: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
  })
  .map(({ missing, code }) => (code === undefined ? { missing } : { missing, code }));

const streamArbitrary = fc
  .record({
    resolutions: fc.array(fc.constantFrom(1, 0.1, 0.01, 0.0025, 0.2794, 1e-7, 10, 1 / 3), {
      minLength: 1,
      maxLength: 6,
    }),
    samples: fc.integer({ min: 1, max: 25 }),
    sequence: fc.integer({ min: 1, max: 2 ** 40 }),
    times: fc.array(fc.integer({ min: 0, max: 2 ** 42 }), { minLength: 25, maxLength: 25 }),
    isRegular: fc.boolean(),
    form: fc.constantFrom("trends" as const, "tight" as const, "deflated" as const, "plain" as const),
  })
  .chain((shape) => {
    const k = fc.oneof(fc.integer({ min: -300, max: 300 }), fc.integer({ min: -(2 ** 49), max: 2 ** 49 }));
    const row = fc.tuple(
      ...shape.resolutions.map((resolution) =>
        fc.oneof(
          { weight: 4, arbitrary: k.map((n) => createScale(resolution).valueFrom(n)) },
          { weight: 1, arbitrary: missingArbitrary },
        ),
      ),
    );
    return fc.record({
      shape: fc.constant(shape),
      rows: fc.array(row, { minLength: shape.samples, maxLength: shape.samples }),
    });
  });

describe("a batch", () => {
  it("of any channels, gaps, times and resolutions comes back as it was", () => {
    fc.assert(
      fc.property(streamArbitrary, ({ shape, rows }) => {
        const schema: StreamSchema = {
          stream: "any",
          channels: shape.resolutions.map((resolution, index) => ({
            name: `c${index}`,
            kind: "gauge",
            unit: "V",
            resolution,
          })),
        };
        const times = rows.map((_, index) => (shape.isRegular ? 5_000 + index * 1_000 : (shape.times[index] ?? 0)));
        const batch: Batch = {
          epoch: EPOCH,
          basis: { kind: "boot", bootId: "c0ffee00-0000-4000-8000-000000000001" },
          blocks: [
            { stream: "any", schemaHash: schemaHash(schema), sequence: shape.sequence, times, rows },
            { stream: "pump", schemaHash: schemaHash(PUMP), sequence: 1, times: [4], rows: [[1, 2, 3, 4]] },
          ],
        };
        const schemaOf = schemasOf(schema, PUMP);
        const bytes = encodeBatch(batch, schemaOf, shape.form);
        expect(decodeBatch(bytes, schemaOf, comesFrom(shape.form))).toEqual(batch);
        expect(batchHeads(bytes).blocks[0]).toMatchObject({
          stream: "any",
          sequence: shape.sequence,
          samples: rows.length,
        });
      }),
      { numRuns: 500 },
    );
  });

  it("keeps a boot id that is no UUID", () => {
    const batch: Batch = { ...batchOf([[1, 2, 3, 4]], [99]), basis: { kind: "boot", bootId: "9f1c33aa" } };
    expect(decodeBatch(encodeBatch(batch, schemasOf(PUMP)), schemasOf(PUMP)).basis).toEqual(batch.basis);
  });

  it("cut anywhere is refused as truncated, and says so", () => {
    const bytes = encodeBatch(batchOf([[1, 812.5, 11.42, 20_417]]), schemasOf(PUMP));
    for (let length = 0; length < bytes.length; length++) {
      expect(reasonOf(() => decodeBatch(bytes.subarray(0, length), schemasOf(PUMP)))).toBe("truncated");
    }
  });

  it("with any one bit flipped is refused", () => {
    const bytes = encodeBatch(
      batchOf([
        [1, 812.5, 11.42, 20_417],
        [1, 813, 11.4, 20_418],
      ]),
      schemasOf(PUMP),
    );
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(reasonOf(() => decodeBatch(flipped, schemasOf(PUMP)))).not.toBe("taken");
    }
  });

  it("in an unknown schema names the schema that is wanted", () => {
    const bytes = encodeBatch(batchOf([[1, 812.5, 11.42, 20_417]]), schemasOf(PUMP));
    expect(() => decodeBatch(bytes, () => undefined)).toThrow(
      expect.objectContaining({ reason: "schema-wanted", hash: schemaHash(PUMP) }),
    );
  });

  it("of another version is refused as such", () => {
    const bytes = encodeBatch(batchOf([[1, 812.5, 11.42, 20_417]]), schemasOf(PUMP));
    bytes[1] = 4;
    expect(reasonOf(() => decodeBatch(bytes, schemasOf(PUMP)))).toBe("version");
  });

  it("that inflates to a bomb is refused without inflating it", () => {
    const bomb = deflateRawSync(Buffer.alloc(32 * 1024 * 1024), { level: 9 });
    const block = ["pump", Buffer.from(schemaHash(PUMP), "hex"), 1, 0, 1, 0, new Uint8Array(bomb)];
    const bytes = sealEnvelope([Buffer.from(EPOCH, "hex"), 0, 5, [block]]);
    expect(reasonOf(() => decodeBatch(bytes, schemasOf(PUMP)))).toBe("malformed");
  });

  it("made of any bytes, even well sealed ones, is taken or refused, never anything else", () => {
    const item = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: "small" },
        fc.integer({ min: -5, max: 300 }),
        fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n),
        fc.uint8Array({ maxLength: 20 }),
        fc.string({ maxLength: 8 }),
        fc.constantFrom(null, true, 0.5),
        fc.array(tie("any"), { maxLength: 8 }),
      ),
    })).any;
    fc.assert(
      fc.property(fc.array(item, { maxLength: 7 }), fc.uint8Array({ maxLength: 60 }), (items, noise) => {
        reasonOf(() => decodeBatch(sealEnvelope(items as never[]), schemasOf(PUMP)));
        expect(reasonOf(() => decodeBatch(noise, schemasOf(PUMP)))).not.toBe("taken");
      }),
      { numRuns: 2000 },
    );
  });

  it("costs under a byte a reading for a noisy pump at 60 samples, and a header of few bytes", () => {
    let seed = 1;
    const noise = () => (
      (seed = (seed * 48_271) % 2_147_483_647), seed / 2_147_483_647 + ((seed >> 8) % 997) / 997 - 1
    );
    const rows = Array.from({ length: 60 }, (_, index) => [
      1,
      812 + noise() * 0.3,
      11.4 + noise() * 0.05,
      20_000 + index,
    ]);
    expect(encodeBatch(batchOf(rows), schemasOf(PUMP)).length / (60 * 4)).toBeLessThan(0.95);
    expect(encodeBatch(batchOf([[0, 0, 0, 0]]), schemasOf(PUMP)).length).toBeLessThan(70);
  });
});

describe("CRC-32C", () => {
  it("gives the check values of RFC 3720 B.4", () => {
    expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe306_9283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a91_36aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8_ab43);
  });
});

import { deflateRawSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deflateRaw } from "./deflate.ts";

const comesBack = (bytes: Uint8Array): boolean => inflateRawSync(deflateRaw(bytes)).equals(bytes);
const randomFrom = (seed: number) => () => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};

/** Runs, repeats of what was there and noise of any width: what makes copies, long codes and many blocks. */
const pieces = fc.array(
  fc.record({
    kind: fc.constantFrom("run" as const, "copy" as const, "noise" as const),
    length: fc.integer({ min: 1, max: 700 }),
    width: fc.integer({ min: 1, max: 256 }),
    seed: fc.integer({ min: 1, max: 2 ** 30 }),
  }),
  { maxLength: 8 },
);

function bytesFrom(list: typeof pieces extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
  const bytes: number[] = [];
  for (const { kind, length, width, seed } of list) {
    const random = randomFrom(seed);
    const from = Math.floor(random() * bytes.length);
    for (let at = 0; at < length; at++) {
      if (kind === "run") bytes.push(width - 1);
      else if (kind === "copy" && bytes.length > 0) bytes.push(bytes[from + at] ?? 0);
      // Squared: few symbols are frequent, many rare.
      else bytes.push(Math.floor(random() ** 3 * width));
    }
  }
  return Uint8Array.from(bytes);
}

describe("deflate", () => {
  it("of any bytes is inflated by zlib to the same bytes", () => {
    fc.assert(
      fc.property(pieces, (list) => {
        expect(comesBack(bytesFrom(list))).toBe(true);
      }),
      { numRuns: 400 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(comesBack(bytes)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it("copies from as far as deflate reaches, and no farther", () => {
    const random = randomFrom(9);
    const phrase = Array.from({ length: 300 }, () => Math.floor(random() * 256));
    for (const between of [32_468, 32_469, 33_000]) {
      const noise = Array.from({ length: between }, () => Math.floor(random() * 256));
      const bytes = Uint8Array.from([...phrase, ...noise, ...phrase]);
      expect(comesBack(bytes)).toBe(true);
    }
  });

  it("takes what is too long for it through zlib", () => {
    const long = new Uint8Array(200_000).map((_, at) => (at * 7) % 251);
    expect(comesBack(long)).toBe(true);
  });

  it("bounds the length of codes where frequencies grow like Fibonacci's numbers", () => {
    const bytes: number[] = [];
    let [one, two] = [1, 1];
    for (let symbol = 0; symbol < 21; symbol++) {
      for (let count = 0; count < one; count++) bytes.push(symbol);
      [one, two] = [two, one + two];
    }
    const random = randomFrom(3);
    for (let at = bytes.length - 1; at > 0; at--) {
      const other = Math.floor(random() * (at + 1));
      [bytes[at], bytes[other]] = [bytes[other] ?? 0, bytes[at] ?? 0];
    }
    expect(comesBack(Uint8Array.from(bytes))).toBe(true);
  });

  it("is never longer than zlib's, and shorter for columns that differ", () => {
    const random = randomFrom(5);
    const columns = [4, 40, 12, 200].flatMap((width) =>
      Array.from({ length: 360 }, () => Math.floor((random() + random()) * 0.5 * width)),
    );
    const bytes = Uint8Array.from(columns);
    expect(deflateRaw(bytes).length).toBeLessThan(0.97 * deflateRawSync(bytes, { level: 9 }).length);
    fc.assert(
      fc.property(pieces, (list) => {
        const some = bytesFrom(list);
        expect(deflateRaw(some).length).toBeLessThanOrEqual(deflateRawSync(some, { level: 9 }).length);
      }),
      { numRuns: 150 },
    );
  });
});

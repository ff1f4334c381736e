import { deflateRawSync } from "node:zlib";
import { encode } from "cborg";
import { describe, expect, it } from "vitest";
import { missing } from "../reading.ts";
import { decodeBatch, encodeBatch, type TravellingForm } from "./batch.ts";
import { type StreamSchema, schemaHash } from "./schema.ts";
import { HELD_OUT_KINDS, type HeldOut, heldOut } from "./testing/held-out.ts";

const SHAPES = [
  [1, 1],
  [1, 40],
  [5, 3],
  [60, 8],
  [360, 4],
  [2_000, 1],
] as const;
/** Epoch, hashes, check, heads of arrays, name of the stream. */
const HEADER_BYTES = 64;

function bytesOf({ times, resolutions, values }: HeldOut, form: TravellingForm): number {
  const channels = resolutions.map((resolution, at) => ({
    name: `c${at}`,
    kind: "gauge" as const,
    unit: "",
    resolution,
  }));
  const schema: StreamSchema = { stream: "any", channels };
  const noSensor = missing("no-sensor");
  const rows = values.map((row) => row.map((value) => value ?? noSensor));
  const block = { stream: "any", schemaHash: schemaHash(schema), sequence: 1, times, rows };
  const bytes = encodeBatch(
    { epoch: "0123456789abcdef", basis: { kind: "wall" }, blocks: [block] },
    () => schema,
    form,
  );
  const back = decodeBatch(bytes, () => schema).blocks[0];
  expect(back?.times).toEqual(times);
  expect(back?.rows.every((row, at) => row.every((value, channel) => sameAs(value, values[at]?.[channel])))).toBe(true);
  return bytes.length;
}

const sameAs = (value: unknown, wanted: number | null | undefined): boolean =>
  typeof value === "number" ? Object.is(value, wanted) : wanted === null;

/** What a peer sends: rows of [time, value…]. */
const cborRows = ({ times, values }: HeldOut): number =>
  deflateRawSync(encode([times[0], values.map((row, at) => [(times[at] ?? 0) - (times[0] ?? 0), ...row])]), {
    level: 9,
  }).length;

describe("a recording of a kind that nothing was fitted on", () => {
  it.each(HELD_OUT_KINDS)("%s comes back, and costs less than CBOR rows + deflate and than its raw 32 bits", (kind) => {
    SHAPES.forEach(([rows, channels], seed) => {
      const recording = heldOut(kind, 100 + seed, rows, channels);
      const tight = bytesOf(recording, "trends");
      const open = bytesOf(recording, "deflated");
      // A first value says its length, too.
      const raw = 4 * rows * channels + 4 * rows + 2 * channels;
      // Distances of even noise are wider than the noise.
      expect(tight).toBeLessThanOrEqual(HEADER_BYTES + 1.25 * raw);
      expect(open).toBeLessThanOrEqual(HEADER_BYTES + 1.3 * raw);
      // A single row of equal values is no column: deflate sees that they are equal, we don't.
      if (rows > 1) expect(tight).toBeLessThanOrEqual(HEADER_BYTES + cborRows(recording));
      if (rows >= 60) expect(tight).toBeLessThan(cborRows(recording));
    });
  });
});

import { type ChannelValue, MISSING_REASONS, type MissingReason, missing } from "@pump-station/agent/reading.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRun, encodeRun } from "./block.ts";

const RESOLUTIONS = [0.1, 1, 0.2794, 1e-9];

const reason = fc.constantFrom(...(Object.keys(MISSING_REASONS) as MissingReason[]));
const value: fc.Arbitrary<ChannelValue> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -20_000, max: 20_000 }).map((k) => k / 10) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 2 ** 48 }) },
  { weight: 1, arbitrary: fc.integer({ min: -999, max: 999 }).map((k) => k * 0.2794) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  {
    weight: 2,
    arbitrary: fc.tuple(reason, fc.option(fc.nat(255), { nil: undefined })).map(([why, code]) => missing(why, code)),
  },
);
const run = fc
  .array(fc.tuple(fc.integer({ min: -(2 ** 47), max: 2 ** 47 }), fc.tuple(value, value, value, value)), {
    maxLength: 40,
  })
  .map((samples) => ({ times: samples.map(([time]) => time), rows: samples.map(([, row]) => row) }));

test("every run of samples comes back value for value and reason for reason", () => {
  fc.assert(
    fc.property(run, (original) => {
      const { times, rows } = decodeRun(encodeRun(original, RESOLUTIONS));
      expect(times).toEqual(original.times);
      for (const [at, row] of original.rows.entries())
        for (const [channel, expected] of row.entries()) {
          const actual = rows[at]?.[channel];
          if (typeof expected === "number") expect(Object.is(actual, expected)).toBe(true);
          else expect(actual).toEqual(expected);
        }
    }),
    { numRuns: 500 },
  );
});

test("steady values at their resolution take about two bytes a reading, not eight", () => {
  const times = Array.from({ length: 360 }, (_, at) => 1_777_000_000_000 + at * 10_000);
  const rows = times.map((_, at) => [812.5 + (at % 7) / 10, at]);
  expect(encodeRun({ times, rows }, [0.1, 1]).length).toBeLessThan(360 * 3 + 64);
});

test("the bytes of a block stay what they are", () => {
  const bytes = encodeRun(
    {
      times: [1000, 2000],
      rows: [
        [0.3, missing("refused", 7)],
        [0.5, 4],
      ],
    },
    [0.1, 1],
  );
  expect(Buffer.from(bytes).toString("hex")).toBe(
    "0102d00fd00f02" + "0000" + "9a9999999999b93f" + "0604" + "010005" + "08" + "00" + "000000000000f03f" + "08",
  );
});

test("damaged blocks throw RangeError and nothing else", () => {
  const bytes = encodeRun({ times: [1, 2, 3], rows: [[1], [missing("timeout")], [2.25]] }, [0.1]);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, byte, length) => {
      const damaged = bytes.slice(0, Math.max(1, length));
      damaged[at % damaged.length] = byte;
      try {
        decodeRun(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: 2_000 },
  );
});

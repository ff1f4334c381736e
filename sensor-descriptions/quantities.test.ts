import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  readBytes,
  readDuration,
  readIn,
  readNumber,
  readQuantity,
  readRange,
  readWhole,
  spokenBytes,
  spokenDuration,
} from "./quantities.ts";
import { convert } from "./units.ts";

const code = (reading: { ok: unknown } | { said: { code: string } }) => ("said" in reading ? reading.said.code : "ok");

describe("quantities", () => {
  test.each([
    ["0.2794 mm", "mm", 0.2794],
    ["0.2794mm", "mm", 0.2794],
    ["0.011 in", "mm", 0.2794],
    ["-0.4 degC", "Cel", -0.4],
    ["300 K", "Cel", 26.85],
    ["212 °F", "Cel", 100],
    ["1 bar", "mbar", 1000],
    ["101325 Pa", "hPa", 1013.25],
    ["1.5e3 mA", "A", 1.5],
  ])("%s is read in %s", (text, unit, value) => {
    expect(readIn(text, unit)).toEqual({ ok: value });
  });

  test("a correction of 0.5 K is one of 0.5 °C", () => {
    expect(readIn("0.5 K", "Cel", "difference")).toEqual({ ok: 0.5 });
    expect(readIn("1.8 °F", "Cel", "difference")).toEqual({ ok: 1 });
  });

  test.each([
    ["30", "D302"],
    ["0,5 mm", "D301"],
    ["5 mbar", "D304"],
    ["5 furlong", "D303"],
    ["five", "D305"],
    ["1e400 mm", "D306"],
    ["010 mm", "D307"],
    ["", "D305"],
  ])("%s is no length: %s", (text, wanted) => {
    expect(code(readIn(text, "mm"))).toBe(wanted);
  });

  test("a bare number is offered in both units that it could be in", () => {
    expect(readIn("30", "Cel")).toMatchObject({ said: { advice: 'write "30 °C" or "30 °F"' } });
    expect(readDuration("30")).toMatchObject({ said: { advice: 'write "30s" or "30min"' } });
  });

  test("converting there and back gives the same value", () => {
    const units = fc.constantFrom("Cel", "K", "[degF]");
    fc.assert(
      fc.property(units, units, fc.double({ min: -200, max: 2000, noNaN: true }), (from, to, value) => {
        const there = convert(value, from, to);
        expect(convert(there ?? Number.NaN, to, from)).toBeCloseTo(value, 6);
      }),
    );
  });
});

describe("whole numbers", () => {
  test.each([["17", 17], ["0x76", 0x76], ["-3", -3], ["9007199254740991", Number.MAX_SAFE_INTEGER]])("%s is %d", (text, value) => {
    expect(readWhole(text)).toEqual({ ok: value });
  }); // biome-ignore format: a table
  test.each([["010", "D307"], ["1.5", "D308"], ["yes", "D308"], ["9007199254740993", "D306"], ["1,5", "D301"], ["0x", "D308"], ["1e3", "D308"]])("%s is refused: %s", (text, wanted) => {
    expect(code(readWhole(text))).toBe(wanted);
  }); // biome-ignore format: a table
});

describe("times", () => {
  test.each([["500ms", 500], ["30s", 30_000], ["30 s", 30_000], ["15min", 900_000], ["1.5h", 5_400_000], ["1d", 86_400_000]])("%s is %d ms", (text, ms) => {
    expect(readDuration(text)).toEqual({ ok: ms });
  }); // biome-ignore format: a table
  test.each([["30", "D302"], ["30 parsecs", "D312"], ["soon", "D312"], ["32d", "D323"], ["-1s", "D323"], ["0,5s", "D301"]])("%s is refused: %s", (text, wanted) => {
    expect(code(readDuration(text))).toBe(wanted);
  }); // biome-ignore format: a table
  test("a spoken time is read as itself", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 31 * 86_400_000 }), (ms) => {
        expect(readDuration(spokenDuration(ms))).toEqual({ ok: ms });
      }),
    );
  });
});

describe("ranges and bytes", () => {
  test("a unit said once counts for both ends", () => {
    expect(readRange("200 to 1000 mbar")).toMatchObject({ ok: { low: 200, high: 1000, unit: "mbar" } });
    expect(readRange("-40 to 125")).toMatchObject({ ok: { low: -40, high: 125, unit: "" } });
  });
  test.each([["0x68 to 0x6F", 0x68, 0x6f], ["1 to 0x7F", 1, 0x7f], ["0x10 to 20", 16, 20]])("%s is %d to %d", (text, low, high) => {
    expect(readRange(text)).toMatchObject({ ok: { low, high, unit: "" } });
  }); // biome-ignore format: a table
  test.each([["10 to 1", "D313"], ["10", "D314"], ["1 mm to 2 mbar", "D314"], ["0,1 to 2", "D301"]])("%s is refused: %s", (text, wanted) => {
    expect(code(readRange(text))).toBe(wanted);
  }); // biome-ignore format: a table
  test("bytes are read as they are spoken", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        expect(readBytes(spokenBytes(bytes))).toEqual({ ok: bytes });
      }),
    );
  });
  test.each(["5", "55 A", "5 5", "55 AG", "0x55"])("%s are no bytes", (text) => {
    expect(code(readBytes(text))).toBe("D311");
  });
  test("no text makes a reader throw or give a number that isn't finite", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0123456789.,eE+-x °CmsdhK%to") }), (text) => {
        for (const reading of [readNumber(text), readWhole(text), readDuration(text)]) {
          if ("ok" in reading) expect(Number.isFinite(reading.ok)).toBe(true);
        }
        expect(code(readQuantity(text))).toBeDefined();
        expect(code(readRange(text))).toBeDefined();
      }),
      { numRuns: 1000 },
    );
  });
});

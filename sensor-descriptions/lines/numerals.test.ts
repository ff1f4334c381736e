import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadDeviceType } from "../load.ts";
import type { NumeralSpec } from "./lines-spec.ts";
import { createNumeral } from "./numerals.ts";

const forms = fc.record(
  {
    as: fc.constant<"decimal">("decimal"),
    decimals: fc.integer({ min: 0, max: 5 }),
    digits: fc.integer({ min: 6, max: 15 }),
    fill: fc.constantFrom("zeros", "blanks"),
    sign: fc.constant<"always">("always"),
    decimalMark: fc.constantFrom("comma", "implied"),
  },
  { requiredKeys: ["as", "decimals"] },
) satisfies fc.Arbitrary<NumeralSpec>;

describe("a number as letters", () => {
  it("is read as the number that was written, to its last decimal, in every form", () => {
    fc.assert(
      fc.property(forms, fc.integer({ min: -99_999, max: 99_999 }), (form, steps) => {
        const number = steps / 10 ** form.decimals;
        const numeral = createNumeral(form);
        expect(numeral.read(numeral.write(number).trim())).toBe(number);
      }),
      { numRuns: 3_000 },
    );
  });

  it("has the digits that it has to have, or is refused", () => {
    fc.assert(
      fc.property(forms, fc.integer(), (form, number) => {
        const numeral = createNumeral(form);
        const wanted = form.digits ?? 0;
        const needed = Math.max(1, String(Math.abs(number)).length) + form.decimals;
        if (wanted > 0 && needed > wanted) expect(() => numeral.write(number)).toThrow(/doesn't fit into \d+ digits/);
        else if (wanted > 0 && form.fill !== "blanks")
          expect(numeral.write(number).replaceAll(/\D/g, "")).toHaveLength(wanted);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each<[NumeralSpec, number, string]>([
    [{ as: "decimal", decimals: 2, digits: 5 }, -1.5, "-001.50"],
    [{ as: "decimal", decimals: 2, digits: 5, fill: "blanks", sign: "always" }, 1.5, "  +1.50"],
    [{ as: "decimal", decimals: 2, digits: 5, decimalMark: "implied" }, 1.5, "00150"],
    [{ as: "decimal", decimals: 1, decimalMark: "comma" }, -0.04, "0,0"],
    [{ as: "hex", digits: 4 }, 255, "00FF"],
    [{ as: "hex", digits: 4, fill: "blanks" }, 255, "  FF"],
  ])("of the form %j writes %d as %s", (form, number, text) => {
    expect(createNumeral(form).write(number)).toBe(text);
  });

  it.each<[NumeralSpec, string]>([
    [{ as: "decimal", digits: 5 }, "1234"],
    [{ as: "decimal", digits: 5 }, "123456"],
    [{ as: "decimal", decimals: 2, decimalMark: "comma" }, "1.50"],
    [{ as: "decimal", decimals: 2, decimalMark: "implied" }, "1.5"],
    [{ as: "decimal", sign: "always" }, "1.5"],
    [{ as: "hex", digits: 4 }, "FF"],
  ])("of the form %j isn't %s", (form, text) => {
    expect(createNumeral(form).read(text)).toBeUndefined();
  });

  it("that is below 0 has no hexadecimal digits", () => {
    expect(() => createNumeral({ as: "hex" }).write(-1)).toThrow(/no sign/);
  });
});

const CHANNEL = `format: 1
type: some-lines
source: "own"
protocol: lines
every: 10s
serial: { speed: 9600, mode: 8N1 }
timing: { answer-within: 1s }
reads:
  all:
    by-itself: true
    channels:
      a: CHANNEL
`;

it.each([
  ["{ field: 0, decimals: 1, fill: blanks }", "D212"],
  ["{ field: 0, resolution: 0.1, decimal-mark: implied }", "D213"],
  ["{ field: 0, decimals: 4, digits: 3 }", "D214"],
])("a description with the number %s is told %s at its line", (channel, code) => {
  const { problems } = loadDeviceType({ path: "some-lines.yaml", text: CHANNEL.replace("CHANNEL", channel) });
  const errors = problems.filter(({ severity }) => severity === "error");
  expect(errors.map((problem) => `${problem.code} in line ${problem.line}`)).toEqual([`${code} in line 12`]);
});

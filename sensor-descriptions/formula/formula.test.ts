import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Formula } from "../spec.ts";
import { formulaName, parseFormula, withGiven } from "./formula.ts";

const formula = (text: string): Formula => {
  const parsed = parseFormula(text);
  if ("problem" in parsed) throw new Error(`${text}: ${parsed.problem.message}`);
  return parsed.ok;
};
const value = (text: string, values: Record<string, number> = {}): number =>
  formula(text).evaluate((name) => values[name] ?? Number.NaN);
const problem = (text: string) => {
  const parsed = parseFormula(text);
  return "problem" in parsed ? parsed.problem : undefined;
};

describe("what a formula computes", () => {
  it.each([
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["10 - 4 - 3", 3],
    ["2 ** 3 ** 2", 512],
    ["-2 ** 2", -4],
    ["2 ** -1 * 4", 2],
    ["7 % 4", 3],
    ["-7 % 4", -3],
    ["0x10 + 1e2 + .5", 116.5],
    ["5 & 4 == 4", 1],
    ["1 | 2 ^ 3 & 2", 1 | (2 ^ (3 & 2))],
    ["1 << 40", 2 ** 40],
    ["0xFFFFFFFF & 0xFFFF0000", 0xffff0000],
    ["0x123456789A & 0xFF00000000", 0x1200000000],
    ["-1 & 0xFFFFFFFFFF", 0xffffffffff],
    ["~5", -6],
    ["-8 >> 1", -4],
    ["!0 + !7", 1],
    ["3 < 4 && 4 < 3 || 1", 1],
    ["0 || 0", 0],
    ["1 ? 2 : 0 ? 3 : 4", 2],
    ["0 ? 2 : 0 ? 3 : 4", 4],
    ["abs(-3) + min(4, 2, 9) + max(1, 5)", 10],
    ["round(2.5) + round(-2.5)", 0],
    ["floor(-1.5) + ceil(-1.5)", -3],
    ["sqrt(16) + pow(2, 3) + log10(1000)", 15],
    ["ln(exp(2))", 2],
    ["atan2(0, 1) + sin(0) + cos(0)", 1],
    ["clamp(120, 0, 100) + clamp(-5, 0, 100)", 100],
    ["let x = 3; let y = x * 2; x + y", 9],
  ])("%s is %d", (text, expected) => {
    expect(value(text)).toBeCloseTo(expected, 12);
  });

  it("reads the names it needs, but not those bound by let", () => {
    const parsed = formula("let t = raw / 8; t > dew_point ? t : raw");
    expect([...parsed.names].sort()).toEqual(["dew_point", "raw"]);
    expect(parsed.evaluate((name) => ({ raw: 80, dew_point: 4 })[name] ?? 0)).toBe(10);
    expect(formulaName("dew-point")).toBe("dew_point");
  });

  it("computes only the branch that counts", () => {
    const asked: string[] = [];
    formula("yes ? a : b").evaluate((name) => (asked.push(name), 1));
    expect(asked).toEqual(["yes", "a"]);
  });

  it.each([
    "1 / 0",
    "0 / 0",
    "1 % 0",
    "ln(-1)",
    "1 / 0 > 5",
    "1 / 0 ? 1 : 2",
    "1 / 0 && 1",
    "(1 / 0) ** 0",
    "pow(1 / 0, 0)",
    "0.5 & 1",
    "1 << 60",
    "10 ** 400",
  ])("%s is no number", (text) => {
    expect(value(text)).toBeNaN();
  });

  it("gives a name its value for good", () => {
    const given = withGiven(formula("p + altitude / 8"), new Map([["altitude", 584]]));
    expect(given.names).toEqual(["p"]);
    expect(given.evaluate(() => 900)).toBe(973);
  });
});

describe("what is said about a wrong formula", () => {
  it.each([
    ["1 + ", 5, /ends too early/, undefined],
    ["", 1, /no value/, undefined],
    ["sqr(4)", 1, /unknown function "sqr"/, 'did you mean "sqrt"?'],
    ["wibble(4)", 1, /unknown function/, /the functions are abs/],
    ["2 + sqrt", 5, /is a function/, "write sqrt(…)"],
    ["clamp(1, 2)", 1, /takes 3 value/, undefined],
    ["min(1)", 1, /takes 2 to 8 value/, undefined],
    ["0 < x < 5", 7, /can't be chained/, "write a < b && b < c"],
    ["x = 5", 3, /unexpected "="/, "write == to compare"],
    ["1,5 * x", 2, /unexpected ","/, /1\.5/],
    ["x and y", 3, /unexpected "and"/, undefined],
    ["not x", 1, /no place/, "write !"],
    ["5 °C", 3, /no place/, /unit/],
    ["3 − 2", 3, /no place/, "this is a typographic minus; write -"],
    ["let x = 1; let x = 2; x", 16, /bound already/, undefined],
    ["let min = 1; min", 5, /function's name/, undefined],
    ["(1 + 2", 7, /expected "\)"/, undefined],
    ["dew_point(t", 12, /ends too early/, /between { and } a comma ends it/],
    ["1 2", 3, /unexpected "2"/, undefined],
    ["1e999", 1, /too large/, undefined],
  ])("%s: column %d", (text, column, message, advice) => {
    const found = problem(text);
    expect(found?.column).toBe(column);
    expect(found?.message).toMatch(message);
    if (advice === undefined) return;
    expect(found?.advice).toMatch(advice);
  });

  it("bounds length and nesting", () => {
    expect(problem("1+".repeat(1_500) + "1")?.message).toMatch(/longer than 2000/);
    expect(problem("(".repeat(100) + "1" + ")".repeat(100))?.message).toMatch(/nested deeper/);
    expect(problem("-".repeat(100) + "1")?.message).toMatch(/nested deeper/);
    expect(value("1+".repeat(999) + "1")).toBe(1_000);
  });

  it("any text gives a formula or a problem inside of it", () => {
    const pieces = fc.constantFrom(
      "1",
      "x",
      "+",
      "-",
      "**",
      "(",
      ")",
      "?",
      ":",
      "let ",
      "=",
      ";",
      "min",
      ",",
      "<",
      "&",
      " ",
      "°",
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseFormula(text);
        if ("ok" in parsed) {
          const result = parsed.ok.evaluate(() => 3);
          expect(Number.isNaN(result) || Number.isFinite(result)).toBe(true);
          return;
        }
        expect(parsed.problem.column).toBeGreaterThanOrEqual(1);
        expect(parsed.problem.column).toBeLessThanOrEqual(text.length + 1);
      }),
      { numRuns: 1_000 },
    );
  });

  it("computes arithmetic as JavaScript does", () => {
    const operators = fc.constantFrom("+", "-", "*");
    const terms = fc.array(fc.tuple(operators, fc.integer({ min: 1, max: 99 })), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(terms, (list) => {
        const text = `1 ${list.map(([sign, number]) => `${sign} ${number}`).join(" ")}`;
        // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call
        expect(value(text)).toBe(new Function(`return ${text}`)());
      }),
    );
  });
});

describe("names of states", () => {
  const states = new Map([
    [
      "valve",
      new Map([
        ["shut", 0],
        ["half_open", 7],
        ["2", 2],
      ]),
    ],
  ]);
  const parsed = (text: string) => parseFormula(text, states);
  const at = (text: string, valve: number): number => {
    const one = parsed(text);
    if ("problem" in one) throw new Error(one.problem.message);
    expect(one.ok.names).toEqual(["valve"]);
    return one.ok.evaluate(() => valve);
  };

  it("are asked for with is and is not, and bind tighter than everything", () => {
    expect(at("valve is shut ? 1 : 2", 0)).toBe(1);
    expect(at("valve is half_open ? 1 : 2", 0)).toBe(2);
    expect(at("valve is not half_open", 7)).toBe(0);
    expect(at("valve is 2", 2)).toBe(1);
    expect(at("1 + valve is half_open * 3", 7)).toBe(4);
    expect(at("valve is shut || valve is half_open", 7)).toBe(1);
    expect(at("valve is shut", Number.NaN)).toBeNaN();
  });

  it("that are wrong are told where they stand, with what was meant", () => {
    expect(parsed("valve is shutt ? 1 : 2")).toEqual({
      problem: { column: 10, message: '"valve" has no state "shutt"', advice: 'did you mean "shut"?' },
    });
    expect(parsed("pump is on")).toEqual({
      problem: { column: 6, message: '"pump" has no states', advice: "compare numbers with ==" },
    });
    expect(parsed("valve is")).toMatchObject({ problem: { advice: "its states are shut, half_open, 2" } });
  });
});

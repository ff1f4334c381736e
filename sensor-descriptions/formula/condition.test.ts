import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Condition } from "../model.ts";
import { parseCondition } from "./condition.ts";

const STATES = new Map([
  [0, "idle"],
  [1, "pumping"],
  [3, "fault"],
]);
const CHANNELS = new Map([
  ["state", { unit: "", states: STATES }],
  ["temperature", { unit: "Cel" }],
  ["dew-point", { unit: "Cel" }],
  ["cycles", { unit: "" }],
]);
const quantity = (text: string, unit: string): number | undefined => {
  const found = /^(-?\d+(?:\.\d+)?) ?(\S*)$/.exec(text);
  if (!found) return undefined;
  return (unit === "Cel" ? ["°C", "Cel"] : [""]).includes(found[2] ?? "") ? Number(found[1]) : undefined;
};
const parse = (text: string) => parseCondition(text, CHANNELS, quantity);
const condition = (text: string): Condition => {
  const parsed = parse(text);
  if ("problem" in parsed) throw new Error(`${text}: ${parsed.problem.message}`);
  return parsed.ok;
};
const test = (text: string, values: Record<string, number>): boolean | undefined =>
  condition(text).test((name) => values[name]);

describe("what a condition says", () => {
  const warm = { state: 1, temperature: 85, "dew-point": 3 };
  it.each([
    ["state is pumping", true],
    ["state is fault", false],
    ["state is not fault", true],
    ["temperature above 85 °C", false],
    ["temperature at least 85 °C", true],
    ["temperature below 85 °C", false],
    ["temperature at most 85°C", true],
    ["dew-point above -4.5 °C", true],
    ["not state is pumping", false],
    ["state is fault or temperature above 80 °C and dew-point above 2 °C", true],
    ["(state is pumping or temperature above 80 °C) and dew-point above 20 °C", false],
    ["not (state is fault or temperature above 90 °C)", true],
    ["not state is fault and dew-point below 0 °C", false],
    ["cycles above 0", undefined],
    ["cycles above 0 and state is fault", false],
    ["state is fault and cycles above 0", false],
    ["cycles above 0 and state is pumping", undefined],
    ["cycles above 0 or state is pumping", true],
    ["cycles above 0 or state is fault", undefined],
    ["not cycles above 0", undefined],
  ])("%s: %s", (text, expected) => {
    expect(test(text, warm)).toBe(expected);
  });

  it("names its channels once each, and keeps its text", () => {
    const text = "state is idle and (temperature below 5 °C or state is fault)";
    expect(condition(text)).toMatchObject({ text, channels: ["state", "temperature"] });
  });
});

describe("the limits of a condition", () => {
  const text = "not (temperature above 85 °C or state is fault) and dew-point at least -4.5 °C and cycles below 9";
  it("are its numbers with what they are compared with, in the order of the text", () => {
    expect(condition(text).limits).toEqual([
      { channel: "temperature", comparison: "above", value: 85 },
      { channel: "dew-point", comparison: "at least", value: -4.5 },
      { channel: "cycles", comparison: "below", value: 9 },
    ]);
    expect(condition("state is fault")).not.toHaveProperty("limits");
  });

  it("can be others, in what it says too, and it stays as it was itself", () => {
    const before = condition("temperature above 85°C");
    const after = before.withLimits?.([90.5]);
    expect([after?.text, after?.limits?.[0]?.value]).toEqual(["temperature above 90.5 Cel", 90.5]);
    expect(after?.test(() => 88)).toBe(false);
    expect([before.text, before.test(() => 88)]).toEqual(["temperature above 85°C", true]);
  });

  it("written anew, a condition reads as it tests, however often", () => {
    const value = fc.integer({ min: -99, max: 99 });
    const values = fc.tuple(value, value, value);
    const readings = fc.record({ state: fc.constantFrom(0, 3), temperature: value, "dew-point": value, cycles: value });
    fc.assert(
      fc.property(values, values, readings, (first, second, reading) => {
        const after = condition(text).withLimits?.(first).withLimits?.(second);
        expect(after?.limits?.map((limit) => limit.value)).toEqual(second);
        expect(after?.test((name) => reading[name as keyof typeof reading])).toBe(test(after?.text ?? "", reading));
      }),
      { numRuns: 500 },
    );
  });
});

describe("what is said about a wrong condition", () => {
  it.each([
    ["stat is pumping", 1, 'unknown channel "stat"', 'did you mean "state"?'],
    ["humidity above 3", 1, 'unknown channel "humidity"', "the channels are state, temperature, dew-point, cycles"],
    ["state is pumpin", 10, 'state has no state "pumpin"', 'did you mean "pumping"?'],
    ["state is not xyzzy", 14, 'state has no state "xyzzy"', "its states are idle, pumping, fault"],
    ["temperature is 5", 16, "temperature has no states", /above/],
    ["temperature > 5 °C", 13, '">" compares nothing', "write above"],
    ["temperature at leats 5 °C", 13, '"at leats" compares nothing', /at least/],
    ["temperature above 85 F", 19, `can't read "85 F" as a number in Cel for temperature`, undefined],
    ["temperature above", 18, "expected a number in Cel for temperature", undefined],
    ["temperature above and state is idle", 19, "expected a number in Cel for temperature", undefined],
    ["temperature", 12, "expected a comparison after temperature", /above/],
    ["", 1, /too early/, undefined],
    ["state is idle and", 18, /too early/, undefined],
    ["state is idle state is fault", 15, 'unexpected "state"', "join two conditions with and / or"],
    ["(state is idle", 15, 'expected ")" to close the parenthesis', undefined],
    ["state is idle)", 14, 'unexpected ")"', undefined],
  ])("%s: column %d", (text, column, message, advice) => {
    const parsed = parse(text);
    if (!("problem" in parsed)) throw new Error("no problem found");
    expect(parsed.problem.column).toBe(column);
    expect(parsed.problem.message).toMatch(message);
    if (advice !== undefined) expect(parsed.problem.advice).toMatch(advice);
  });

  it("bounds length and nesting", () => {
    expect(parse(`${"(".repeat(40)}state is idle${")".repeat(40)}`)).toMatchObject({ problem: { column: 33 } });
    expect(parse("state is idle or ".repeat(100))).toMatchObject({ problem: { column: 1_001 } });
  });

  it("any words give a condition or a problem inside of the text", () => {
    const words = fc.constantFrom(
      "state",
      "is",
      "not",
      "idle",
      "temperature",
      "above",
      "at",
      "least",
      "5 °C",
      "and",
      "or",
      "(",
      ")",
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 20 }).map((list) => list.join(" ")),
    );
    fc.assert(
      fc.property(texts, fc.option(fc.integer(), { nil: undefined }), (text, value) => {
        const parsed = parse(text);
        if ("ok" in parsed) expect([true, false, undefined]).toContain(parsed.ok.test(() => value));
        else expect(parsed.problem.column).toBeLessThanOrEqual(text.length + 1);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Collects what is wrong while the meaning of a file is worked out; each finding with its place. */
import { parseCondition } from "../formula/condition.ts";
import { type FormulaStates, formulaName, parseFormula, withGiven } from "../formula/formula.ts";
import { type Said, say } from "../messages.ts";
import type { Channel, Condition } from "../model.ts";
import type { Problem } from "../problems.ts";
import { type Quantity, quantityIn, type Range, type Reading, rangeIn, readIn } from "../quantities.ts";
import type { Formula, FormulaProblem } from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import { spokenUnit, ucumName } from "../units.ts";
import type { Path, SourceDocument } from "./source-document.ts";

export interface Judge {
  readonly document: SourceDocument;
  readonly problems: Problem[];
  /** What the station file says, as formulas write it; values that could be said, while no station is known. */
  readonly needs: ReadonlyMap<string, number>;
  report(at: Path, said: Said, part?: "key" | "value", column?: number): void;
  /** The value, or undefined with its problem reported. */
  take<T>(at: Path, reading: Reading<T>): T | undefined;
  quantity(at: Path, quantity: Quantity | undefined, unit: string, kind?: "value" | "difference"): number | undefined;
  range(at: Path, range: Range | undefined, unit: string): { low: number; high: number } | undefined;
  /** `names` are what it may use, written as in formulas; `given` of them are put in for good. */
  formula(
    at: Path,
    text: string,
    names: ReadonlySet<string>,
    given: ReadonlyMap<string, number>,
    states?: FormulaStates,
  ): Formula | undefined;
  condition(at: Path, text: string | undefined, channels: readonly Channel[]): Condition | undefined;
}

const NO_NEEDS: ReadonlyMap<string, number> = new Map();

export function createJudge(document: SourceDocument, needs: ReadonlyMap<string, number> = NO_NEEDS): Judge {
  const problems: Problem[] = [];
  const judge: Judge = {
    document,
    problems,
    needs,
    report: (at, said, part, column) => problems.push(document.problem(at, said, part, column)),
    take: (at, reading) => {
      if ("ok" in reading) return reading.ok;
      judge.report(at, reading.said, "value", reading.column);
      return undefined;
    },
    quantity: (at, quantity, unit, kind) =>
      quantity === undefined ? undefined : judge.take(at, quantityIn(quantity, unit, kind)),
    range: (at, range, unit) => (range === undefined ? undefined : judge.take(at, rangeIn(range, unit))),
    formula: (at, text, names, given, states) => {
      const parsed = parseFormula(text, states);
      if ("problem" in parsed) return refuse(at, parsed.problem, say.badFormula);
      const unknown = parsed.ok.names.find((name) => !names.has(name));
      if (unknown === undefined) return withGiven(parsed.ok, given);
      const known = [...names];
      judge.report(at, say.unknownName(unknown, nearestWord(unknown, known), known), "value", wordAt(text, unknown));
      return undefined;
    },
    condition: (at, text, channels) => {
      if (text === undefined) return undefined;
      const known = new Map(channels.map((channel) => [channel.name, { ...channel, unit: spokenUnit(channel.unit) }]));
      let unread: Said | undefined;
      const parsed = parseCondition(text, known, (value, unit) => {
        const reading = readIn(value, ucumName(unit));
        if ("ok" in reading) return reading.ok;
        unread = reading.said;
        return undefined;
      });
      if ("ok" in parsed) return parsed.ok;
      // "80 of what?" says more than that it is no number.
      if (unread) return void judge.report(at, unread, "value", parsed.problem.column - 1);
      return refuse(at, parsed.problem, say.badCondition);
    },
  };
  const refuse = (at: Path, problem: FormulaProblem, kind: typeof say.badFormula): undefined => {
    judge.report(at, kind(problem.message, problem.advice), "value", problem.column - 1);
  };
  return judge;
}

const wordAt = (text: string, word: string): number => Math.max(0, text.search(new RegExp(`\\b${word}\\b`)));

/** The same judge, whose formulas know these states, too. */
export const knowingStates = (judge: Judge, states: FormulaStates): Judge => ({
  ...judge,
  formula: (at, text, names, given, more = NO_STATES) =>
    judge.formula(at, text, names, given, new Map([...states, ...more])),
});

const NO_STATES: FormulaStates = new Map();

/** Of the channels that have states, numbered as they are read: `{ 0: idle }`. */
export const formulaStates = (
  channels: Readonly<Record<string, { readonly states?: Readonly<Record<number, string>> | undefined }>>,
): FormulaStates =>
  new Map(
    Object.entries(channels).flatMap(([channel, { states }]) =>
      states === undefined
        ? []
        : [
            [
              formulaName(channel),
              new Map(Object.entries(states).map(([number, name]) => [formulaName(name), Number(number)])),
            ] as const,
          ],
    ),
  );

/** Names as formulas write them: "dew-point" → "dew_point". */
export const formulaNames = (...names: Iterable<string>[]): Set<string> =>
  new Set(names.flatMap((some) => [...some].map(formulaName)));

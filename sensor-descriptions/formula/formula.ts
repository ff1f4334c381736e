/**
 * Formulas of device files: `let x = raw / 8; x ** 2 + (ready ? 1.5 : 0)`.
 *
 * Numbers only; each formula is compiled once into closures and costs time linear in its length. There is no text, no
 * loop, no recursion and no eval, so a formula from a file can compute a wrong number and nothing else.
 *
 *   let NAME = value;  …                  bound in order, before the value of the whole
 *   c ? a : b    ||    &&                 0 is false, all else true; only the branch that counts is computed
 *   == != < > <= >=                       1 or 0; not chained
 *   |   ^   &   << >>                     whole numbers, bind tighter than comparisons
 *   + -   * / %                           % keeps the sign of its left side, as in C
 *   - + ~ !   **                          -x ** 2 is -(x ** 2)
 *   abs min max round floor ceil sign sqrt exp ln log10 pow hypot clamp(x, low, high)
 *   sin cos tan asin acos atan atan2      in radians; radians(x) and degrees(x) convert
 *   dew_point frost_point absolute_humidity (temperature, humidity)
 *   sea_level_pressure(pressure, altitude, temperature[, humidity])
 *   wind_east wind_north (speed, direction)   wind_direction(east, north)
 *
 *   state is idle   state is not idle     1 or 0: the names of a channel's states
 *
 * A hyphen is a minus here: the channel `dew-point` is written `dew_point`, and so are the names of states.
 */

import type { Formula, Parsed } from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import { BINARY, DERIVED, FUNCTIONS, POWER, UNARY } from "./formula-arithmetic.ts";
import { applied, binary, bothOf, either, type Run } from "./formula-closures.ts";
import { FormulaFault, type Token, tokensOf } from "./formula-tokens.ts";

/** Parentheses, signs, arguments and choices may stand this deep in each other. */
const DEPTH_MAX = 64;

/** How the channel (or field, or constant) of this name is written in a formula. */
export const formulaName = (name: string): string => name.replaceAll("-", "_");

/** By channel: the number that each of its states has; all names as formulas write them. */
export type FormulaStates = ReadonlyMap<string, ReadonlyMap<string, number>>;

const NO_STATES: FormulaStates = new Map();

/** The compiled formula, or the first problem with its column (from 1) in `text`. Never throws. */
export function parseFormula(text: string, states: FormulaStates = NO_STATES): Parsed<Formula> {
  try {
    return { ok: compiled(text, new FormulaParser(tokensOf(text), states)) };
  } catch (error) {
    if (error instanceof FormulaFault) return { problem: error.problem };
    throw error;
  }
}

/** The same formula with some names given for good (`altitude`, what the station file says): they are no longer free. */
export function withGiven(formula: Formula, given: ReadonlyMap<string, number>): Formula {
  const names = formula.names.filter((name) => !given.has(name));
  if (names.length === formula.names.length) return formula;
  return {
    text: formula.text,
    names,
    given: new Map([...(formula.given ?? []), ...given]),
    evaluate: (valueOf) => formula.evaluate((name) => given.get(name) ?? valueOf(name)),
  };
}

function compiled(text: string, parser: FormulaParser): Formula {
  const run = parser.whole();
  return {
    text,
    names: [...parser.names],
    evaluate: (valueOf) => {
      const value = run(valueOf);
      // Infinity is no measurement; + 0 turns -0 into 0, which would otherwise show as "-0".
      return Number.isFinite(value) ? value + 0 : Number.NaN;
    },
  };
}

/** A Pratt parser: `expression(power)` takes whatever binds tighter than `power`. */
class FormulaParser {
  readonly names = new Set<string>();
  readonly #tokens: readonly Token[];
  readonly #end: Token;
  /** Name of a `let` → its place in `#bound`, which holds the values of the evaluation under way. */
  readonly #lets = new Map<string, number>();
  readonly #bound: number[] = [];
  #at = 0;
  #depth = 0;

  readonly #states: FormulaStates;

  constructor(tokens: readonly Token[], states: FormulaStates) {
    this.#tokens = tokens;
    this.#states = states;
    this.#end = tokens[tokens.length - 1] as Token;
  }

  whole(): Run {
    const steps: Run[] = [];
    while (this.#peek().kind === "name" && this.#peek().text === "let") steps.push(this.#letLine());
    if (this.#peek().kind === "end") throw new FormulaFault(this.#peek().column, "the formula has no value at its end");
    const value = this.#expression(0);
    if (this.#peek().kind !== "end") throw unexpected(this.#peek(), "expected the end of the formula");
    if (steps.length === 0) return value;
    return (valueOf) => {
      for (const step of steps) step(valueOf);
      return value(valueOf);
    };
  }

  #letLine(): Run {
    this.#at++;
    const { kind, text, column } = this.#next();
    if (kind !== "name") throw new FormulaFault(column, "expected a name after let");
    if (this.#lets.has(text)) throw new FormulaFault(column, `let ${text}: the name is bound already`);
    if (FUNCTIONS.has(text)) throw new FormulaFault(column, `let ${text}: this is a function's name`);
    this.#expect("=", `after let ${text}`);
    const value = this.#expression(0);
    this.#expect(";", `after the value of ${text}`);
    const bound = this.#bound;
    const place = bound.push(Number.NaN) - 1;
    this.#lets.set(text, place);
    return (valueOf) => (bound[place] = value(valueOf));
  }

  #expression(power: number): Run {
    if (++this.#depth > DEPTH_MAX) {
      throw new FormulaFault(this.#peek().column, `nested deeper than ${DEPTH_MAX} levels`);
    }
    let left = this.#prefix();
    for (let more = this.#infix(left, power); more !== undefined; more = this.#infix(left, power)) left = more;
    this.#depth--;
    return left;
  }

  #prefix(): Run {
    const token = this.#next();
    if (token.kind === "number") {
      const { value } = token;
      return () => value;
    }
    if (token.kind === "name") return this.#isNext("(") ? this.#call(token) : this.#named(token);
    if (token.text === "(") {
      const inner = this.#expression(0);
      this.#expect(")", "to close the parenthesis");
      return inner;
    }
    const unary = UNARY.get(token.text);
    if (unary === undefined) throw unexpected(token, "expected a number, a name or a parenthesis");
    const operand = this.#expression(POWER.unary);
    return (valueOf) => unary(operand(valueOf));
  }

  #named({ text, column }: Token): Run {
    const place = this.#lets.get(text);
    const bound = this.#bound;
    if (place !== undefined) return () => bound[place] as number;
    if (FUNCTIONS.has(text)) throw new FormulaFault(column, `${text} is a function`, `write ${text}(…)`);
    const instead = WORDS.get(text);
    if (instead !== undefined) throw new FormulaFault(column, `"${text}" has no place in a formula`, instead);
    this.names.add(text);
    if (this.#isWord("is")) return this.#stateTest(text);
    return (valueOf) => valueOf(text);
  }

  #stateTest(channel: string): Run {
    const { column } = this.#next();
    const wanted = !this.#isWord("not");
    if (!wanted) this.#at++;
    const states = this.#states.get(channel);
    if (states === undefined) throw new FormulaFault(column, `"${channel}" has no states`, "compare numbers with ==");
    const word = this.#next();
    const number = word.kind === "name" || word.kind === "number" ? states.get(word.text) : undefined;
    if (number === undefined) {
      const near = word.kind === "name" ? nearestWord(word.text, states.keys()) : undefined;
      const all = `its states are ${[...states.keys()].join(", ")}`;
      const advice = near === undefined ? all : `did you mean "${near}"?`;
      throw new FormulaFault(word.column, `"${channel}" has no state "${word.text}"`, advice);
    }
    // NaN stays NaN: without a state there is neither yes nor no.
    return (valueOf) => {
      const value = valueOf(channel);
      return value !== value ? value : (value === number) === wanted ? 1 : 0;
    };
  }

  #call({ text, column }: Token): Run {
    const known = FUNCTIONS.get(text) ?? DERIVED.get(text);
    if (known === undefined) throw unknownFunction(text, column);
    const values = this.#arguments(text);
    if (values.length < known.fewest || values.length > known.most) {
      const count = known.fewest === known.most ? `${known.fewest}` : `${known.fewest} to ${known.most}`;
      throw new FormulaFault(column, `${text} takes ${count} value(s), not ${values.length}`);
    }
    return applied(known.compute, values);
  }

  #arguments(name: string): Run[] {
    this.#at++;
    const values = [this.#expression(0)];
    while (this.#isNext(",")) {
      this.#at++;
      values.push(this.#expression(0));
    }
    this.#expect(")", `to close ${name}(`);
    return values;
  }

  #infix(left: Run, power: number): Run | undefined {
    const { kind, text } = this.#peek();
    if (kind !== "sign") return undefined;
    if (text === "?") return power < POWER.choice ? this.#choice(left) : undefined;
    if (text === "||" || text === "&&") return this.#logical(left, power, text);
    const operator = BINARY.get(text);
    if (operator === undefined || operator.power <= power) return undefined;
    this.#at++;
    // ** groups from the right, and its right side may carry a sign: 2 ** -1.
    const right = this.#expression(operator.power === POWER.exponent ? POWER.unary - 1 : operator.power);
    if (operator.power === POWER.comparison) this.#refuseChain();
    return binary(operator.compute, left, right, text);
  }

  #refuseChain(): void {
    const { text, column } = this.#peek();
    if (BINARY.get(text)?.power !== POWER.comparison) return;
    throw new FormulaFault(column, "comparisons can't be chained", "write a < b && b < c");
  }

  #logical(left: Run, power: number, sign: "||" | "&&"): Run | undefined {
    const own = sign === "||" ? POWER.or : POWER.and;
    if (own <= power) return undefined;
    this.#at++;
    const right = this.#expression(own);
    return sign === "||" ? either(left, right) : bothOf(left, right);
  }

  #choice(condition: Run): Run {
    this.#at++;
    const yes = this.#expression(0);
    this.#expect(":", "between the two values of a choice");
    const no = this.#expression(0);
    return (valueOf) => {
      const decides = condition(valueOf);
      return decides !== decides ? decides : decides !== 0 ? yes(valueOf) : no(valueOf);
    };
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? this.#end;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #isWord(word: string): boolean {
    return this.#peek().kind === "name" && this.#peek().text === word;
  }

  #isNext(sign: string): boolean {
    return this.#peek().kind === "sign" && this.#peek().text === sign;
  }

  #expect(sign: string, why: string): void {
    if (!this.#isNext(sign)) throw unexpected(this.#peek(), `expected "${sign}" ${why}`);
    this.#at++;
  }
}

const WORDS: ReadonlyMap<string, string> = new Map([
  ["and", "write &&"],
  ["or", "write ||"],
  ["not", "write !"],
  ["if", "write condition ? value : other"],
  ["let", "a let line stands at the beginning: let x = 1; x + 2"],
]);

function unknownFunction(name: string, column: number): FormulaFault {
  if (name === "log") return new FormulaFault(column, 'unknown function "log"', "write ln or log10");
  const names = [...FUNCTIONS.keys(), ...DERIVED.keys()];
  const near = nearestWord(name, names);
  const all = `the functions are ${names.join(", ")}`;
  return new FormulaFault(column, `unknown function "${name}"`, near === undefined ? all : `did you mean "${near}"?`);
}

function unexpected({ kind, text, column }: Token, expected: string): FormulaFault {
  const cut = expected.includes("to close") ? CUT_OFF : undefined;
  if (kind === "end") return new FormulaFault(column, `the formula ends too early: ${expected}`, cut);
  const advice = text === "," ? "a decimal number is written with a point: 1.5" : SIGNS.get(text);
  return new FormulaFault(column, `unexpected "${text}": ${expected}`, advice);
}

const CUT_OFF = "between { and } a comma ends it: put all of it into quotes";
const SIGNS: ReadonlyMap<string, string> = new Map([["=", "write == to compare"]]);

/**
 * Conditions as a technician writes them:
 *
 *   state is pumping          temperature above 85 °C        pressure at least 200 mbar
 *   state is not fault        temperature below 75 °C        pressure at most 1 bar
 *   not (state is fault or current above 20 A) and cycles above 0
 *
 * `not` binds tightest, then `and`, then `or`. A value that is missing makes its test neither true nor false; `and` is
 * still false when its other side is false, `or` still true when its other side is true (Kleene's strong logic).
 */
import type { Condition, Limit } from "../model.ts";
import type { FormulaProblem, ParsedCondition } from "../spec.ts";
import { nearestWord } from "../spelling.ts";

interface ConditionChannel {
  readonly unit: string;
  readonly states?: ReadonlyMap<number, string>;
}

/**
 * `quantity` reads "85 °C" as a number in the channel's unit, undefined when it can't.
 * Returns the condition with its states as numbers, or the first problem with its column (from 1). Never throws.
 */
export function parseCondition(
  text: string,
  channels: ReadonlyMap<string, ConditionChannel>,
  quantity: (text: string, unit: string) => number | undefined,
): ParsedCondition {
  const parser = new ConditionParser(text, channels, quantity);
  try {
    const test = parser.whole();
    return { ok: conditionOf({ text, channels: [...parser.used], test, limits: parser.limits }) };
  } catch (error) {
    if (error instanceof ConditionFault) return { problem: error.problem };
    throw error;
  }
}

/** `numbers`: of its limits, in the order in which they stand in the text. */
type Test = (valueOf: (channel: string) => number | undefined, numbers: readonly number[]) => boolean | undefined;

/** Where a number with its unit stands in the text, both counted from 0, the end excluded. */
interface WrittenLimit extends Limit {
  readonly from: number;
  readonly to: number;
  /** As people write it. */
  readonly unit: string;
}

interface Parts {
  readonly text: string;
  readonly channels: readonly string[];
  readonly test: Test;
  readonly limits: readonly WrittenLimit[];
}

function conditionOf(parts: Parts): Condition {
  const { text, channels, test, limits } = parts;
  const numbers = limits.map(({ value }) => value);
  const condition: Condition = { text, channels, test: (valueOf) => test(valueOf, numbers) };
  if (limits.length === 0) return condition;
  return {
    ...condition,
    limits: limits.map(({ channel, comparison, value }) => ({ channel, comparison, value })),
    withLimits: (values) => conditionOf(rewritten(parts, values)),
  };
}

/** Only what differs is written anew: the rest stands as the file's author put it. */
function rewritten(parts: Parts, values: readonly number[]): Parts {
  let text = "";
  let read = 0;
  const limits = parts.limits.map((limit, at): WrittenLimit => {
    const value = values[at] ?? limit.value;
    const as = value === limit.value ? parts.text.slice(limit.from, limit.to) : `${value} ${limit.unit}`.trim();
    const from = text.length + limit.from - read;
    text += parts.text.slice(read, limit.from) + as;
    read = limit.to;
    return { ...limit, value, from, to: from + as.length };
  });
  return { ...parts, text: text + parts.text.slice(read), limits };
}

/** Longer text is no condition of a person; it also bounds how deep tests can be chained. */
const LETTERS_MAX = 1_000;
const DEPTH_MAX = 32;

class ConditionFault extends Error {
  readonly problem: FormulaProblem;
  constructor(column: number, message: string, advice?: string) {
    super(message);
    this.problem = { column, message, ...(advice === undefined ? {} : { advice }) };
  }
}

interface Word {
  readonly text: string;
  /** Counted from 0. */
  readonly at: number;
}

const JOINTS: readonly string[] = ["and", "or", ")"];
const COMPARISONS: readonly Limit["comparison"][] = ["above", "below", "at least", "at most"];

class ConditionParser {
  readonly used = new Set<string>();
  readonly limits: WrittenLimit[] = [];
  readonly #text: string;
  readonly #channels: ReadonlyMap<string, ConditionChannel>;
  readonly #quantity: (text: string, unit: string) => number | undefined;
  readonly #words: readonly Word[];
  #at = 0;
  #depth = 0;

  constructor(
    text: string,
    channels: ReadonlyMap<string, ConditionChannel>,
    quantity: (text: string, unit: string) => number | undefined,
  ) {
    this.#text = text;
    this.#channels = channels;
    this.#quantity = quantity;
    this.#words = [...text.slice(0, LETTERS_MAX).matchAll(/[()]|[^\s()]+/g)].map((m) => ({ text: m[0], at: m.index }));
  }

  whole(): Test {
    if (this.#text.length > LETTERS_MAX) {
      throw new ConditionFault(LETTERS_MAX + 1, `the condition is longer than ${LETTERS_MAX} letters`);
    }
    const test = this.#either();
    const more = this.#peek();
    if (more.text !== "") throw this.#fault(more, `unexpected "${more.text}"`, "join two conditions with and / or");
    return test;
  }

  #either(): Test {
    let left = this.#both();
    while (this.#take("or")) left = either(left, this.#both());
    return left;
  }

  #both(): Test {
    let left = this.#single();
    while (this.#take("and")) left = both(left, this.#single());
    return left;
  }

  #single(): Test {
    if (++this.#depth > DEPTH_MAX) throw this.#fault(this.#peek(), `nested deeper than ${DEPTH_MAX} levels`);
    const test = this.#take("not") ? not(this.#single()) : this.#take("(") ? this.#inner() : this.#comparison();
    this.#depth--;
    return test;
  }

  #inner(): Test {
    const test = this.#either();
    if (!this.#take(")")) throw this.#fault(this.#peek(), 'expected ")" to close the parenthesis');
    return test;
  }

  #comparison(): Test {
    const word = this.#next();
    const channel = this.#channels.get(word.text);
    if (channel === undefined) throw this.#unknownChannel(word);
    this.used.add(word.text);
    const operator = this.#next();
    if (operator.text === "is") return this.#isState(word.text, channel);
    const comparison = operator.text === "at" ? `at ${this.#next().text}` : operator.text;
    if (!isComparison(comparison)) {
      const known = channel.states === undefined ? COMPARISONS : ["is", "is not"];
      throw this.#fault(
        operator,
        operator.text === "" ? `expected a comparison after ${word.text}` : `"${comparison}" compares nothing`,
        INSTEAD.get(operator.text) ?? `write ${known.join(", ")}`,
      );
    }
    const at = this.limits.length;
    this.limits.push({ channel: word.text, comparison, ...this.#number(word.text, channel) });
    return compares(word.text, comparison, at);
  }

  #isState(name: string, { states }: ConditionChannel): Test {
    const isNegated = this.#take("not");
    const word = this.#next();
    if (states === undefined) {
      throw this.#fault(word, `${name} has no states`, `compare it: ${name} above …, below …, at least …, at most …`);
    }
    const numbers = [...states].filter(([, state]) => state === word.text).map(([number]) => number);
    if (numbers.length === 0) {
      const near = nearestWord(word.text, states.values());
      const advice =
        near === undefined ? `its states are ${[...states.values()].join(", ")}` : `did you mean "${near}"?`;
      throw this.#fault(word, word.text === "" ? "expected a state" : `${name} has no state "${word.text}"`, advice);
    }
    const is: Test = (valueOf) => {
      const value = valueOf(name);
      return value === undefined ? undefined : numbers.includes(value);
    };
    return isNegated ? not(is) : is;
  }

  #number(name: string, { unit }: ConditionChannel): Omit<WrittenLimit, "channel" | "comparison"> {
    const first = this.#peek();
    while (!["", ...JOINTS].includes(this.#peek().text)) this.#at++;
    const last = this.#words[this.#at - 1];
    const written =
      last === undefined || last.at < first.at ? "" : this.#text.slice(first.at, last.at + last.text.length);
    const limit = written === "" ? undefined : this.#quantity(written, unit);
    if (limit !== undefined && Number.isFinite(limit))
      return { value: limit, unit, from: first.at, to: first.at + written.length };
    const wanted = unit === "" ? "a number" : `a number in ${unit}`;
    const message =
      written === "" ? `expected ${wanted} for ${name}` : `can't read "${written}" as ${wanted} for ${name}`;
    throw this.#fault(first, message);
  }

  #unknownChannel(word: Word): ConditionFault {
    if (word.text === "") return this.#fault(word, "the condition ends too early: expected a channel");
    const near = nearestWord(word.text, this.#channels.keys());
    const all = `the channels are ${[...this.#channels.keys()].join(", ")}`;
    return this.#fault(word, `unknown channel "${word.text}"`, near === undefined ? all : `did you mean "${near}"?`);
  }

  #fault(word: Word, message: string, advice?: string): ConditionFault {
    return new ConditionFault(word.at + 1, message, advice);
  }

  #peek(): Word {
    return this.#words[this.#at] ?? { text: "", at: this.#text.length };
  }

  #next(): Word {
    const word = this.#peek();
    this.#at++;
    return word;
  }

  #take(text: string): boolean {
    if (this.#peek().text !== text) return false;
    this.#at++;
    return true;
  }
}

const isComparison = (text: string): text is Limit["comparison"] =>
  COMPARISONS.some((comparison) => comparison === text);

const INSTEAD: ReadonlyMap<string, string> = new Map([
  [">", "write above"],
  ["<", "write below"],
  [">=", "write at least"],
  ["<=", "write at most"],
  ["=", "write is"],
  ["==", "write is"],
  ["!=", "write is not"],
  ["over", "write above"],
  ["under", "write below"],
]);

function compares(name: string, comparison: Limit["comparison"], at: number): Test {
  const holds = HOLDS[comparison];
  return (valueOf, numbers) => {
    const [value, limit] = [valueOf(name), numbers[at]];
    return value === undefined || limit === undefined ? undefined : holds(value, limit);
  };
}

const HOLDS: Readonly<Record<Limit["comparison"], (value: number, limit: number) => boolean>> = {
  above: (value, limit) => value > limit,
  below: (value, limit) => value < limit,
  "at least": (value, limit) => value >= limit,
  "at most": (value, limit) => value <= limit,
};

const not =
  (inner: Test): Test =>
  (valueOf, numbers) => {
    const holds = inner(valueOf, numbers);
    return holds === undefined ? undefined : !holds;
  };

const both =
  (left: Test, right: Test): Test =>
  (valueOf, numbers) => {
    const first = left(valueOf, numbers);
    if (first === false) return false;
    const second = right(valueOf, numbers);
    return second === false ? false : first === undefined || second === undefined ? undefined : true;
  };

const either =
  (left: Test, right: Test): Test =>
  (valueOf, numbers) => {
    const first = left(valueOf, numbers);
    if (first === true) return true;
    const second = right(valueOf, numbers);
    return second === true ? true : first === undefined || second === undefined ? undefined : false;
  };

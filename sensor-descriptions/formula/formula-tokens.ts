/** Cuts a formula into tokens. Numbers are decimal (with exponent) or hex; names are letters, digits and `_`. */
import type { FormulaProblem } from "../spec.ts";

/** Longer text is no formula of a person. */
const FORMULA_LETTERS_MAX = 2_000;

export interface Token {
  readonly kind: "number" | "name" | "sign" | "end";
  readonly text: string;
  /** For kind "number". */
  readonly value: number;
  /** Counted from 1. */
  readonly column: number;
}

/** Carries a problem out of the parser; never leaves this package's `parse…` functions. */
export class FormulaFault extends Error {
  readonly problem: FormulaProblem;
  constructor(column: number, message: string, advice?: string) {
    super(message);
    this.problem = { column, message, ...(advice === undefined ? {} : { advice }) };
  }
}

const SPACE = /[ \t\r\n]+/y;
const NUMBER = /0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const SIGN = /\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~<>!?:(),;=]/y;

/** Throws FormulaFault at the first character that belongs to no token. */
export function tokensOf(text: string): Token[] {
  if (text.length > FORMULA_LETTERS_MAX) {
    throw new FormulaFault(FORMULA_LETTERS_MAX + 1, `the formula is longer than ${FORMULA_LETTERS_MAX} letters`);
  }
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const space = take(SPACE);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const token = nextToken(take, at + 1) ?? unknownLetter(text, at);
    tokens.push(token);
    at += token.text.length;
  }
  tokens.push({ kind: "end", text: "", value: 0, column: text.length + 1 });
  return tokens;
}

function nextToken(take: (pattern: RegExp) => string | undefined, column: number): Token | undefined {
  const number = take(NUMBER);
  if (number !== undefined) return numberToken(number, column);
  const name = take(NAME);
  if (name !== undefined) return { kind: "name", text: name, value: 0, column };
  const sign = take(SIGN);
  return sign === undefined ? undefined : { kind: "sign", text: sign, value: 0, column };
}

function numberToken(text: string, column: number): Token {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new FormulaFault(column, `the number ${text} is too large`);
  return { kind: "number", text, value, column };
}

function unknownLetter(text: string, at: number): never {
  const letter = String.fromCodePoint(text.codePointAt(at) ?? 0);
  throw new FormulaFault(at + 1, `"${letter}" has no place in a formula`, ADVICE.get(letter));
}

const ADVICE: ReadonlyMap<string, string> = new Map([
  ["°", "formulas compute with bare numbers; write the unit at `unit:`"],
  ["×", "multiply with *"],
  ["·", "multiply with *"],
  ["÷", "divide with /"],
  ["−", "this is a typographic minus; write -"],
  ["–", "this is a dash; write -"],
  ["²", "write x ** 2"],
  ["=", "write == to compare"],
  ['"', "formulas know numbers only, no text"],
  ["'", "formulas know numbers only, no text"],
  [".", "names hold letters, digits and _"],
  ["{", "write the name without braces"],
]);

/**
 * A small part of IoT Hub's query language, for twins:
 *
 *   SELECT * FROM devices [WHERE condition]
 *   condition := path (= | != | <> | < | <= | > | >=) literal | IS_DEFINED(path) | path IN [literal, …]
 *              | NOT condition | condition AND condition | condition OR condition | (condition)
 *   path      := deviceId | status | connectionState | tags.… | properties.desired.… | properties.reported.…
 *
 * What isn't defined compares as false, whichever the operator; types don't mix.
 */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { ServiceError } from "../errors.ts";

export type Predicate = (twin: JsonObject) => boolean;

/** A query is text from a person; so long a one is none. */
const QUERY_CHARACTERS_MAX = 4_096;
const TOKEN = /\s*(?:('(?:[^']|'')*'|"[^"]*")|(-?\d+(?:\.\d+)?)|(<=|>=|<>|!=|[=<>()[\],*])|([A-Za-z_$][\w$.-]*))/y;

/** Throws ServiceError 400 that names the place. */
export function parseQuery(text: string): Predicate {
  if (text.length > QUERY_CHARACTERS_MAX) throw bad(`the query is longer than ${QUERY_CHARACTERS_MAX} characters`);
  const tokens = tokensOf(text);
  let at = 0;
  const peek = (): string => tokens[at] ?? "";
  const isWord = (word: string): boolean => peek().toUpperCase() === word;
  const take = (word: string): void => {
    if (!isWord(word)) throw bad(`${word} is expected, not ${peek() === "" ? "the end" : peek()}`);
    at += 1;
  };
  const next = (): string => {
    const token = peek();
    if (token === "") throw bad("the query ends too early");
    at += 1;
    return token;
  };

  const either = (): Predicate => {
    let left = both();
    while (isWord("OR")) {
      at += 1;
      const [first, second] = [left, both()];
      left = (twin) => first(twin) || second(twin);
    }
    return left;
  };
  const both = (): Predicate => {
    let left = single();
    while (isWord("AND")) {
      at += 1;
      const [first, second] = [left, single()];
      left = (twin) => first(twin) && second(twin);
    }
    return left;
  };
  const single = (): Predicate => {
    if (isWord("NOT")) {
      at += 1;
      const inner = single();
      return (twin) => !inner(twin);
    }
    if (isWord("(")) {
      at += 1;
      const inner = either();
      take(")");
      return inner;
    }
    if (isWord("IS_DEFINED")) {
      at += 1;
      take("(");
      const path = pathFrom(next());
      take(")");
      return (twin) => valueAt(twin, path) !== undefined;
    }
    return comparison();
  };
  const comparison = (): Predicate => {
    const path = pathFrom(next());
    if (isWord("IN")) {
      at += 1;
      const wanted = list();
      return (twin) => wanted.includes(valueAt(twin, path) ?? null);
    }
    const operator = next();
    const wanted = literalFrom(next());
    return (twin) => compare(valueAt(twin, path), operator, wanted);
  };
  const list = (): Json[] => {
    take("[");
    const found: Json[] = [literalFrom(next())];
    while (isWord(",")) {
      at += 1;
      found.push(literalFrom(next()));
    }
    take("]");
    return found;
  };

  for (const word of ["SELECT", "*", "FROM", "DEVICES"]) take(word);
  if (peek() === "") return () => true;
  take("WHERE");
  const predicate = either();
  if (peek() !== "") throw bad(`nothing is expected after ${tokens[at - 1]}, but there is ${peek()}`);
  return predicate;
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.trimEnd().length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) throw bad(`"${text.slice(at, at + 20)}" is not understood`);
    tokens.push(found[0].trim());
  }
  return tokens;
}

function pathFrom(token: string): readonly string[] {
  const path = token.replace(/^devices\./i, "").split(".");
  const isKnown =
    ["deviceId", "status", "connectionState", "tags"].includes(path[0] ?? "") ||
    (path[0] === "properties" && (path[1] === "desired" || path[1] === "reported"));
  if (!isKnown) throw bad(`${token} is nothing to ask for`);
  return path;
}

function literalFrom(token: string): Json {
  if (/^['"]/.test(token)) return token.slice(1, -1).replaceAll("''", "'");
  if (/^-?\d/.test(token)) return Number(token);
  if (/^(true|false)$/i.test(token)) return token.toLowerCase() === "true";
  if (/^null$/i.test(token)) return null;
  throw bad(`${token} is no value: 'text', a number, true, false or null`);
}

function valueAt(twin: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = twin;
  for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

function compare(value: Json | undefined, operator: string, wanted: Json): boolean {
  if (value === undefined) return false;
  if (operator === "=") return value === wanted;
  if (operator === "!=" || operator === "<>") return value !== wanted;
  if (typeof value !== typeof wanted || (typeof value !== "number" && typeof value !== "string")) return false;
  const other = wanted as typeof value;
  switch (operator) {
    case "<":
      return value < other;
    case "<=":
      return value <= other;
    case ">":
      return value > other;
    case ">=":
      return value >= other;
    default:
      throw bad(`${operator} is no comparison`);
  }
}

const bad = (text: string): ServiceError => new ServiceError(400, 400004, `the query: ${text}`);

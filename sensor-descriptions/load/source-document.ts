/**
 * A description file as a tree of texts with their places. Every scalar is the text that stands in the file, so that
 * 0x76, 010, yes and 1e400 mean what the schema says and not what one YAML version or the other makes of them.
 *
 * Bounds, in this order: the file's size; the nesting, measured on the yaml package's token tree, which it builds
 * without recursion in time linear in the text; only then its composer, which recurses and can take the whole process
 * down on deep input; then the number of references and of values.
 */
import { Composer, type CST, type Document, LineCounter, Parser } from "yaml";
import { type Said, say } from "../messages.ts";
import type { Problem } from "../problems.ts";
import { mendLines } from "./line-traps.ts";
import { createTreeBuilder, type Path, type Place, type Places, placeKey, type Tree } from "./tree.ts";

export const FILE_BYTES_MAX = 64 * 1024;
export const NESTING_MAX = 100;

export type { Path, Tree } from "./tree.ts";

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Of an earlier reading; taken only when the text is the same. */
  readonly kept?: KeptTree;
}

/** What a text without any problem was read as, for who reads the same text again. JSON. */
export interface KeptTree {
  readonly text: string;
  readonly tree: Tree;
  readonly places: readonly (readonly [key: string, places: { readonly key?: Place; readonly value?: Place }])[];
}

export interface SourceDocument {
  readonly path: string;
  /** Undefined when there is nothing that could be looked at. */
  readonly tree: Tree | undefined;
  readonly problems: readonly Problem[];
  /** A problem at the value or the key of a path; the nearest known place above it otherwise. */
  problem(at: Path, said: Said, part?: "key" | "value", column?: number): Problem;
  /** Whether the file says something there, be it right or wrong: then its absence needn't be told. */
  has(at: Path): boolean;
  /** Line, from 1. */
  lineOf(at: Path): number;
  /** "bme280.yaml:12"; of a value that several files say together, the file that counts first. */
  originOf(at: Path): string;
}

interface Reader {
  readonly problems: Problem[];
  readonly places: Places;
  report(start: number, end: number, said: Said): void;
  lineOf(offset: number): number;
}

/** undefined for a text with problems. */
export function keptTreeOf(text: string, isKey: (word: string) => boolean): KeptTree | undefined {
  const places: Places = new Map();
  const { tree, problems } = readInto(places, { path: "", text }, isKey);
  return tree === undefined || problems.length > 0 ? undefined : { text, tree, places: [...places] };
}

/** Never throws; what can't be read is among the problems. */
export function readDocument(file: SourceFile, isKey: (word: string) => boolean): SourceDocument {
  return readInto(new Map(file.kept?.text === file.text ? file.kept.places : []), file, isKey);
}

function readInto(places: Places, file: SourceFile, isKey: (word: string) => boolean): SourceDocument {
  const problems: Problem[] = [];
  const lines = new LineCounter();
  const original = new LineCounter();
  const bytes = Buffer.byteLength(file.text, "utf8");
  const isTooLarge = bytes > FILE_BYTES_MAX;
  const mended = mendLines(isTooLarge ? "" : file.text, isKey);
  countLines(original, isTooLarge ? file.text.slice(0, 1) : file.text);
  const problemAt = (start: number, length: number, said: Said): Problem => {
    const { line, col } = original.linePos(start);
    return { ...said, path: file.path, line: Math.max(1, line), column: Math.max(1, col), length: Math.max(1, length) };
  };
  const reader: Reader = {
    problems,
    places,
    lineOf: (offset) => lines.linePos(offset).line,
    report: (start, end, said) => {
      const from = mended.originalOffset(start);
      problems.push(problemAt(from, mended.originalOffset(end) - from, said));
    },
  };
  if (isTooLarge) problems.push(problemAt(0, 1, say.fileTooLarge(bytes, FILE_BYTES_MAX)));
  for (const trap of mended.traps) problems.push(problemAt(trap.offset, trap.length, trap.said));
  const lineOf = (at: Path): number =>
    original.linePos(mended.originalOffset(placeOf(reader.places, at, "key").start)).line;
  const isReadable = !isTooLarge && !isIndentedBothWays(file.text);
  const kept = file.kept?.text === file.text ? file.kept.tree : undefined;
  const tree = kept ?? (isReadable ? readTree(mended.text, lines, reader) : undefined);
  return {
    path: file.path,
    tree,
    problems,
    problem: (at, said, part = "value", column) => {
      const place = placeOf(reader.places, at, part);
      const start = place.start + (column === undefined ? 0 : place.quote + column);
      const from = mended.originalOffset(start);
      return problemAt(from, column === undefined ? mended.originalOffset(place.end) - from : 1, said);
    },
    has: (at) => reader.places.has(placeKey(at)),
    lineOf,
    originOf: (at) => `${file.path}:${lineOf(at)}`,
  };
}

/** How wide a tab was meant beside spaces nobody knows: the tabs are told, and nothing is made of the rest. */
const isIndentedBothWays = (text: string): boolean => /^ *\t[ \t]*[^\s#]/m.test(text) && /^ +[^\s#]/m.test(text);

function countLines(counter: LineCounter, text: string): void {
  counter.addNewLine(0);
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) counter.addNewLine(at + 1);
}

function placeOf(places: Places, at: Path, part: "key" | "value"): Place {
  for (let length = at.length; length >= 0; length--) {
    const found = places.get(placeKey(at.slice(0, length)));
    const place =
      length === at.length
        ? part === "key"
          ? (found?.key ?? found?.value)
          : (found?.value ?? found?.key)
        : (found?.key ?? found?.value);
    if (place) return place;
  }
  return { start: 0, end: 1, quote: 0 };
}

function readTree(text: string, lines: LineCounter, reader: Reader): Tree | undefined {
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const deep = tooDeep(tokens);
  if (deep !== undefined) {
    reader.report(deep, deep + 1, say.nestedTooDeep(NESTING_MAX));
    return undefined;
  }
  const documents = [
    ...new Composer({ schema: "failsafe", uniqueKeys: false, merge: false, strict: false, logLevel: "silent" }).compose(
      tokens,
    ),
  ];
  const [first, second] = documents;
  if (!first?.contents) {
    reader.report(0, 1, say.fileIsEmpty());
    return undefined;
  }
  reportSyntax(first, text, reader);
  if (second) reader.report(second.range[0], second.range[0] + 3, say.severalDocuments());
  return createTreeBuilder(reader)(first.contents);
}

/** Offset of the first token that stands too deep. An explicit stack: the input decides the depth. */
function tooDeep(tokens: readonly CST.Token[]): number | undefined {
  const stack: { token: CST.Token; depth: number }[] = tokens.map((token) => ({ token, depth: 0 }));
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const { token, depth } = entry;
    if (depth > NESTING_MAX) return "offset" in token ? token.offset : 0;
    if (token.type === "document" && token.value) stack.push({ token: token.value, depth });
    if (!("items" in token)) continue;
    for (const item of token.items) {
      if (item.key) stack.push({ token: item.key, depth: depth + 1 });
      if (item.value) stack.push({ token: item.value, depth: depth + 1 });
    }
  }
  return undefined;
}

const LINES_NEAR = 3;

/**
 * What the composer has to say; duplicate keys and references are ours. Where it loses its way it complains about the
 * next lines as well: of lines that follow each other only the first is told.
 */
function reportSyntax(document: Document.Parsed, text: string, reader: Reader): void {
  let last = Number.NEGATIVE_INFINITY;
  for (const problem of [...document.errors, ...document.warnings]) {
    const reason = problem.message.split(" at line ")[0]?.split("\n")[0] ?? "";
    const line = reader.lineOf(problem.pos[0]);
    if (problem.code === "BAD_ALIAS" || problem.code === "TAG_RESOLVE_FAILED") continue;
    const isConsequence = line - last <= LINES_NEAR;
    last = Math.max(last, line);
    if (isConsequence) continue;
    const question = problem.code === "BLOCK_IN_FLOW" ? questionAt(text, problem.pos[0]) : undefined;
    const said = question === undefined ? say.notYaml(problem.code, reason.replace(/\.$/, "")) : say.unquoted(question);
    reader.report(problem.pos[0], problem.pos[1], said);
  }
}

/** `a > 0 ? a : 0` between braces, where YAML takes "? " for the beginning of a key. */
const questionAt = (text: string, at: number): string | undefined =>
  /^[^,{}[\]\n"']*\s\?\s[^,{}[\]\n"']*/.exec(text.slice(at, at + QUESTION_LETTERS_MAX))?.[0].trim();
const QUESTION_LETTERS_MAX = 500;

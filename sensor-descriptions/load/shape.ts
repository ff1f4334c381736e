/**
 * Fits a file's tree to a zod shape and says everything that doesn't fit in one pass: zod gives no value at all when
 * anything is wrong, so what was complained about is taken out and the rest is looked at again. What comes out is the
 * part of the file that can be judged further.
 */
import * as z from "zod";
import { type Said, say } from "../messages.ts";
import type { Problem } from "../problems.ts";
import * as s from "../scalars.ts";
import { unwrapped } from "../schema.ts";
import { nearestWord } from "../spelling.ts";
import { explainedKey } from "./explained-keys.ts";
import type { Path, SourceDocument, Tree } from "./source-document.ts";

export interface Fitted<T> {
  /** Undefined when the file as a whole has no shape; else what fits (never with a problem unsaid). */
  readonly value?: T;
  readonly problems: readonly Problem[];
}

/** Each round takes out at least one thing, and after a few the root itself; a file has at most this many levels. */
const ROUNDS_MAX = 20;

export function fit<S extends z.ZodType>(shape: S, document: SourceDocument): Fitted<z.output<S>> {
  const problems: Problem[] = [];
  let tree = document.tree;
  const removed = new Set<string>();
  const isBroken = document.problems.some((problem) => LOST.has(problem.code));
  const wanted = keysAt(shape, []);
  const isMiddle =
    typeof tree === "object" && !Array.isArray(tree) && !Object.keys(tree).some((key) => wanted.includes(key));
  if (isMiddle && !isBroken) return { problems: [document.problem([], say.noBeginning(wanted))] };
  for (let round = 0; round < ROUNDS_MAX && tree !== undefined; round++) {
    const result = shape.safeParse(tree);
    if (result.success) return { value: result.data, problems };
    for (const issue of result.error.issues) {
      if (isBroken && isMaybeConsequence(issue, tree)) continue;
      const lacking = isMissing(issue, tree);
      if (!lacking || !removed.has(pathName(issue.path))) problems.push(...problemsOf(issue, tree, shape, document));
    }
    tree = without(tree, result.error.issues, removed);
  }
  return { problems };
}

/** Where YAML loses its way, and where a second file begins: what is missing may stand behind. */
const LOST: ReadonlySet<string> = new Set(["D109", "D110"]);

type Issue = z.core.$ZodIssue;

const pathName = (path: Path): string => JSON.stringify(path.map(String));

function nodeAt(tree: Tree, path: Path): Tree | undefined {
  let node: Tree | undefined = tree;
  for (const key of path) {
    if (typeof node !== "object") return undefined;
    node = Array.isArray(node) ? node[Number(key)] : Object.hasOwn(node, String(key)) ? node[String(key)] : undefined;
  }
  return node;
}

/** Where YAML lost its way, sections end early and values become sections: only that is told, not what follows. */
const isMaybeConsequence = (issue: Issue, tree: Tree): boolean =>
  issue.code === "invalid_type" || isMissing(issue, tree) || nodeAt(tree, issue.path) === "";

const isMissing = (issue: Issue, tree: Tree): boolean =>
  issue.path.length > 0 &&
  nodeAt(tree, issue.path) === undefined &&
  nodeAt(tree, issue.path.slice(0, -1)) !== undefined;

function problemsOf(issue: Issue, tree: Tree, shape: z.ZodType, document: SourceDocument): Problem[] {
  const last = String(issue.path.at(-1) ?? "the file");
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(shape, issue.path);
    return issue.keys.map((key, index) => {
      const said = explainedKey(issue.path, key) ?? unknownKey(key, index < COMPARED_MAX ? known : []);
      return document.problem([...issue.path, key], said, "key");
    });
  }
  if (issue.code === "invalid_key") {
    return issue.issues.map((inner) =>
      document.problem(issue.path, failureOf(inner)?.said ?? say.badName(last), "key"),
    );
  }
  if (isMissing(issue, tree)) {
    const parent = issue.path.slice(0, -1);
    if (isMisspelt(last, nodeAt(tree, parent), keysAt(shape, parent))) return [];
    const where = parent.length === 0 ? "this file" : `"${String(parent.at(-1))}"`;
    return [document.problem(parent, say.missingKey(last, where), "key")];
  }
  const node = nodeAt(tree, issue.path);
  const advised = failureOf(issue) ? undefined : s.SHAPE_ADVICE.get(schemaAt(shape, issue.path) as z.ZodType);
  if (advised) return [document.problem(issue.path, advised.said(typeof node === "string" ? node : undefined))];
  if (node === "") return [document.problem(issue.path, say.noValue(last), "key")];
  const failure = failureOf(issue);
  if (failure) return [document.problem(issue.path, failure.said, "value", failure.column)];
  return [document.problem(issue.path, wanted(issue, node), "key")];
}

/** Of a section with thousands of keys the first ones are compared with what was meant; more aren't shown either. */
const COMPARED_MAX = 100;

/** "tpye" beside no "type" is one mistake, which is told at the wrong word. */
function isMisspelt(missing: string, parent: Tree | undefined, known: readonly string[]): boolean {
  const keys = typeof parent === "object" ? Object.keys(parent).slice(0, COMPARED_MAX) : [];
  const unknown = keys.filter((key) => !known.includes(key));
  const lacking = known.filter((key) => !(typeof parent === "object" && Object.hasOwn(parent, key)));
  return unknown.some((key) => nearestWord(key, known) === missing || nearestWord(key, lacking) === missing);
}

const failureOf = (issue: z.core.$ZodRawIssue | Issue): s.Failure | undefined =>
  issue.code === "custom" ? (issue["params"] as { failure?: s.Failure } | undefined)?.failure : undefined;

/** "byte:1" inside braces is a key of its own to YAML: the space is what is missing. */
export function unknownKey(key: string, known: readonly string[]): Said {
  if (/^\d/.test(key) && !known.some((one) => /^\d/.test(one))) return say.commaInBraces(key);
  const [, word, rest] = /^([a-z-]+):(.+)$/.exec(key) ?? [];
  if (word !== undefined && rest !== undefined && known.includes(word)) return say.missingSpace(word, rest);
  return say.unknownKey(key, nearestWord(key, known), known);
}

function wanted(issue: Issue, node: Tree | undefined): Said {
  const got = Array.isArray(node)
    ? "a list"
    : typeof node === "object"
      ? "a section"
      : `"${(node ?? "").slice(0, 40)}"`;
  const expected = issue.code === "invalid_type" ? issue.expected : issue.code === "too_small" ? "array" : "string";
  if (expected === "object" || expected === "record") return say.wantedSection(got);
  return expected === "array" ? say.wantedList(got) : say.wantedValue(got);
}

/** Which keys the shape knows at a place. */
export function keysAt(shape: z.core.$ZodType, path: Path): string[] {
  const at = schemaAt(shape, path);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function schemaAt(shape: z.core.$ZodType, path: Path): z.core.$ZodType {
  let at = unwrapped(shape);
  for (const key of path) {
    if (at instanceof z.ZodObject) at = unwrapped((at.shape as Record<string, z.core.$ZodType>)[String(key)] ?? at);
    else if (at instanceof z.ZodRecord) at = unwrapped(at.valueType);
    else if (at instanceof z.ZodArray) at = unwrapped(at.element);
  }
  return at;
}

/** The tree without what the issues complain about; a whole list goes with one of its entries, for places are numbers. */
function without(tree: Tree, issues: readonly Issue[], removed: Set<string>): Tree | undefined {
  const copy = structuredClone(tree);
  let rest: Tree | undefined = copy;
  for (const issue of issues) {
    const paths =
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => [...issue.path, key])
        : [isMissing(issue, tree) ? issue.path.slice(0, -1) : issue.path];
    for (const path of paths) if (!removeAt(copy, path, removed)) rest = undefined;
  }
  return rest;
}

function removeAt(tree: Tree, path: Path, removed: Set<string>): boolean {
  const list = path.findIndex((_, index) => Array.isArray(nodeAt(tree, path.slice(0, index))));
  const whole = list < 0 ? path : path.slice(0, list);
  const parent = nodeAt(tree, whole.slice(0, -1));
  const key = whole.at(-1);
  removed.add(pathName(whole));
  if (key === undefined) return false;
  if (typeof parent === "object" && !Array.isArray(parent)) delete parent[String(key)];
  return true;
}

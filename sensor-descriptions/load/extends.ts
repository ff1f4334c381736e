/**
 * A device file that `extends:` another one, as one document: section by section and name by name, what the file says
 * itself counts before what its base says. Lists (`frame:`, `measure:`, …) are taken as a whole. `NAME: none` takes
 * away what the base says; only where words are values of their own (the names of states, the texts of refusals) it is
 * that word. The base's examples stay with the base: `inherited-examples.ts`.
 */
import { formulaName } from "../formula/formula.ts";
import { type Said, say } from "../messages.ts";
import type { Problem } from "../problems.ts";
import { nearestWord } from "../spelling.ts";
import type { Path, SourceDocument, Tree } from "./source-document.ts";
import { placeKey } from "./tree.ts";

export type Section = { [key: string]: Tree };

export const isSection = (tree: Tree | undefined): tree is Section => typeof tree === "object" && !Array.isArray(tree);

/** The section at a path, empty when there is none. */
export function sectionAt(tree: Tree | undefined, ...path: readonly string[]): Section {
  let node = tree;
  for (const key of path) node = isSection(node) && Object.hasOwn(node, key) ? node[key] : undefined;
  return isSection(node) ? node : {};
}

/** The word that takes away what the base says. */
export const NONE = "none";
const OWN_ONLY: ReadonlySet<string> = new Set(["format", "type", "extends", "examples"]);
const WORDS: ReadonlySet<string> = new Set(["states", "refusals", "where"]);

interface Merge {
  readonly own: SourceDocument;
  readonly base: SourceDocument;
  readonly baseName: string;
  /** What was said when the base was read by itself. */
  readonly known: readonly Problem[];
  /** Place keys below which the base says nothing any more. */
  readonly replaced: Set<string>;
  readonly removed: Path[];
  readonly problems: Problem[];
}

/**
 * `base` is without mistakes by itself. So a mistake at one of its lines comes from what this file changes, and is said
 * there; what the base's own reading says about its lines (warnings) keeps its place, and the caller leaves it out.
 */
export function extendDocument(
  own: SourceDocument,
  base: SourceDocument,
  baseName: string,
  known: readonly Problem[],
): SourceDocument {
  const merge: Merge = { own, base, baseName, known, replaced: new Set(), removed: [], problems: [...own.problems] };
  for (const key of OWN_ONLY) merge.replaced.add(placeKey([key]));
  const tree = isSection(own.tree) && isSection(base.tree) ? merged(merge, own.tree, base.tree, []) : own.tree;
  const isReplaced = (at: Path): boolean => at.some((_, index) => merge.replaced.has(placeKey(at.slice(0, index + 1))));
  const isOfBase = (at: Path): boolean => base.has(at) && !isReplaced(at);
  const ownerOf = (at: Path): SourceDocument => {
    for (let length = at.length; length > 0; length--) {
      if (own.has(at.slice(0, length))) return own;
      if (isOfBase(at.slice(0, length))) return base;
    }
    return own;
  };
  return {
    path: own.path,
    tree,
    problems: merge.problems,
    has: (at) => own.has(at) || isOfBase(at),
    lineOf: (at) => ownerOf(at).lineOf(at),
    originOf: (at) =>
      own.has(at) && isOfBase(at) && isSection(nodeAt(own.tree, at))
        ? `${own.originOf(at)}, rest ${base.originOf(at)}`
        : ownerOf(at).originOf(at),
    problem: (at, said, part, column) =>
      ownerOf(at) === own ? own.problem(at, said, part, column) : blamed(merge, at, said, part, column),
  };
}

function merged(merge: Merge, own: Section, base: Section, at: Path): Section {
  const tree: Section = {};
  for (const [key, value] of Object.entries(base)) if (at.length > 0 || !OWN_ONLY.has(key)) tree[key] = value;
  for (const [key, value] of Object.entries(own)) {
    const place = [...at, key];
    const below = Object.hasOwn(tree, key) ? tree[key] : undefined;
    if (value === NONE && !WORDS.has(String(at.at(-1))) && !OWN_ONLY.has(key)) {
      if (below === undefined) merge.problems.push(merge.own.problem(place, nothingThere(merge, key, tree), "key"));
      else merge.removed.push(place);
      merge.replaced.add(placeKey(place));
      delete tree[key];
    } else if (isSection(value) && isSection(below)) tree[key] = merged(merge, value, below, place);
    else {
      if (isSection(below) || Array.isArray(below)) merge.replaced.add(placeKey(place));
      tree[key] = value;
    }
  }
  return tree;
}

const nothingThere = ({ baseName }: Merge, key: string, tree: Section): Said =>
  say.nothingToTakeAway(key, baseName, nearestWord(key, Object.keys(tree)), Object.keys(tree));

/** At what this file took away when that is what is missed, else at the nearest thing that it says, else at `extends:`. */
function blamed(merge: Merge, at: Path, said: Said, part?: "key" | "value", column?: number): Problem {
  const { own, base, removed, known } = merge;
  const there = base.problem(at, said, part, column);
  if (known.some((problem) => isSame(problem, there))) return there;
  const missed = removed.find((path) => isNamedIn(said.message, String(path.at(-1))));
  const near = at
    .map((_, index) => at.slice(0, at.length - 1 - index))
    .find((path) => path.length > 0 && own.has(path));
  return own.problem(missed ?? near ?? ["extends"], say.noLongerFits(`${there.path}:${there.line}`, said), "key");
}

const isSame = (one: Problem, other: Problem): boolean =>
  one.code === other.code && one.path === other.path && one.line === other.line && one.column === other.column;

const isNamedIn = (message: string, name: string): boolean =>
  message.includes(`"${name}"`) || message.includes(`"${formulaName(name)}"`);

function nodeAt(tree: Tree | undefined, at: Path): Tree | undefined {
  let node = tree;
  for (const key of at) node = isSection(node) && Object.hasOwn(node, String(key)) ? node[String(key)] : undefined;
  return node;
}

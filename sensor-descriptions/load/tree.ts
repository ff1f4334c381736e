/** From YAML nodes to plain texts, lists and sections, with the place of each; references and names are bounded here. */
import { isAlias, isMap, isPair, isScalar, isSeq, type ParsedNode } from "yaml";
import { type Said, say } from "../messages.ts";

export type Tree = string | Tree[] | { [key: string]: Tree };
export type Path = readonly PropertyKey[];

export interface Place {
  readonly start: number;
  readonly end: number;
  /** 1 for a quoted scalar, whose text begins one character later. */
  readonly quote: number;
}

/** By place key. */
export type Places = Map<string, { key?: Place; value?: Place }>;

/** A file of a person has a handful of references (*name); each may repeat a whole section. */
const ALIASES_MAX = 100;
const VALUES_MAX = 20_000;
/** Names that mean something on every JavaScript object. */
const RESERVED: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** No key of a readable file holds this character: `line-traps.ts` refuses it. */
const SEPARATOR = "\u0000";
export const placeKey = (path: Path): string => path.map((key) => SEPARATOR + String(key)).join("");

interface Reader {
  readonly places: Places;
  report(start: number, end: number, said: Said): void;
  lineOf(offset: number): number;
}

type Section = Extract<ParsedNode, { items: unknown[] }>;

export function createTreeBuilder(reader: Reader): (node: ParsedNode) => Tree {
  let values = 0;
  let aliases = 0;
  const anchors = new Map<string, ParsedNode>();

  /** `at`: the place key of the node. */
  const build = (node: ParsedNode | null, at: string): Tree => {
    if (++values > VALUES_MAX) {
      if (values === VALUES_MAX + 1)
        reader.report(node?.range[0] ?? 0, node?.range[1] ?? 1, say.tooManyValues(VALUES_MAX));
      return "";
    }
    if (!node) return "";
    const quote = isScalar(node) && (node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE") ? 1 : 0;
    remember(reader.places, at, "value", { start: node.range[0], end: node.range[1], quote });
    if (isAlias(node)) return followed(node, at);
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isSeq(node)) {
      return node.items.map((item, index) => build(isPair(item) ? null : item, `${at}${SEPARATOR}${index}`));
    }
    return isMap(node) ? section(node, at) : textOf(node.value);
  };

  const followed = (node: ParsedNode & { source: string }, at: string): Tree => {
    const target = anchors.get(node.source);
    if (++aliases === ALIASES_MAX + 1) reader.report(node.range[0], node.range[1], say.tooManyAliases(ALIASES_MAX));
    if (aliases > ALIASES_MAX) return "";
    if (!target) reader.report(node.range[0], node.range[1], say.unknownAlias(node.source));
    if (!target) return "";
    // While it is followed it isn't known: a section can't contain itself.
    anchors.delete(node.source);
    const tree = build(target, at);
    anchors.set(node.source, target);
    return tree;
  };

  const section = (node: Section, at: string): Tree => {
    const tree: { [key: string]: Tree } = {};
    const first = new Map<string, number>();
    for (const pair of node.items) {
      if (!isPair(pair)) continue;
      const keyNode = pair.key as ParsedNode | null;
      const [start, end] = keyNode?.range ?? node.range;
      const key = isScalar(keyNode) ? textOf(keyNode.value) : "";
      const refused = keyProblem(key, first.get(key));
      if (refused) {
        reader.report(start, end, refused);
        continue;
      }
      first.set(key, reader.lineOf(start));
      const inner = at + SEPARATOR + key;
      remember(reader.places, inner, "key", { start, end, quote: 0 });
      tree[key] = build(pair.value, inner);
    }
    return tree;
  };
  return (node) => build(node, "");
}

/** The failsafe schema gives texts only; an absent value is none. */
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

function keyProblem(key: string, firstLine: number | undefined): Said | undefined {
  if (key === "") return say.keyIsNoText();
  if (RESERVED.has(key)) return say.reservedKey(key);
  return firstLine === undefined ? undefined : say.duplicateKey(key, firstLine);
}

/** The first place counts: an alias shows where it stands, not where its text comes from. */
function remember(places: Places, at: string, part: "key" | "value", place: Place): void {
  const known = places.get(at);
  if (!known) places.set(at, { [part]: place });
  else if (known[part] === undefined) known[part] = place;
}

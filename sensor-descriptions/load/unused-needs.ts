/** What a device file asks of the station file and then never uses: mostly a name that is written otherwise elsewhere. */
import { formulaName } from "../formula/formula.ts";
import { say } from "../messages.ts";
import type { Judge } from "./judge.ts";
import type { Tree } from "./source-document.ts";

/** Sections that speak of needs, or of anything, without using them. */
const SPEAKS_ONLY: ReadonlySet<string> = new Set(["needs", "examples", "label", "source", "note"]);

export function reportUnusedNeeds(judge: Judge, needs: Iterable<string>): void {
  const texts = textsIn(judge.document.tree ?? "");
  for (const name of needs) {
    // The protocol itself uses the address, or says that it doesn't.
    if (name === "address" || !judge.document.has(["needs", name])) continue;
    const used = new RegExp(`(?<![\\w-])(?:${formulaName(name)}|${name})(?![\\w-])`);
    if (!texts.some((text) => used.test(text))) judge.report(["needs", name], say.needUnused(name), "key");
  }
}

function textsIn(tree: Tree): readonly string[] {
  if (typeof tree === "string") return [tree];
  if (Array.isArray(tree)) return tree.flatMap(textsIn);
  return Object.entries(tree).flatMap(([key, value]) => (SPEAKS_ONLY.has(key) ? [] : textsIn(value)));
}

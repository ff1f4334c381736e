/**
 * How many entries a section or list of a file may have. Each bound is some ten times what real hardware needs; it is
 * there so that a file made by a mistake or by malice costs neither minutes nor memory on a small board.
 */
import { say } from "../messages.ts";
import type { Problem } from "../problems.ts";
import type { Path, SourceDocument, Tree } from "./source-document.ts";

/** By the key of the section, wherever it stands. */
const ENTRIES_MAX: Readonly<Record<string, number>> = {
  ports: 64,
  devices: 250,
  needs: 32,
  reads: 64,
  channels: 256,
  states: 256,
  choices: 256,
  refusals: 256,
  texts: 64,
  filter: 64,
  settings: 128,
  commands: 128,
  alarms: 64,
  examples: 200,
  transfers: 256,
  let: 256,
  fields: 256,
  frame: 16,
  "request-frame": 16,
  identify: 16,
  "set-up": 128,
  constants: 64,
  measure: 128,
  steps: 128,
  table: 256,
  "one-of": 256,
};
/** Of all reads together. */
const CHANNELS_MAX = 256;

/** Beyond a bound only this is told, and nothing more is made of the file. */
export function beyondBounds(document: SourceDocument): Problem[] {
  const problems: Problem[] = [];
  let channels = 0;
  const look = (node: Tree, at: Path): void => {
    if (typeof node === "string") return;
    const entries = Object.entries<Tree>(node as Record<string, Tree>);
    const key = String(at.at(-1) ?? "");
    const max = Object.hasOwn(ENTRIES_MAX, key) ? ENTRIES_MAX[key] : undefined;
    if (max !== undefined && entries.length > max) {
      problems.push(document.problem(at, say.tooManyEntries(key, entries.length, max), "key"));
      return;
    }
    if (key === "channels") channels += entries.length;
    for (const [name, inner] of entries) look(inner, [...at, name]);
  };
  if (document.tree !== undefined) look(document.tree, []);
  const isOnlyTogether = channels > CHANNELS_MAX && problems.length === 0;
  if (isOnlyTogether)
    problems.push(document.problem(["reads"], say.tooManyEntries("channels", channels, CHANNELS_MAX), "key"));
  return problems;
}

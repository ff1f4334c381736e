/** Description files with random damage: problems or a description come out, always one of both, at places that exist. */
import { type FindType, loadDeviceType, loadStation, type SourceFile } from "../load.ts";
import { hasErrors, type Problem } from "../problems.ts";
import { createRandom } from "./seeded-random.ts";

export interface FileFuzzCounts {
  readonly usable: number;
  readonly refused: number;
  /** How many runs said each message. */
  readonly codes: ReadonlyMap<string, number>;
  readonly slowestMs: number;
}

/** So many problems of one file are told, and one line says how many more there are. */
const TOLD_MAX = 51;

/**
 * `files`: valid ones, station files by their name. Throws Error with the seed of the run that went wrong; the same
 * seed gives the same runs. `nowMs` measures the slowest of them.
 */
export function fuzzFiles(
  files: readonly SourceFile[],
  findType: FindType,
  runs: number,
  seed: number,
  nowMs: () => number,
): FileFuzzCounts {
  const codes = new Map<string, number>();
  let [usable, slowestMs] = [0, 0];
  for (let run = 0; run < runs; run++) {
    const file = files[run % files.length];
    if (!file) throw new Error("no files");
    const text = damaged(file.text, createRandom(seed + run));
    const startedMs = nowMs();
    const loaded = loadChecked({ path: file.path, text }, findType, `${file.path}, seed ${seed + run}`);
    slowestMs = Math.max(slowestMs, nowMs() - startedMs);
    if (loaded.isUsable) usable++;
    for (const code of new Set(loaded.problems.map((problem) => problem.code))) {
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
  }
  return { usable, refused: runs - usable, codes, slowestMs };
}

/** Loads a file of either kind and throws Error when what comes out isn't what every file has to give. */
export function loadChecked(
  file: SourceFile,
  findType: FindType,
  what: string,
): { readonly isUsable: boolean; readonly problems: readonly Problem[] } {
  const { problems, isUsable } = loadAny(file, findType, what);
  if (isUsable === hasErrors(problems)) throw new Error(`${what}: usable ${isUsable}, errors ${hasErrors(problems)}`);
  const ours = problems.filter(({ path }) => path === file.path);
  if (ours.length > TOLD_MAX) throw new Error(`${what}: ${ours.length} problems are told`);
  const lines = linesOf(file.text);
  for (const { line, column, code, message } of ours) {
    if (!(line >= 1 && line <= lines && column >= 1)) throw new Error(`${what}: ${code} stands at ${line}:${column}`);
    if (message.length > MESSAGE_MAX) throw new Error(`${what}: ${code} has ${message.length} letters`);
  }
  return { isUsable, problems };
}

/** Counted in place: a file may have millions. */
function linesOf(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

const MESSAGE_MAX = 1_000;

function loadAny(file: SourceFile, findType: FindType, what: string) {
  try {
    if (!/(?:^|\/)(?:station|demo-lake)\.yaml$/.test(file.path)) {
      const { type, problems } = loadDeviceType(file, findType);
      return { isUsable: type !== undefined, problems };
    }
    const { station, problems } = loadStation(file, findType);
    return { isUsable: station !== undefined, problems };
  } catch (error) {
    throw new Error(`${what}: thrown: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

const PIECES = [
  "every: 30", "\t", "- ", ": ", ":", "{", "}", "[", "]", '"', "'", "#", " #", "&a ", "*a", "|", ">", "? ", "!!", "---\n", "\n", "  ", "",
  "0x", "1e999", "-1", "0,5", "°C", "null", "~", "none", "__proto__: 1", "constructor:", "<<: *a", "\u0000", "\uFEFF", "\uFFFD", "\r\n",
  "{value}", "address: 76", "type: bme280", "extends: bme280\n", "extends: pump-mk2\n", "formula: a + b", "9".repeat(30), "%", "@", "`", "O", "(", ")",
  "65535", "channels:", "states: { 0: a }", "reads:", "needs:", "examples: []\n",
]; // biome-ignore format: a table

/** One to four edits: something cut out, put in, doubled, or taken from elsewhere in the file. */
function damaged(text: string, random: () => number): string {
  let so = text;
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let edits = 1 + below(4); edits > 0; edits--) {
    const at = below(so.length + 1);
    const lines = so.split("\n");
    const line = below(lines.length);
    const kind = below(8);
    if (kind < 4) so = so.slice(0, at) + (PIECES[below(PIECES.length)] ?? "") + so.slice(at + below(12));
    else if (kind === 4) so = so.slice(0, at) + String.fromCodePoint(below(0x2fff)) + so.slice(at + below(2));
    else if (kind === 5) so = lines.toSpliced(line, 1 + below(3)).join("\n");
    else if (kind === 6) so = lines.toSpliced(below(lines.length), 0, lines[line] ?? "").join("\n");
    else so = lines.with(line, " ".repeat(below(8)) + (lines[line] ?? "").trimStart()).join("\n");
  }
  return so;
}

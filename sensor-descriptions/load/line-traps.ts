/**
 * What editors, phones and Windows do to a file, found line by line before YAML sees it: each has its own message,
 * and where it is clear what was meant the text is mended, so that the rest of the file is checked in the same pass.
 */
import { type Said, say } from "../messages.ts";

export interface Trap {
  readonly said: Said;
  /** In the original text. */
  readonly offset: number;
  readonly length: number;
}

export interface MendedText {
  readonly text: string;
  readonly traps: readonly Trap[];
  /** Where a place of the mended text stands in the original one. */
  originalOffset(offset: number): number;
}

/** `every:30s`, also after list hyphens; not `http://…`. */
const NO_SPACE = /^( *(?:- +)*)([a-z][a-z0-9-]*):(?!\/\/)([^\s"'{}[\],#].*)$/;
/** A typographic quote where a value or a key begins; as numbers, for one such character doubles a bundle's size in memory. */
const CURLY = /(?:^|[:\-[{,]\s)\s*([\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb])/;
/** `label: Lake #2`: a name that goes on behind what YAML takes for the beginning of a comment. */
const HASH = /^ *(?:- +)?(?:label|note|paused|source|name|from): +([^\s"'#|>[{&*][^#]*?) (#[^\s#].*)$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\uFFFD]|\r(?!$)/;

/** `isKey` tells a key with a missing space from text that happens to have a colon. */
export function mendLines(original: string, isKey: (word: string) => boolean): MendedText {
  const traps: Trap[] = [];
  /** Offsets in the mended text of characters that the original doesn't have. */
  const inserted: number[] = [];
  let text = "";
  let offset = 0;
  let isWindows = false;
  if (original.startsWith("\uFEFF")) traps.push({ said: say.byteOrderMark(), offset: 0, length: 1 });
  for (const line of original.split("\n")) {
    for (const trap of trapsOf(line, isKey)) {
      const isRepeated = isWindows && trap.said.code === "D105";
      isWindows ||= trap.said.code === "D105";
      if (!isRepeated) traps.push({ ...trap, offset: offset + trap.offset });
    }
    for (const piece of mended(line, isKey)) {
      if (piece.isInserted) inserted.push(...Array.from(piece.text, (_, index) => text.length + index));
      text += piece.text;
    }
    text += "\n";
    offset += line.length + 1;
  }
  return {
    text: text.slice(0, -1),
    traps,
    originalOffset: (at) => at - howManyBelow(inserted, at),
  };
}

/** Of ascending numbers; a file of tabs has as many as it has lines, and each of its problems asks. */
function howManyBelow(ascending: readonly number[], limit: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function trapsOf(line: string, isKey: (word: string) => boolean): Trap[] {
  const traps: Trap[] = [];
  const indent = /^[ \t]*/.exec(line)?.[0] ?? "";
  const rest = line.slice(indent.length);
  const isBlank = rest === "" || rest === "\r" || rest.startsWith("#");
  if (indent.includes("\t") && !isBlank) traps.push({ said: say.tab(), offset: indent.indexOf("\t"), length: 1 });
  const missing = missingSpace(line, isKey);
  if (missing) {
    traps.push({
      said: say.missingSpace(missing.key, missing.rest.trim()),
      offset: missing.start,
      length: line.trimEnd().length - missing.start,
    });
  }
  const curly = CURLY.exec(line.split("#")[0] ?? "");
  const isQuoted = curly !== null && (line.slice(0, curly.index).split('"').length - 1) % 2 === 1;
  if (curly?.[1] !== undefined && !isQuoted) {
    traps.push({ said: say.curlyQuote(curly[1]), offset: curly.index + curly[0].length - 1, length: 1 });
  }
  const [, value = "", hidden] = HASH.exec(line.trimEnd()) ?? [];
  if (hidden !== undefined) {
    const said = say.hiddenByHash(hidden, `${value.trimEnd()} ${hidden}`.slice(0, 80));
    traps.push({ said, offset: line.indexOf(hidden), length: hidden.length });
  }
  const control = CONTROL.exec(line);
  if (control) traps.push({ said: say.controlCharacter(control[0].charCodeAt(0)), offset: control.index, length: 1 });
  if (line.endsWith("\r")) traps.push({ said: say.windowsLines(), offset: line.length - 1, length: 1 });
  return traps;
}

interface Piece {
  readonly text: string;
  readonly isInserted: boolean;
}

/** A tab of the indentation becomes two spaces, a missing space is put in. */
function* mended(line: string, isKey: (word: string) => boolean): Generator<Piece> {
  const indent = /^[ \t]*/.exec(line)?.[0] ?? "";
  for (const character of indent) {
    yield { text: " ", isInserted: false };
    if (character === "\t") yield { text: " ", isInserted: true };
  }
  const missing = missingSpace(line, isKey);
  const colonEnd = missing ? missing.start + missing.key.length + 1 : line.length;
  yield { text: line.slice(indent.length, colonEnd), isInserted: false };
  if (!missing) return;
  yield { text: " ", isInserted: true };
  yield { text: line.slice(colonEnd), isInserted: false };
}

function missingSpace(line: string, isKey: (word: string) => boolean) {
  const match = NO_SPACE.exec(line.replaceAll("\t", " "));
  const [, indent = "", key = "", rest = ""] = match ?? [];
  return match && isKey(key) ? { start: indent.length, key, rest: rest.replace(/\s+#.*$/, "") } : undefined;
}

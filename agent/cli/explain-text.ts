/** An explanation for a terminal: bytes on the left, what they mean on the right, in 80 columns. */
import type {
  Annotation,
  Computation,
  Explanation,
  Section,
} from "@pump-station/sensor-descriptions/explain/explanation.ts";

const WIDTH = 80;
const BYTES_PER_ROW = 8;
const LETTERS_PER_ROW = 20;

export function explanationText(explanation: Explanation, options: { readonly colour: boolean }): string {
  const paint = options.colour ? PAINTED : PLAIN;
  const { what, sections, computed, texts } = explanation;
  const isOne = sections.length === 1;
  const blocks = [
    ...what.flatMap((line) => wrapped(line, WIDTH)).map(paint.title),
    ...sections.flatMap((section) => [...(isOne ? [] : ["", `  ${section.title}`]), ...rows(section, paint)]),
    ...(computed.length > 0 ? ["", ...computed.flatMap((one) => formulaRows(one, paint))] : []),
    ...[...(texts ?? [])].map(([name, text]) => `${name}: "${text}"`),
  ];
  return blocks.join("\n");
}

interface Paint {
  readonly title: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly wrong: (text: string) => string;
}
const same = (text: string): string => text;
const PLAIN: Paint = { title: same, dim: same, wrong: same };
const sgr = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
const PAINTED: Paint = { title: sgr(1), dim: sgr(2), wrong: sgr(31) };

function rows({ bytes, annotations, isText }: Section, paint: Paint): string[] {
  const shown = annotations.map((one) => ({ one, parts: isText ? letterRows(bytes, one) : byteRows(bytes, one) }));
  const bytesWidth = Math.max(0, ...shown.flatMap(({ parts }) => parts.map((part) => part.length)));
  const partWidth = Math.min(16, Math.max(0, ...annotations.map(({ part }) => part.length)));
  const textAt = 6 + bytesWidth + 2 + partWidth + 2;
  return shown.flatMap(({ one, parts }) => {
    const [name, ...moreName] = wrapped(one.part, partWidth);
    const says = one.says.flatMap((line) => wrapped(line, WIDTH - textAt)).map((line) => ({ line, isWrong: false }));
    const wrong =
      one.wrong === undefined ? [] : wrapped(`✗ ${one.wrong}`, WIDTH - textAt).map((line) => ({ line, isWrong: true }));
    const texts = [...says, ...wrong];
    const count = Math.max(parts.length, texts.length, 1 + moreName.length);
    return Array.from({ length: count }, (_, i) => {
      const at = i === 0 ? String(one.start).padStart(4) : "    ";
      const text = texts[i];
      const names = i === 0 ? (name ?? "") : (moreName[i - 1] ?? "");
      const left = `${paint.dim(at)}  ${(parts[i] ?? "").padEnd(bytesWidth)}  ${names.padEnd(partWidth)}  `;
      const right = text === undefined ? "" : text.isWrong ? paint.wrong(text.line) : text.line;
      return `${left}${right}`.trimEnd();
    });
  });
}

function byteRows(bytes: Uint8Array, { start, end }: Annotation): string[] {
  const found: string[] = [];
  for (let at = start; at < end; at += BYTES_PER_ROW) {
    const row = bytes.subarray(at, Math.min(end, at + BYTES_PER_ROW));
    found.push([...row].map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" "));
  }
  return found;
}

/** Letters as they are; what is none as "\r", "\n" or "\x07". */
function letterRows(bytes: Uint8Array, { start, end }: Annotation): string[] {
  const letters = [...bytes.subarray(start, end)].map(letter);
  const found: string[] = [];
  for (let at = 0; at < letters.length; at += LETTERS_PER_ROW)
    found.push(letters.slice(at, at + LETTERS_PER_ROW).join(""));
  return found;
}

const letter = (byte: number): string =>
  byte === 0x0d
    ? "\\r"
    : byte === 0x0a
      ? "\\n"
      : byte >= 0x20 && byte < 0x7f
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, "0")}`;

/** The formula, the formula with its numbers, the result; one line where all fits. */
function formulaRows({ name, formula, filled, says }: Computation, paint: Paint): string[] {
  // Of a formula that is a name alone, its number is the result.
  const isResult = says.split(" ")[0] === filled;
  const short =
    filled === formula || isResult ? `${name} = ${formula} = ${says}` : `${name} = ${formula} = ${filled} = ${says}`;
  if (short.length <= WIDTH) return [short];
  const indent = " ".repeat(Math.min(name.length, 14));
  const part = (text: string, first: string): string[] =>
    wrapped(text, WIDTH - indent.length - 3).map(
      (line, i) => `${i === 0 ? first : indent}${i === 0 ? " = " : "   "}${line}`,
    );
  return [
    ...part(formula, name),
    ...(filled === formula ? [] : part(filled, indent).map(paint.dim)),
    ...part(says, indent),
  ];
}

/** Cut at blanks; a word that is longer than a line is cut anywhere. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    let rest = word;
    if (line !== "" && line.length + 1 + rest.length <= width) {
      line += ` ${rest}`;
      continue;
    }
    if (line !== "") lines.push(line);
    for (; rest.length > width; rest = rest.slice(width)) lines.push(rest.slice(0, width));
    line = rest;
  }
  if (line !== "") lines.push(line);
  return lines;
}

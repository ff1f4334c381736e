/**
 * What is wrong with a description, where, and what was probably meant; and how that is shown to a person.
 */

export type Severity = "error" | "warning";

export interface Problem {
  /** "D201": stable, stands in `messages.ts`. */
  readonly code: string;
  readonly path: string;
  /** Both counted from 1; a column counts UTF-16 units. */
  readonly line: number;
  readonly column: number;
  /** How many characters are meant, on that line. */
  readonly length?: number;
  readonly message: string;
  readonly advice?: string;
  readonly severity: Severity;
}

export const hasErrors = (problems: readonly Problem[]): boolean => problems.some((p) => p.severity === "error");

/** Errors before warnings of the same place; files in the order in which they were first met. */
export function inReadingOrder(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map((p) => p.path))];
  return [...problems].sort(
    (a, b) =>
      files.indexOf(a.path) - files.indexOf(b.path) ||
      a.line - b.line ||
      a.column - b.column ||
      a.severity.localeCompare(b.severity) ||
      a.code.localeCompare(b.code),
  );
}

/**
 * One paragraph per problem: `stations/east.yaml:14:3 error D201: …`, the line with a mark below it, the advice.
 * `textOf` gives the text of a file for its code frame; without it the frame is left out.
 */
export function formatProblems(
  problems: readonly Problem[],
  textOf: (path: string) => string | undefined,
  options: { readonly colour: boolean },
): string {
  const paint = options.colour ? painted : plain;
  return problems
    .map((problem) =>
      [
        `${paint.place(`${problem.path}:${problem.line}:${problem.column}`)} ${paint[problem.severity](problem.severity)} ${problem.code}: ${problem.message}`,
        ...codeFrame(problem, textOf(problem.path)).map(paint.frame),
        ...(problem.advice === undefined ? [] : [`  → ${problem.advice}`]),
      ].join("\n"),
    )
    .join("\n\n");
}

/** The line before, the line, and a mark. Control characters are shown as a box, so that a file can't steer a terminal. */
function codeFrame(problem: Problem, text: string | undefined): string[] {
  if (text === undefined) return [];
  const lines = text.split(/\r?\n|\r/);
  const numbered = (line: number): string => `  ${String(line).padStart(4)} | ${visible(lines[line - 1] ?? "")}`;
  if (lines[problem.line - 1] === undefined) return [];
  const cut = Math.max(0, problem.column - 100);
  const lineLength = (lines[problem.line - 1] ?? "").length;
  if (cut > 0 || lineLength > 200) return longLine(problem, lines[problem.line - 1] ?? "");
  const before = problem.line > 1 && lines[problem.line - 2] !== "" ? [numbered(problem.line - 1)] : [];
  const room = Math.max(1, lineLength - problem.column + 2);
  const mark = "^".repeat(Math.max(1, Math.min(problem.length ?? 1, room)));
  return [...before, numbered(problem.line), `       | ${" ".repeat(problem.column - 1)}${mark}`];
}

function longLine(problem: Problem, line: string): string[] {
  const from = Math.max(0, problem.column - 41);
  const part = visible(line.slice(from, from + 80));
  const lead = from > 0 ? "…" : "";
  return [
    `  ${String(problem.line).padStart(4)} | ${lead}${part}`,
    `       | ${" ".repeat(lead.length + problem.column - 1 - from)}^`,
  ];
}

const visible = (line: string): string =>
  line
    .replaceAll("\t", "⇥")
    .replace(/[\p{Cc}\p{Cf}]/gu, "▯")
    .slice(0, 240);

type Paint = Record<Severity | "place" | "frame", (text: string) => string>;
const same = (text: string): string => text;
const plain: Paint = { error: same, warning: same, place: same, frame: same };
const sgr = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
const painted: Paint = { error: sgr(31), warning: sgr(33), place: sgr(1), frame: sgr(2) };

/** A file with one mistake can have thousands of consequences: what is told of it is bounded. */
import { say } from "../messages.ts";
import { hasErrors, inReadingOrder, type Problem } from "../problems.ts";

/** Beyond so many nobody reads on: one cause has many consequences, and the first ones tell it. */
export const PROBLEMS_MAX = 50;

/** Of each file the first ones, and how many more there are; expects them in reading order. */
export function capped(problems: readonly Problem[]): Problem[] {
  const counts = new Map<string, number>();
  const left = new Map<string, Problem[]>();
  const kept = problems.filter((problem) => {
    const count = (counts.get(problem.path) ?? 0) + 1;
    counts.set(problem.path, count);
    if (count <= PROBLEMS_MAX) return true;
    const rest = left.get(problem.path);
    if (rest) rest.push(problem);
    else left.set(problem.path, [problem]);
    return false;
  });
  const summaries = [...left.values()].flatMap((rest) => {
    const [first] = rest;
    const said = say.andMore(rest.length, hasErrors(rest));
    return first ? [{ ...said, path: first.path, line: first.line, column: first.column, length: 1 }] : [];
  });
  return inReadingOrder([...kept, ...summaries]);
}

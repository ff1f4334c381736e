/** Two texts line by line, as `diff -u` prints them, for a log: three lines around each change, and not without end. Pure. */

const AROUND = 3;
/** Beyond it the table of common lines would be large, and nobody reads on. */
const LINES_MAX = 1_000;
const SAID_MAX = 80;

type Step = readonly [mark: " " | "-" | "+", line: string];

/** Without a heading; empty when they are equal. Lines left out stand as "…". */
export function lineDifference(before: string, after: string): readonly string[] {
  if (before === after) return [];
  const [one, other] = [before.split("\n"), after.split("\n")];
  if (one.length > LINES_MAX || other.length > LINES_MAX) return [`… ${one.length} lines became ${other.length} …`];
  const steps = stepsBetween(one, other);
  const isNear = (at: number): boolean =>
    steps.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(([mark]) => mark !== " ");
  const said: string[] = [];
  for (const [at, [mark, line]] of steps.entries()) {
    if (isNear(at)) said.push(`${mark}${line}`);
    else if (said.length > 0 && said.at(-1) !== "…") said.push("…");
  }
  return said.length > SAID_MAX ? [...said.slice(0, SAID_MAX), `… ${said.length - SAID_MAX} more lines`] : said;
}

/** Along the longest common subsequence; what goes stands before what comes. */
function stepsBetween(one: readonly string[], other: readonly string[]): Step[] {
  const width = other.length + 1;
  const common = new Uint16Array((one.length + 1) * width);
  const length = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = one.length - 1; i >= 0; i--)
    for (let j = other.length - 1; j >= 0; j--)
      common[i * width + j] =
        one[i] === other[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1));
  const steps: Step[] = [];
  let [i, j] = [0, 0];
  while (i < one.length || j < other.length) {
    const [was, is] = [one[i], other[j]];
    if (was !== undefined && was === is) {
      steps.push([" ", was]);
      i++;
      j++;
    } else if (was !== undefined && (is === undefined || length(i + 1, j) >= length(i, j + 1))) {
      steps.push(["-", was]);
      i++;
    } else {
      steps.push(["+", is ?? ""]);
      j++;
    }
  }
  return steps;
}

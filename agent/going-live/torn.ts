/**
 * A copy that broke off and stays so: scp over a link that went away leaves half a file for good, and half a station is
 * often a good description of fewer devices. Waiting (`settling.ts`) doesn't help here, so it isn't taken by itself.
 */
import type { Problem } from "@pump-station/sensor-descriptions/problems.ts";
import type { LoadedDescription, SourceText } from "../description.ts";

/**
 * Whether `text` stops in the middle of a line and is shorter than what ran. Editors that never end the last line exist:
 * where the text before had no line end either, only its very beginning is suspicious.
 */
export const looksTorn = (text: string, before: string): boolean =>
  !text.endsWith("\n") && text.length < before.length && (before.endsWith("\n") || before.startsWith(text));

/** As it was loaded, or without a station and with a problem per torn file. `ran`: the texts of what ran before. */
export function unlessTorn(file: LoadedDescription, ran: readonly SourceText[]): LoadedDescription {
  const torn = file.files.filter(({ path, text }) => {
    const before = ran.find((one) => one.path === path)?.text;
    return before !== undefined && looksTorn(text, before);
  });
  if (torn.length === 0) return file;
  const { problems, origins, files } = file;
  return { problems: [...torn.map(tornProblem), ...problems], origins, files };
}

function tornProblem({ path, text }: SourceText): Problem {
  const lines = text.split("\n");
  return {
    code: "P001",
    path,
    line: lines.length,
    column: (lines.at(-1)?.length ?? 0) + 1,
    severity: "error",
    message:
      "the file stops in the middle of a line and is shorter than what ran: a copy that broke off? It is not tried by itself",
    advice: "copy it again; if it is whole, end its last line, or: pump-station try",
  };
}

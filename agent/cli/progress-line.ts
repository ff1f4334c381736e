/** What somebody at a terminal sees while they wait: one line that is written over. On stderr, so that results stay clean. */
import type { CliDeps } from "./command.ts";

export interface ProgressLine {
  /** Replaces what was shown; nothing where nobody watches. */
  readonly show: (text: string) => void;
  /** A line that stays. */
  readonly say: (text: string) => void;
  readonly end: () => void;
}

export function createProgressLine(deps: Pick<CliDeps, "err" | "desk">): ProgressLine {
  const desk = deps.desk();
  const width = desk.columns();
  let isShown = false;
  const clear = (): void => {
    if (isShown) deps.err("\r\u001b[K");
    isShown = false;
  };
  return {
    show: (text) => {
      if (width === undefined) return;
      deps.err(`\r\u001b[K${text.slice(0, Math.max(0, width - 1))}`);
      isShown = true;
    },
    say: (text) => {
      clear();
      deps.err(`${text}\n`);
    },
    end: () => {
      clear();
      desk.close();
    },
  };
}

/** A person at a terminal, by script: what the editor saves, and what is typed. */
import type { Desk, Files } from "../world.ts";

export interface ScriptedDesk extends Desk {
  /** What the next edits save; "same": nothing. */
  readonly edits: string[];
  /** What is typed next; empty: nobody is there. */
  readonly answers: string[];
  readonly edited: number;
  heldBy: string | undefined;
  exitCode: number;
  whileEditing: () => void;
}

export function createScriptedDesk(
  files: Files,
  script: {
    readonly edits: readonly string[];
    readonly answers: readonly string[];
    readonly draft: string;
    readonly columns: number | undefined;
    readonly asked: string[];
  },
): ScriptedDesk {
  const edits = [...script.edits];
  const answers = [...script.answers];
  let edited = 0;
  const desk: ScriptedDesk = {
    edits,
    answers,
    get edited() {
      return edited;
    },
    heldBy: undefined,
    exitCode: 0,
    whileEditing: () => undefined,
    resolve: (path) => path,
    lock: async () => (desk.heldBy === undefined ? { release: () => undefined } : { by: desk.heldBy }),
    checkWritable: () => undefined,
    draftOf: () => script.draft,
    edit: async (path) => {
      edited++;
      const text = edits.shift() ?? "same";
      if (text !== "same") files.writeDurably(path, new TextEncoder().encode(text));
      desk.whileEditing();
      return desk.exitCode;
    },
    install: (path, bytes) => {
      files.writeDurably(path, bytes);
      return "replaced";
    },
    ask: async (question) => {
      script.asked.push(question);
      return answers.shift();
    },
    columns: () => script.columns,
    close: () => undefined,
  };
  return desk;
}

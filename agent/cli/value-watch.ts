/** Values again and again: repainted in place on a terminal; elsewhere one line per change, or one array per round. */
import type { LiveValue } from "../status.ts";
import type { CliDeps } from "./command.ts";
import { spokenValue, valuesText } from "./value-text.ts";

export interface ValueWatch {
  show(values: readonly LiveValue[]): void;
}

export function createValueWatch(deps: Pick<CliDeps, "out" | "colour" | "desk">, isJson: boolean): ValueWatch {
  if (isJson) return { show: (values) => deps.out(`${JSON.stringify(values)}\n`) };
  const desk = deps.desk();
  const isTerminal = desk.columns() !== undefined;
  desk.close();
  return isTerminal ? repainting(deps) : changes(deps);
}

/** ECMA-48: cursor up, erase from there to the end of the screen. */
function repainting({ out, colour }: Pick<CliDeps, "out" | "colour">): ValueWatch {
  let lines = 0;
  return {
    show: (values) => {
      const text = valuesText(values, colour);
      out(`${lines > 0 ? `\u001b[${lines}A\u001b[J` : ""}${text}\n`);
      lines = text.split("\n").length;
    },
  };
}

function changes({ out }: Pick<CliDeps, "out">): ValueWatch {
  const told = new Map<string, string>();
  return {
    show: (values) => {
      for (const value of values) {
        const name = `${value.device}.${value.channel}`;
        const text = `${spokenValue(value)}  ${value.quality}`;
        if (told.get(name) !== text) out(`${name}  ${text}\n`);
        told.set(name, text);
      }
    },
  };
}

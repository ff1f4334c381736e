/** What only the compiler can see, said at the line that it is about. */
import { compileProtocol } from "../compile.ts";
import { say } from "../messages.ts";
import type { ProtocolSpec } from "../spec.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

export function tryCompiling(spec: ProtocolSpec, judge: Judge): void {
  try {
    compileProtocol(spec);
  } catch (error) {
    const said = say.notCompiled(error instanceof Error ? error.message : String(error));
    judge.report(guiltyPart(spec, judge) ?? sectionOf(said.message), said, "key");
  }
}

/** The one read, setting or command without which the rest can be compiled. */
function guiltyPart(spec: ProtocolSpec, judge: Judge): Path | undefined {
  if (!("reads" in spec)) return undefined;
  for (const section of ["reads", "settings", "commands"] as const) {
    for (const { name } of spec[section]) {
      const rest = { ...spec, [section]: spec[section].filter((one: { readonly name: string }) => one.name !== name) };
      const at = [section, name];
      if (judge.document.has(at) && isCompiled(rest)) return at;
    }
  }
  return undefined;
}

function isCompiled(spec: ProtocolSpec): boolean {
  try {
    compileProtocol(spec);
    return true;
  } catch {
    return false;
  }
}

/** Messages about the frame as a whole begin with its name. */
const sectionOf = (message: string): Path => (/\bframe: /.test(message) ? ["frame"] : []);

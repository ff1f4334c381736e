/** Keys that people look for and that aren't there for a reason: the reason is told instead of "unknown key". */
import { type Said, say } from "../messages.ts";
import type { Path } from "./source-document.ts";

const SILENCE = /^(?:silence|gap|frame-gap|frame-end|frame-timeout|inter-?(?:byte|character|frame|char)(?:-.*)?)$/;

/** `path`: of the section in which `key` stands. Undefined: nothing is known about it. */
export function explainedKey(path: Path, key: string): Said | undefined {
  if (path.length === 1 && path[0] === "timing" && SILENCE.test(key)) return say.silenceFraming(key);
  if (path.length === 2 && path[0] === "settings" && key === "broadcast") return say.settingBroadcast();
  return undefined;
}

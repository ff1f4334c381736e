/** Text as it travels: one byte a letter (Latin-1, of which ASCII is the lower half). */
import { say } from "../messages.ts";
import type { Reading } from "../quantities.ts";

const NAMED: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", "\\": "\\" };
const ESCAPE = /\\(x[0-9a-fA-F]{2}|[rnt\\]|.|$)/gs;

/** The bytes of a text in which \r, \n, \t, \\ and \xHH stand for letters that have no key. */
export function readLetters(text: string): Reading<Uint8Array> {
  let wrong: string | undefined;
  const letters = text.replaceAll(ESCAPE, (whole, code: string) => {
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    const named = NAMED[code];
    if (named === undefined) wrong ??= whole;
    return named ?? "";
  });
  if (wrong !== undefined) return { said: say.badEscape(wrong) };
  for (const letter of letters) if ((letter.codePointAt(0) ?? 0) > 0xff) return { said: say.notLetters(letter) };
  return { ok: bytesOfText(letters) };
}

export const bytesOfText = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0) & 0xff);

export function textOfBytes(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = "";
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}

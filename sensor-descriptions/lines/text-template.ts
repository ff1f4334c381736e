/** `"T={value}"`: letters and placeholders, filled in by the host and read by the device's side. */
import type { TextTemplate } from "./lines-spec.ts";

/** Throws RangeError when a placeholder has no text. */
export const filled = (template: TextTemplate, textOf: (placeholder: string) => string): string =>
  template.map((piece) => ("text" in piece ? piece.text : textOf(piece.placeholder))).join("");

/** How many letters are constant: of two templates that match, the one with more of them is meant. */
export const constantLetters = (template: TextTemplate): number =>
  template.reduce((sum, piece) => sum + ("text" in piece ? piece.text.length : 0), 0);

/**
 * The placeholders' texts when the whole of `text` is of this template. Each has `lettersOf` letters, or else reaches to
 * the next constant ones.
 */
export function placeholdersIn(
  template: TextTemplate,
  text: string,
  lettersOf: (placeholder: string) => number | undefined,
): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  let at = 0;
  for (const [i, piece] of template.entries()) {
    if ("text" in piece) {
      if (!text.startsWith(piece.text, at)) return undefined;
      at += piece.text.length;
      continue;
    }
    const next = template[i + 1];
    const letters = lettersOf(piece.placeholder);
    const ahead = next === undefined ? text.length : "text" in next ? text.indexOf(next.text, at) : -1;
    const end = letters === undefined ? ahead : at + letters;
    if (end < at || end > text.length) return undefined;
    found.set(piece.placeholder, text.slice(at, end));
    at = end;
  }
  return at === text.length ? found : undefined;
}

/** Whether `text` begins with `pattern`, in which "?" is any letter. */
export function beginsLike(pattern: string, text: string): boolean {
  if (text.length < pattern.length) return false;
  for (let i = 0; i < pattern.length; i++) if (pattern[i] !== "?" && pattern[i] !== text[i]) return false;
  return true;
}

/** What a device writes for "?": II is a talker that NMEA 0183 knows (integrated instrumentation). */
export const withoutWildcards = (pattern: string): string => pattern.replaceAll("?", "I");

/**
 * Files made to hurt: each has to be refused or bounded, quickly, in little memory, and without a crash. Some are
 * hostile whatever they describe; the others are a valid file of each kind with one kind of malice in all its lines.
 */
import type { SourceFile } from "../load.ts";

export interface HostileFile extends SourceFile {
  readonly name: string;
}

/** Valid, and takes most of what it says from another file. */
export const DRY = `format: 1
type: dry
extends: bme280
every: 5min
needs: { address: { default: 0x77 } }
let:
  dew: t_fine / 5120 - (100 - h_raw) / 5
  h_raw: g * 1
channels:
  humidity: none
  temperature: { range: -20 to 60 }
  drier: { formula: temperature - 1, unit: °C, resolution: 0.1 }
alarms:
  hot: { when: temperature above 50 °C, severity: info }
`;

const repeated = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");
const KiB_64 = 65_536;

const ANYTHING: Readonly<Record<string, () => string>> = {
  "opening brackets": () => "[".repeat(60_000),
  "balanced brackets": () => "[".repeat(30_000) + "]".repeat(30_000),
  "nested lists": () => "- ".repeat(30_000),
  "nested sections on a line": () => "a: ".repeat(20_000),
  "nested questions": () => "? ".repeat(30_000),
  "nested braces": () => "{a: ".repeat(15_000),
  "mixed brackets": () => "{[".repeat(30_000),
  "indented steps": () => repeated(300, (i) => `${" ".repeat(i)}a:`),
  "7,000 keys": () => repeated(7_000, (i) => `k${i}: 1`),
  "100,000 keys": () => repeated(100_000, (i) => `k${i}: 1`),
  "one key 9,000 times": () => repeated(9_000, () => "every: 1s"),
  "devices with one key": () => `format: 1\nstation: s\nports: {}\ndevices:\n${repeated(5_000, (i) => `  d${i}: {}`)}`,
  "many references": () => `a: &a 1\nb: [${"*a,".repeat(20_000)}]`,
  "a billion laughs": () => `a0: &a0 [x]\n${repeated(9, (i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`)}`,
  "a wide laugh": () => `a: &a [${"x,".repeat(20_000)}]\nb: [${"*a,".repeat(90)}]`,
  "a reference to itself": () => "a: &a\n  b: *a",
  "references to each other": () => "a: &a\n  b: &b\n    c: *a\nd: *b",
  "merge keys": () => `a: &a {x: 1}\n${repeated(4_000, (i) => `k${i}: { <<: *a }`)}`,
  "one long number": () => `format: ${"1".repeat(60_000)}`,
  "one long key": () => `${"k".repeat(60_000)}: 1`,
  "one line of 1 MB": () => `# ${"x".repeat(1_000_000)}`,
  "a value of 1 MB": () => `label: "${"x".repeat(1_000_000)}"`,
  "16 MB": () => "a: 1\n".repeat(3_200_000),
  quotes: () => '"'.repeat(60_000),
  apostrophes: () => "'".repeat(60_000),
  "open quotes": () => repeated(6_000, () => 'a: "'),
  backslashes: () => `a: "${"\\".repeat(60_000)}"`,
  "escapes in quotes": () => `a: "${"\\u0000".repeat(10_000)}"`,
  "control characters": () => "\u0000".repeat(60_000),
  "characters that weren't UTF-8": () => "\uFFFD".repeat(20_000),
  "half surrogates": () => "a: \uD800\n".repeat(8_000),
  "combining marks": () => `label: a${"\u0301".repeat(30_000)}`,
  "writing directions": () => repeated(5_000, () => "\u202Ea: b\u202C"),
  "zero-width letters": () => repeated(4_000, (i) => `ev\u200Bery${i}: 1s`),
  "Cyrillic look-alikes": () => repeated(4_000, () => "еvery: 30s"),
  colons: () => ":".repeat(60_000),
  hashes: () => "#".repeat(60_000),
  "hash traps": () => repeated(5_000, () => "label: a #b"),
  "carriage returns": () => "\r".repeat(60_000),
  "Windows lines": () => "a: 1\r\n".repeat(10_000),
  "byte order marks": () => "\uFEFF".repeat(20_000),
  "tabs and letters": () => "\ta\n".repeat(20_000),
  "tabs and spaces": () => "\t  a: 1\n  b: 1\n".repeat(4_000),
  "missing spaces": () => repeated(6_000, () => "every:30s"),
  "curly quotes": () => repeated(6_000, () => "a: “b”"),
  "tags": () => repeated(4_000, () => "a: !!python/object:os.system x"),
  directives: () => repeated(6_000, () => "%YAML 9.9"),
  "many documents": () => "---\n".repeat(16_000),
  "block texts": () => repeated(6_000, () => "a: |9"),
  blanks: () => " ".repeat(65_000),
  "line breaks": () => "\n".repeat(65_000),
  "text for regular expressions": () => `label: ${"a".repeat(30_000)}!\nnote: ${"(a+)+$".repeat(5_000)}`,
}; // biome-ignore format: a table

const NUMBERS = ["1e308", "1e309", "-1e309", "0", "-1", "1023", "65535", "4294967295", "9007199254740993", "9".repeat(400), "0x".padEnd(400, "F"), "NaN", "Infinity", ".inf"]; // biome-ignore format: a table
const WORDS = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "none", "null", "~", "<<", "*x", "(a+)+$", "\u202E", "💧", "{value}", "x".repeat(500)]; // biome-ignore format: a table
const FORMULAS: Readonly<Record<string, string>> = {
  "a division by zero": "1 / 0",
  "nothing divided by nothing": "0 / 0 + 1 % 0",
  "deep parentheses": `${"(".repeat(20_000)}1${")".repeat(20_000)}`,
  "open parentheses": "(".repeat(30_000),
  "a long sum": `1${" + 1".repeat(12_000)}`,
  "many signs": `${"-".repeat(30_000)}1`,
  "many choices": `${"1 ? 1 : ".repeat(6_000)}1`,
  "many powers": `2${" * 1e300".repeat(4_000)}`,
  "nested calls": `${"min(1, ".repeat(6_000)}1${")".repeat(6_000)}`,
  "many names": Array.from({ length: 8_000 }, (_, i) => `a${i}`).join(" + "),
};

const isValue = /: ([^\s#&*{}[\],][^#,{}[\]\n]*)/g;
const changes: Readonly<Record<string, (text: string) => string>> = {
  ...Object.fromEntries(NUMBERS.map((number) => [`every number is ${number.slice(0, 12)}`, (text: string) => text.replace(/(?<=: )-?(?:0x)?\d[\w.]*/g, number)])),
  ...Object.fromEntries(WORDS.map((word) => [`every value is ${word.slice(0, 14)}`, (text: string) => text.replace(isValue, (_, value: string) => `: ${word}${" ".repeat(value.length - value.trimEnd().length)}`)])),
  ...Object.fromEntries(WORDS.map((word) => [`every name is ${word.slice(0, 14)}`, (text: string) => text.replace(/^( {2,}(?:- )?)[\w-]+:/gm, `$1${word}:`)])),
  ...Object.fromEntries(
    Object.entries(FORMULAS).map(([name, formula]) => [
      `every formula is ${name}`,
      (text: string) => text.replace(/(formula|when|until|only-when|let): ?[^,}\n]*/g, (line, key: string) => (line.endsWith(":") ? line : `${key}: "${formula}"`)),
    ]),
  ),
  "each line once more": (text) => text.replace(/^.*$/gm, "$&\n$&"),
  "the file 20 times": (text) => `${text}\n`.repeat(20).slice(0, KiB_64),
  "300 times each entry": (text) => manyOf(text, 300),
  "2,000 times the first entry": (text) => manyOf(text, 2_000, 1),
  "all hexadecimal pairs 5,000 times": (text) => text.replace(/"((?:[0-9A-F]{2} ?)+)"/, (_, bytes: string) => `"${`${bytes} `.repeat(5_000).slice(0, 50_000)}"`),
  "a step further right each line": (text) => text.split("\n").map((line, i) => " ".repeat(i) + line).join("\n"),
  "without indentation": (text) => text.replace(/^ +/gm, ""),
  "NUL after each line": (text) => text.replaceAll("\n", "\u0000\n"),
  "nothing that is UTF-8": (text) => text.replace(/[aeiou]/g, "\uFFFD"),
  "tabs for blanks": (text) => text.replaceAll("  ", "\t"),
  "one line": (text) => text.replaceAll("\n", " "),
  "cut in the middle": (text) => text.slice(0, text.length / 2),
  "without its first half": (text) => text.slice(text.length / 2),
  backwards: (text) => [...text].reverse().join(""),
  "every bracket open": (text) => text.replace(/[}\]]/g, ""),
  "every quote open": (text) => text.replace(/"$/gm, ""),
  "extending itself": (text) => text.replace(/^(type: (\S+).*)$/m, "$1\nextends: $2"),
  "extending without end": (text) => text.replace(/^(type: .*)$/m, "$1\nextends: endless-0"),
  "of a type that extends without end": (text) => text.replace(/type: .*/g, "type: endless-0"),
}; // biome-ignore format: a table

/** Each entry of a section (or the first ones) over and over, with names of their own, up to the size of a file. */
function manyOf(text: string, count: number, sections = 3): string {
  let left = sections;
  const out = text.replace(/^( +)([a-z][\w-]*):( \{.*)$/gm, (line, indent: string, name: string, rest: string) =>
    left-- > 0 ? repeated(count, (i) => `${indent}${name.slice(0, 20)}${i}:${rest}`) : line,
  );
  return out.slice(0, KiB_64);
}

/** `valid`: a file of each kind, by its path. One after the other: together they are large. */
export function* hostileFiles(valid: readonly SourceFile[]): Generator<HostileFile> {
  for (const [name, text] of Object.entries(ANYTHING)) yield { name, path: "station.yaml", text: text() };
  for (const { path, text } of valid) {
    for (const [name, change] of Object.entries(changes)) yield { name: `${path}, ${name}`, path, text: change(text) };
  }
}

/** A row of files that each extend the next one, for ever. */
export function endlessType(type: string): SourceFile | undefined {
  const number = /^endless-(\d+)$/.exec(type)?.[1];
  if (number === undefined) return undefined;
  const next = `endless-${Number(number) + 1}`;
  return { path: `devices/${type}.yaml`, text: `format: 1\ntype: ${type}\nextends: ${next}\n` };
}

/**
 * Everything that is ever said about a description file, numbered, in one place: a translation is a translation of
 * this file. Numbers are stable and never used again for something else.
 *
 *   1xx the file's text   2xx its shape   3xx one value   4xx a device file   5xx a station file   6xx examples
 */
import type { Severity } from "./problems.ts";

/** A message without its place. */
export interface Said {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly advice?: string;
}

const said = (severity: Severity, number: number, message: string, advice?: string): Said => ({
  code: `D${number}`,
  severity,
  message: cut(message, LETTERS_MAX),
  ...(advice === undefined ? {} : { advice: cut(advice, LETTERS_MAX) }),
});
/** Whatever of a file is repeated: a message fits on a screen. */
const LETTERS_MAX = 800;
const cut = (text: string, max: number): string => (text.length > max ? `${text.slice(0, max)}…` : text);

const error = (number: number, message: string, advice?: string): Said => said("error", number, message, advice);
const warning = (number: number, message: string, advice?: string): Said => said("warning", number, message, advice);

const SHOWN_MAX = 60;
const quoted = (text: string): string => `"${cut(text, SHOWN_MAX)}"`;
const listed = (words: readonly string[], last = "or"): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
const meant = (suggestion: string | undefined, known: readonly string[] = []): string | undefined =>
  suggestion !== undefined
    ? `did you mean "${suggestion}"?`
    : known.length > 0
      ? `known here: ${listed([...known].slice(0, 30), "and")}`
      : undefined;

/** "median 5s" → "median: 5s" */
const stepText = (got: string | undefined): string | undefined => {
  const [, step, rest] = /^-?\s*([a-z-]+):?\s+(.{1,40})$/.exec(got ?? "") ?? [];
  return step === undefined ? undefined : `${step}: ${rest}`;
};

/** What the commonest complaints of YAML mean to somebody who never heard of it. */
const YAML_REASONS: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: "this line stands further right or left than its neighbours",
  BAD_INDENT: "this line stands further right or left than its neighbours",
  MULTILINE_IMPLICIT_KEY: 'there is no ": " in this line',
  MISSING_CHAR: "a closing quote, bracket or brace is missing",
};

const INDENT_ADVICE =
  "lines of one section begin in the same column, two spaces further right than its name: look at the line above, too";
const YAML_ADVICE: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: INDENT_ADVICE,
  BAD_INDENT: INDENT_ADVICE,
  MULTILINE_IMPLICIT_KEY: 'write "name: value", with a colon and a space',
  MISSING_CHAR: "look from here upwards for one that is opened and not closed",
};

/** How a message ends that stands for others, which come from the same line. */
export const norMore = (count: number): string =>
  count === 1 ? "; nor does 1 more of its lines" : `; nor do ${count} more of its lines`;

/** The letters O and l where a digit belongs: what was meant, or nothing. */
const withDigits = (text: string): string | undefined => {
  const digits = (/^[OoIl]+$/.test(text) ? text.replace(/[Oo]/g, "0").replace(/[Il]/g, "1") : text)
    .replace(/[Oo](?=[\dOox.,])|(?<=[\d.,xX])[Oo]/g, "0")
    .replace(/[lI](?=[\d.,])|(?<=\d)[lI]/g, "1");
  return digits !== text && /^[\w\s.,+-]*\S*$/.test(text) ? digits.replace(/^0+(?=[1-9])/, "") : undefined;
};
const digitsOr = (text: string, advice: string): string => {
  const digits = withDigits(text);
  if (/[\w%][;,]$/.test(text)) return `nothing ends a line but the line itself: write "${text.slice(0, -1)}"`;
  return digits === undefined ? advice : `a letter stands where a digit belongs: write "${digits}"`;
};

export const say = {
  // 1xx: the file's text
  fileTooLarge: (bytes: number, max: number) =>
    error(101, `the file has ${bytes} bytes; at most ${max} are read`, "split it, or shorten its comments"),
  fileIsEmpty: () =>
    error(102, "the file is empty", 'begin with "pump-station new station" or "pump-station new device"'),
  nestedTooDeep: (depth: number) =>
    error(
      103,
      `lists and sections stand more than ${depth} deep in each other`,
      "a description needs some ten: is a bracket never closed?",
    ),
  byteOrderMark: () =>
    warning(104, "the file begins with an invisible mark (BOM)", 'it is read anyway; save as "UTF-8 without BOM"'),
  windowsLines: () =>
    warning(105, "the lines end as on Windows (CRLF)", "they are read anyway; sed -i 's/\\r$//' FILE makes them plain"),
  tab: () => error(106, "a tab indents this line", "indent with spaces: two for each level"),
  curlyQuote: (character: string) =>
    error(107, `${character} is a typographic quote`, 'write the straight quote "; phones and Word change it'),
  missingSpace: (key: string, rest: string) =>
    error(108, `a space is missing after "${key}:"`, `write "${key}: ${rest.slice(0, SHOWN_MAX)}"`),
  /** `code` is the yaml package's; what isn't translated is said in its words. */
  notYaml: (code: string, reason: string) =>
    error(
      109,
      YAML_REASONS[code] ?? `this can't be read: ${reason}`,
      YAML_ADVICE[code] ?? "look at the quotes, brackets and indentation of this line and the one above",
    ),
  severalDocuments: () =>
    error(110, 'a second file begins here ("---")', "delete this line, or put what follows into a file of its own"),
  tooManyAliases: (max: number) => error(111, `more than ${max} references (*name)`, "write the values out"),
  unknownAlias: (name: string) =>
    error(112, `nothing is marked "&${name}" above`, `for the text itself write "*${name}" with its quotes`),
  duplicateKey: (key: string, line: number) =>
    error(113, `"${key}" stands here twice; first in line ${line}`, "only one can count: delete the other"),
  reservedKey: (key: string) => error(114, `"${key}" can't be a name`, "choose another word"),
  keyIsNoText: () => error(115, "a list or section can't be a name", 'write "name: value"'),
  controlCharacter: (code: number) =>
    error(
      116,
      code === 0xfffd
        ? "a character stands here that isn't written in UTF-8"
        : `an invisible character (U+${code.toString(16).toUpperCase().padStart(4, "0")}) stands here`,
      "delete it, or type the line again: it comes along when text is copied",
    ),
  hiddenByHash: (hidden: string, value: string) =>
    warning(
      122,
      `${quoted(hidden)} isn't read: # begins a comment`,
      `write "${value}" in quotes, or "# " with a space where it is a comment`,
    ),
  tooManyEntries: (key: string, count: number, max: number) =>
    error(
      120,
      `${count} ${key} are described here; at most ${max} are possible`,
      "describe what is there in two files",
    ),
  /** Stands for those that aren't shown: as grave as the gravest of them. */
  andMore: (count: number, areErrors: boolean) =>
    said(
      areErrors ? "error" : "warning",
      121,
      count === 1 ? "and 1 more problem from here on" : `and ${count} more problems from here on`,
      "mend the first ones and check again: many come from one cause",
    ),
  commaInBraces: (rest: string) =>
    error(
      123,
      `a comma stands before ${quoted(rest)}, and between { } it ends the value`,
      'write decimals with a point, "1.8"; a text with commas goes in quotes',
    ),
  unquoted: (text: string) =>
    error(
      126,
      `between { } a text with "? " and ": " needs quotes: ${quoted(text)}`,
      `write "${cut(text, SHOWN_MAX)}" with its quotes, or the keys on lines of their own without { }`,
    ),
  noBeginning: (wanted: readonly string[]) =>
    error(
      124,
      `this file begins in the middle: not one line is "${wanted.slice(0, 2).join(':" or "')}:"`,
      "paste the whole file, or look whether all its lines have been indented",
    ),
  tooManyValues: (max: number) => error(117, `more than ${max} values`, "write fewer references (*name)"),

  // 2xx: its shape
  unknownKey: (key: string, suggestion: string | undefined, known: readonly string[]) =>
    error(201, `unknown key "${key}"`, meant(suggestion, known)),
  missingKey: (key: string, where: string) => error(202, `"${key}:" is missing in ${where}`),
  noValue: (key: string) => error(203, `"${key}:" has no value`, "write one, or delete the line"),
  wantedSection: (got: string) => error(204, `lines of "name: value" belong here, not ${got}`),
  wantedList: (got: string) =>
    error(205, `a list belongs here, not ${got}`, "begin each entry with a hyphen and a space"),
  wantedValue: (got: string) => error(206, `a single value belongs here, not ${got}`),
  wrongChoice: (text: string, choices: readonly string[], suggestion: string | undefined) =>
    error(207, `${quoted(text)} is not possible here`, meant(suggestion) ?? `possible: ${listed(choices)}`),
  badName: (text: string) =>
    error(208, `${quoted(text)} is no name`, "use lower-case letters, digits and hyphens; begin with a letter"),
  unknownFormat: (text: string) =>
    error(209, `format ${quoted(text)} is unknown to this program`, 'write "format: 1", or update pump-station'),

  // 3xx: one value
  decimalComma: (text: string) =>
    error(301, `${quoted(text)} has a decimal comma`, `write "${text.replace(",", ".")}"`),
  bareNumber: (text: string, readings: readonly string[]) =>
    error(302, `${text} of what? The unit is missing`, `write ${listed(readings.map((r) => `"${r}"`))}`),
  unknownUnit: (unit: string, suggestion: string | undefined) =>
    error(303, `unknown unit ${quoted(unit)}`, meant(suggestion)),
  otherDimension: (text: string, wanted: string) =>
    error(
      304,
      `${quoted(text)} measures something else: a value in ${wanted} belongs here`,
      `is it the right line? Write the number and then "${wanted}"`,
    ),
  notANumber: (text: string, example: string) =>
    error(305, `${quoted(text)} is no number`, digitsOr(text, `for example "${example}"`)),
  numberTooLarge: (text: string) =>
    error(306, `${quoted(text)} is too large to be computed with exactly`, "is there a digit too many?"),
  leadingZero: (text: string) =>
    error(
      307,
      `${text} begins with 0, which some programs read as octal`,
      `write "${text.replace(/^([+-]?)0+(?=\d)/, "$1")}"`,
    ),
  notWhole: (text: string) =>
    error(308, `${quoted(text)} is no whole number`, digitsOr(text, 'for example "17" or "0x11"')),
  outOfRange: (text: string, low: string, high: string) => error(309, `${text} is outside of ${low} to ${high}`),
  ambiguousAddress: (text: string, decimal: string, hex: string, likely: string | undefined) =>
    error(
      310,
      `address ${text}: decimal, which is ${decimal}, or ${hex} as i2cdetect shows it?`,
      likely === undefined ? `write "${decimal}" or "${hex}"` : `this device can be at ${likely}: write "${likely}"`,
    ),
  notBytes: (text: string) =>
    error(311, `${quoted(text)} are no bytes`, 'write pairs of the characters 0-9 and A-F: "55 AA 0F"'),
  notADuration: (text: string) =>
    error(312, `${quoted(text)} is no time`, digitsOr(text, 'for example "500ms", "30s", "15min", "2h"')),
  reversedRange: (text: string) =>
    error(313, `${quoted(text)} ends before it begins`, "write the smaller number first"),
  notARange: (text: string) =>
    error(314, `${quoted(text)} is no range`, 'for example "0 to 100" or "200 to 1000 mbar"'),
  unknownTimeZone: (text: string, suggestion: string | undefined) =>
    error(315, `unknown time zone ${quoted(text)}`, meant(suggestion) ?? 'for example "Europe/Berlin" or "UTC"'),
  unknownPlaceholder: (name: string) =>
    error(316, `${quoted(name)} is no placeholder`, "write {value}, or {channel} with the name of a channel"),
  notRegisters: (text: string) =>
    error(317, `${quoted(text)} are no registers`, 'for example "holding 0 to 7", "input 30", "coil 0 to 3"'),
  notASerialMode: (text: string) => error(318, `${quoted(text)} is no serial mode`, 'for example "8N1" or "8E1"'),
  unitNotAllowed: (text: string) =>
    error(319, `${quoted(text)} has a unit, but this number has none`, "write the number alone"),
  textTooLong: (length: number, max: number) => error(320, `the text has ${length} letters; at most ${max} fit`),
  badFormula: (message: string, advice: string | undefined) => error(321, `formula: ${message}`, advice),
  badCondition: (message: string, advice: string | undefined) => error(322, `condition: ${message}`, advice),
  notNearlyNow: (text: string, low: string, high: string) =>
    error(323, `${text} is outside of ${low} to ${high}`, "is the unit right?"),

  oldRegisters: (text: string, old: string, plain: string | undefined) =>
    error(
      336,
      `${quoted(text)}: registers are written as they travel, counted from 0, with their table`,
      plain === undefined
        ? `write "${old}"`
        : `write "${old}" if the manual counts from 1 as in 40001, or "${plain}" if that is the number that travels`,
    ),
  registersOfWhat: (text: string) =>
    error(
      337,
      `register ${text} of which table?`,
      `write "holding ${text}", "input ${text}", "coil ${text}" or "discrete ${text}"`,
    ),
  coilsInANumber: (count: number, max: number) =>
    error(338, `${count} bits in one number`, `at most ${max} make a number; write several channels`),
  notRegisterNumbers: (text: string) =>
    error(
      339,
      `${quoted(text)} is no register number`,
      'for example "3" or "0 to 3"; the table stands in "registers:"',
    ),

  hexWithoutPrefix: (text: string) => error(324, `address ${text} is hexadecimal`, `write "0x${text.toLowerCase()}"`),

  notLetters: (letter: string) =>
    error(330, `${quoted(letter)} can't be sent as one byte`, "write \\xHH with the byte's two hexadecimal digits"),
  badEscape: (text: string) => error(331, `${quoted(text)} means nothing`, "possible: \\r, \\n, \\t, \\\\ and \\xHH"),
  placeholdersTouch: () =>
    error(
      332,
      "two placeholders touch",
      'without a letter between them nobody can tell them apart: put one, or say "digits:" of the first ("address-written:" for {address})',
    ),
  notAPin: (text: string) =>
    error(350, `${quoted(text)} is no line of a chip`, 'write its number ("17") or its name as gpioinfo shows it'),

  // 4xx: a device file
  typeIsNotFileName: (type: string, file: string) =>
    error(401, `the file is called "${file}", but says "type: ${type}"`, "both have to be the same name"),
  unfamiliarUnit: (unit: string, suggestion: string | undefined) =>
    warning(402, `unit ${quoted(unit)} is not in this program's table; it is taken as it stands`, meant(suggestion)),
  fieldOrFormula: () => error(403, 'a channel takes its value either from bytes or from "formula:"'),
  resolutionMissing: () =>
    error(404, "a formula doesn't say how fine its value is", 'add "resolution:", the step that is worth paying for'),
  bitsBeyondField: (bits: string, as: string) => error(405, `bits ${bits} are not in a field of type ${as}`),
  bitsOfFloat: (as: string) => error(406, `${as} has no bits to pick from`),
  rawBeyondField: (text: string, as: string) =>
    error(407, `${text} can't stand in a field of type ${as}`, "is there a digit too many, or is the type too narrow?"),
  unknownName: (name: string, suggestion: string | undefined, known: readonly string[]) =>
    error(408, `nothing is called "${name}" here`, meant(suggestion, known)),
  unknownChecksum: (name: string, suggestion: string | undefined) =>
    error(409, `unknown checksum ${quoted(name)}`, meant(suggestion) ?? "names as in the CRC catalogue: CRC-16/MODBUS"),
  framePartNeeds: (part: string, key: string) => error(410, `the part "${part}" needs "${key}:"`),
  framePartTakesNo: (part: string, key: string) => error(411, `the part "${part}" takes no "${key}:"`),
  frameNeeds: (part: string) => error(412, `the frame has no part "${part}"`),
  frameHasTwice: (part: string) => error(413, `the frame has two parts "${part}"`),
  unknownFramePart: (part: string) => error(414, `the frame has no part ${quoted(part)}`),
  partsReversed: () => error(415, "the covered parts end before they begin"),
  nothingToRead: () => error(416, "the device has no channels", "a device that says nothing can't be checked"),
  channelTwice: (name: string) => error(417, `a channel called "${name}" stands in another read already`),
  settingNeedsField: (channel: string) =>
    error(418, `"${channel}" is computed by a formula: a value to be written needs a channel read from bytes`),
  stepUnclear: () => error(419, 'a step is one of "write:", "wait:", "read:" (with or without "write:") and "until:"'),
  fieldBeyondRead: (bytes: number) => error(420, `only ${bytes} bytes are read here`),
  registerBeyondRead: (first: number, last: number) => error(421, `this read covers registers ${first} to ${last}`),
  registerTable: (table: string) => error(422, `registers of the table "${table}" can't be written`),
  coilIsABit: () => error(423, 'a coil is one bit: "as:", "bits:", "scale:" and "offset:" don\'t apply'),
  tooManyRegisters: (max: number) => error(424, `one request reads at most ${max}`),
  fieldNeeds: (key: string) => error(425, `a channel read from bytes needs "${key}:"`),
  stateNumberTwice: (name: string) => error(426, `two numbers are called "${name}"`),
  crcLength: (read: number, every: number) =>
    error(427, `${read} bytes can't be cut into ${every} and one check byte each`),
  valueMissing: () => error(428, "the written bytes hold no {value}"),
  rangeOfText: () => error(429, "a state has no unit, range, scale or resolution"),
  alarmNeverEnds: () => warning(430, '"until:" is the same as "when:"'),
  alarmNeverRests: () =>
    warning(
      710,
      '"until:" can hold while "when:" does: the alarm would begin and end with each reading between the two',
      'the number of "until:" on the other side: when: temperature above 85 °C, until: temperature below 75 °C',
    ),
  needsBoth: () => error(431, 'a "quantity" needs a "unit:", a "whole-number" has none'),
  notCompiled: (reason: string) => error(433, `this can't be made to work: ${reason}`),
  lateTooShort: () =>
    warning(434, '"late:" is shorter than "answer-within:": a late answer could pass for the next one'),
  formulaCycle: (way: readonly string[]) =>
    error(475, `the value is computed from itself: ${way.join(" ← ")}`, "one of them has to come from bytes"),
  repeatedStart: (written: number, read: number) =>
    error(
      476,
      `a repeated start can't be made here: ${written} bytes written and ${read} read in one transfer`,
      "Linux programs can do it for one written byte and up to 32 read ones",
    ),
  writtenUnknown: (name: string, suggestion: string | undefined, known: readonly string[]) =>
    error(477, `nothing says what {${name}} stands for`, meant(suggestion, known) ?? 'say it in "with:"'),
  writtenUnused: (name: string) => error(478, `no {${name}} stands in "write:"`),
  maskLength: (mask: number, expect: number) => error(479, `the mask has ${mask} bytes, but ${expect} are compared`),
  statusTwice: (code: number) => error(620, `status ${code} means two things`, "write it in one place"),
  textHasNone: (key: string) => error(621, `"as: text" has no "${key}:"`, "compute with it in a formula instead"),
  onlyOfText: (key: string) => error(622, `"${key}:" is only of "as: text"`, "delete it"),
  writeOrLetters: () => error(623, 'a step has "write:" or "letters:", not both'),
  settingNeedsCoding: (channel: string) =>
    error(
      524,
      `"${channel}" is computed by a formula: nothing says how {value} is coded`,
      'say it in "with:", for example "value: { formula: value * 16, as: i16 }"',
    ),
  settingOfBits: (
    channel: string,
    { low, high }: { readonly low: number; readonly high: number },
    { as, scale, offset }: { readonly as: string; readonly scale: number; readonly offset: number },
  ) =>
    error(
      525,
      `"${channel}" is only a part of these bytes (bits ${low} to ${high}): nothing says what the others become`,
      `if they are 0, add "with: { value: { formula: value, as: ${as}, bits: ${low} to ${high}` +
        `${scale === 1 ? "" : `, scale: ${scale}`}${offset === 0 ? "" : `, offset: ${offset}`} } }"; if they have to` +
        ' stay, read them in a step before and put them into the "formula:"',
    ),
  settingWriteOrSteps: () => error(526, 'a setting of a chip needs "write:" or "steps:", one of both'),
  settingUnwritten: () =>
    error(527, "nothing of what is written depends on the value", 'write {value}, or use value in a "formula:"'),
  exampleNeedsTransfers: () =>
    error(
      528,
      'a setting or command of a chip is shown with "transfers:"',
      "all from the first that identifies the chip or sets it up",
    ),
  choicesNeeded: () =>
    error(480, 'a "choice" needs "choices:", and nothing else has them', 'for example "choices: { low: 0, high: 1 }"'),

  recordsNeedLength: () => error(440, 'records need "length:" or "length-at:", one of both'),
  recordWithoutRecords: () => error(441, '"record:" needs a section "records:" in the same read'),
  askedOrByItself: () => error(442, 'a read needs "send:", or "by-itself: true", one of both'),
  answerMissing: () => error(443, '"answer:" is missing: how the body of the answer begins'),
  stuffingUnclear: () =>
    error(
      444,
      'stuffing needs "escape:", "xor:" and "escaped:", or else a "table:"',
      'for example table: { 7E: "7D 5E" }',
    ),
  stuffingNotTwo: (byte: string) => error(445, `${byte} has to be sent as an escape byte and one more`),
  escapeNotEscaped: (escape: string) =>
    error(446, `the escape byte ${escape} isn't escaped itself`, "then it couldn't stand among the data: add it"),
  wrappedTwice: () => error(447, 'a frame has "wrapping:" or "stuffing:", one of both'),
  wrappingNeedsStart: (what: string) => error(448, `${what} needs a frame that begins with a part "start"`),
  bodyHasNoEnd: () =>
    error(
      449,
      "nothing says where the body ends, up to which there are records",
      'add a part "length" or "end", "length:" to the body, or "count:" to the records',
    ),
  codeHasNoEnd: () => error(452, 'a code apart from the body needs a part "length" or "end", or "length:" of the body'),
  lineNeedsEnd: () => error(453, "a line needs an end", 'for example end: "\\r\\n"'),
  lineEndInRequest: () =>
    error(
      454,
      "the end of the line is added by itself",
      'leave it out here; what requests end with stands in "request-line:"',
    ),
  lineOrBlock: () =>
    error(
      210,
      'what the device sends is described by "line:" or by "block:", one of both',
      '"block:" if several lines have one check, else "line:"; how requests look is said by "request-line:"',
    ),
  blockNeedsEnd: (hasCheck: boolean) =>
    error(
      211,
      "nothing says where a block ends",
      hasCheck
        ? 'add "after:" to its check: what stands before it, for example after: "!"'
        : 'add a "check:", or "end:" with the letters that end it',
    ),
  fillWithoutDigits: () =>
    error(212, '"fill:" needs "digits:"', "write how many digits the number always has, or delete this line"),
  impliedDecimals: () =>
    error(213, "nothing says where the implied point stands", 'add "decimals:", the digits behind it'),
  moreDecimalsThanDigits: (digits: number, decimals: number) =>
    error(
      214,
      `${decimals} digits stand behind the point, but the number has only ${digits}`,
      '"digits:" counts all digits of the number, before and behind the point',
    ),
  validApart: (names: readonly string[], reason: string) =>
    error(
      215,
      `${listed(names, "and")} don't come in one answer: ${reason}`,
      "whether a value counts is judged by values of the same moment",
    ),
  validByItself: (name: string) =>
    error(
      216,
      `whether "${name}" counts is judged by "${name}" itself`,
      'name another channel of the same answer; what is plausible is said by "range:"',
    ),
  marksNothing: (what: string) =>
    error(217, `no bytes stand here: "${what}" would be found everywhere`, 'write them: "55 AA", or delete it'),
  stateNeedsStates: () =>
    error(218, 'a state needs "states:", the names of its numbers', 'for example "states: { 0: off, 1: on }"'),
  needUnused: (name: string) =>
    warning(
      219,
      `"${name}" is asked of each station file, and nothing uses it`,
      `use it in a formula (${name.replaceAll("-", "_")}), or delete it`,
    ),
  notARefusal: (text: string) =>
    error(
      128,
      `${quoted(text)} tells no refusal from an answer`,
      'write its constant bytes, ?? for any byte, {sent} for the byte that was sent in this place and {code} for its code: "FF ?? {code}"; "FF" alone has its code behind it',
    ),
  textNeedsPlace: () => error(455, 'a channel of a line needs "field:" or "begins-with:"'),
  groupWithoutGroups: () => error(456, '"group:" needs a section "groups:" in the same read'),
  stateTooLong: (text: string, max: number) =>
    error(457, `${quoted(text)} is no state that can be told apart`, `at most ${max} letters, or digits`),
  stateLettersTwice: (text: string, other: string) => error(458, `${quoted(text)} and ${quoted(other)} are one state`),
  decimalsMissing: () =>
    error(459, "nothing says how fine the value is", 'add "decimals:", the digits behind the point, or "resolution:"'),
  notOneByte: (text: string) => error(450, `${quoted(text)} is not one byte`),

  unitOrScale: () => error(481, '"unit-at:" says how a number is scaled already', 'delete "scale:" and "offset:"'),
  unitsMissing: () =>
    error(482, "no unit is named", 'write "units: { M: m/s, N: kn }": each text, and what it stands for'),

  setUpStepUnclear: (first: string) =>
    error(
      570,
      `an entry of the set-up is "${first}:" or "wait:", one of both`,
      first === "write"
        ? 'for example "- { write: holding 5, value: 1 }"'
        : `for example "- { send: …, answer: … }", and on a line of its own "- { wait: 100ms }"`,
    ),
  setUpMissing: () => error(571, 'there is no "set-up:" that could be done again', "add one, or delete this line"),
  nothingRefuses: () =>
    error(572, "nothing says what a refusal looks like", 'add "refusal:", how one begins; its code stands behind it'),
  setUpNotAsked: (step: number, steps: readonly number[]) =>
    error(
      573,
      `entry ${step} of the set-up is no exchange`,
      steps.length === 0 ? "there is none" : `exchanges are: ${listed(steps.map(String), "and")}`,
    ),
  resolutionNotPositive: (of: string) =>
    error(575, `the step that is worth paying for (${of}) is no number above 0`, "is one of the values in it 0?"),
  setUpNeedsValue: () => error(574, 'a write needs "value:"', "one for each coil or register"),

  onlyWritesOptional: () =>
    error(735, "what is read has to come", 'only a step that just writes can be "optional: true"'),
  checkedTwice: () =>
    error(
      736,
      '"crc8:" and "check:" stand beside each other',
      "crc8 covers a few bytes each, check all of them: keep one",
    ),
  crcOrSum: () => error(737, 'a check is one "crc:" or one "sum:"', "for example crc: CRC-16/MODBUS"),
  checkAlone: (bytes: number) =>
    error(738, `the check alone has ${bytes} bytes`, '"read:" counts all bytes, those of the check too'),

  levelStates: () =>
    error(490, "a pin has two levels", 'name both: "states: { 0: open, 1: shut }"; 1 is what "active:" says'),
  levelNeedsStates: (name: string) =>
    error(491, `"${name}" has neither "states:" nor "formula:"`, "name the two levels, or compute from level (0 or 1)"),
  outputNeedsState: () =>
    error(492, "no channel shows what the pin is at", 'add one with "states: { 0: off, 1: on }" and no formula'),
  readBackOfOutput: (channel: string) =>
    error(493, `what an output is set to is read back in "${channel}"`, `write "read-back: ${channel}"`),
  longerThanAtMost: (text: string, atMost: string) =>
    error(494, `${text} is longer than "at-most: ${atMost}"`, "shorten it, or allow more"),
  safeForAWhile: (state: string) =>
    error(495, `"${state}" is the safe state already: nothing would end after that time`, 'delete "for:"'),
  rateBeyondDebounce: (debounce: string, hertz: number) =>
    error(
      496,
      `with a debounce of ${debounce} at most ${Number(hertz.toPrecision(3))} Hz can be counted`,
      "shorten the debounce, or lower the rate",
    ),
  exampleLine: () =>
    error(497, '"line:" shows what the wire of a pin is at: only levels and outputs have one', "delete it"),

  // 46x, 47x: Modbus
  maybeOldRegister: (text: string, old: string) =>
    warning(
      460,
      `${quoted(text)} is taken as the number that travels; in the counting of 40001 it would be "${old}"`,
      "write the number in hexadecimal (0x…) if it is meant so",
    ),
  silenceFraming: (key: string) =>
    error(
      461,
      `"${key}:" can't be had: frames aren't told apart by the silence between them`,
      "a Linux program learns of bytes milliseconds late, and above 9600 baud 3.5 characters are over by then; the" +
        " end of a frame is computed from its length and proved by its check. Delete the line",
    ),
  settingBroadcast: () =>
    error(
      462,
      "a setting can't be sent to all devices at once",
      "nobody answers a broadcast, and each setting is read back from its device; make it a command",
    ),
  writeFunction: (code: number, possible: readonly number[]) =>
    error(463, `function ${code} can't write this`, `write ${listed(possible.map((one) => `"with: ${one}"`))}`),
  valuesForRegisters: (values: number, registers: number) =>
    error(464, `${values} of ${registers} values`, "write one for each: [1, 0, 1]"),
  coilValue: (value: number) => error(465, `a coil holds 0 or 1, not ${value}`),
  formulaApart: (names: readonly string[], reason: string) =>
    error(
      466,
      `${listed(names, "and")} don't come in one answer: ${reason}`,
      "a formula computes with values of the same moment",
    ),
  rtuNeedsEightBits: () =>
    error(467, "Modbus RTU sends bytes of 8 bits", 'write "8E1", or "protocol: modbus-ascii" for 7 bits'),
  widerThanRequest: (registers: number, max: number) =>
    error(468, `it takes ${registers} registers, and one request at most ${max}`),
  textLength: (reason: string) =>
    error(469, `the text's length is unclear: ${reason}`, 'write "holding 16 to 23", or "length:" in letters'),
  holdingOnly: () => error(470, "function 23 reads holding registers only (1.1b3, 6.17)"),
  registersOfField: (text: string, as: string, wanted: number) =>
    error(471, `${quoted(text)} doesn't fit: ${as} takes ${wanted === 1 ? "one register" : `${wanted} registers`}`),
  partOfRegister: (channel: string) =>
    error(
      472,
      `"${channel}" is a part of this register, which can only be written whole`,
      "writing it would change the other bits too",
    ),
  quietTooShort: (standard: string) =>
    warning(473, `Modbus RTU wants at least ${standard} of silence before a request (serial line 1.02, 2.5.1.1)`),
  writesTooMany: (max: number) => error(474, `one request writes at most ${max}`),
  extendsItself: (way: readonly string[]) =>
    error(
      550,
      way.length > 2 ? `this file extends itself: ${way.join(" → ")}` : "this file extends itself",
      "name another device file; a changed one needs a name of its own",
    ),
  /** `said`: what is wrong at a line of the file that is extended. */
  noLongerFits: (place: string, { severity, message, advice }: Said) =>
    said(severity, 551, `with this, ${place} doesn't fit any more: ${message}`, advice),
  extendsTooMany: (max: number, way: readonly string[]) =>
    error(552, `more than ${max} files extend each other: ${way.join(" → ")} → …`, "extend one further down that row"),
  extendsOtherProtocol: (base: string, theirs: string, ours: string) =>
    error(
      553,
      `"${base}" is a device with "protocol: ${theirs}", which "protocol: ${ours}" can't extend`,
      'delete this line: the protocol is taken over with "extends:"',
    ),
  nothingToTakeAway: (name: string, base: string, suggestion: string | undefined, known: readonly string[]) =>
    error(554, `"${name}: none" takes nothing away: ${base}.yaml has no "${name}" here`, meant(suggestion, known)),
  inheritedFails: (name: string, place: string, what: string) =>
    error(
      555,
      `with what this file changes, the example ${quoted(name)} of ${place} doesn't come out any more: ${what}`,
      "if the change is right, show it by examples of your own",
    ),

  // 5xx: a station file
  unknownType: (type: string, suggestion: string | undefined, known: readonly string[]) =>
    error(501, `no device file is called "${type}"`, meant(suggestion, known)),
  unknownPort: (port: string, suggestion: string | undefined, known: readonly string[]) =>
    error(502, `there is no port "${port}"`, meant(suggestion, known)),
  wrongPortKind: (port: string, kind: string, type: string, wanted: string, possible: readonly string[]) =>
    error(
      503,
      `port "${port}" is for ${kind}, but a ${type} is wired to ${wanted}`,
      possible.length > 0
        ? `for ${wanted} there ${possible.length === 1 ? "is" : "are"}: ${listed(possible, "and")}`
        : `describe one below "ports:", with a line "${wanted}:"`,
    ),
  portNeedsOne: () =>
    error(
      504,
      'a port is one of "serial:", "i2c:", "gpio:" and "counter:"',
      'for example "i2c: /dev/i2c-1"; what is there: pump-station scan',
    ),
  addressTaken: (address: string, port: string, other: string, line: number) =>
    error(
      505,
      `"${other}" (line ${line}) has address ${address} on port "${port}" already`,
      "two devices on one line need two addresses: look at their switches, or is one on another port?",
    ),
  pinTaken: (pin: number | string, port: string, other: string, line: number) =>
    error(
      506,
      `"${other}" (line ${line}) is on pin ${pin} of "${port}" already`,
      "look at the wires: each device has a pin of its own",
    ),
  portAlone: (port: string, other: string, line: number) =>
    error(
      507,
      `"${other}" (line ${line}) has port "${port}" for itself: its frames carry no address`,
      "wire one of the two to another port",
    ),
  addressUnused: (advice: string) =>
    error(523, "nothing that is sent carries the address: two such devices on one line couldn't be told apart", advice),
  lineTaken: (port: string, ours: string, theirs: string, other: string, line: number) =>
    error(
      508,
      `port "${port}" runs at ${theirs} for "${other}" (line ${line}); this type needs ${ours}`,
      "one line has one speed: wire one of the two to another port",
    ),
  portPathTwice: (path: string, other: string) =>
    error(
      509,
      `${path} is port "${other}" already`,
      `delete one of the two, and say "port: ${other}" where it is used`,
    ),
  keyOfOtherKind: (key: string, type: string) => error(510, `a ${type} has no "${key}:"`, "delete the line"),
  needMissing: (key: string, type: string, example: string) =>
    error(511, `a ${type} needs "${key}:"`, `add a line below, for example "${key}: ${example}"`),
  notOneOf: (text: string, choices: readonly string[], suggestion?: string) =>
    error(512, `${quoted(text)} is not possible`, meant(suggestion) ?? `possible: ${listed(choices)}`),
  unknownChannel: (name: string, suggestion: string | undefined, known: readonly string[]) =>
    error(513, `there is no channel "${name}"`, meant(suggestion, known)),
  stateIsNoQuantity: (channel: string) =>
    error(514, `"${channel}" is a state; only measured values can be changed here`, "delete the line"),
  fasterIsSlower: (faster: string, every: string) =>
    warning(515, `"faster" reads every ${faster}, which is no faster than every ${every}`),
  aggregateTooShort: (aggregate: string, every: string) =>
    error(
      516,
      `values of ${aggregate} can't be made of readings every ${every}`,
      `make it longer than ${every}, or read more often`,
    ),
  deviceFileBroken: (type: string) => error(517, `the device file of "${type}" has problems, see there`),
  altitudeMissing: (type: string) =>
    error(518, `a ${type} computes with the altitude`, 'add "altitude:" below "place:"'),
  smallChangeZero: () => error(519, "a small change is more than 0", "delete the line to have every change sent"),
  meanOfState: (channel: string) =>
    error(520, `"${channel}" is a state: only "last" makes sense`, `write "${channel}: last"`),
  portUnused: (port: string) => warning(521, `nothing is wired to port "${port}"`),
  counterHasNoPin: (port: string) =>
    error(498, `port "${port}" is a counter of the kernel, which has its pin already`, "delete the line"),
  counterTaken: (port: string, other: string, line: number) =>
    error(499, `"${other}" (line ${line}) counts with "${port}" already`),
  filterIsPerChannel: (got: string | undefined) =>
    error(
      530,
      `"filter:" holds channels, and below each of them its steps${got === undefined ? "" : `, not ${quoted(got)}`}`,
      `write the channel's name, and on the next line "- ${stepText(got) ?? "median: 5s"}"`,
    ),
  noStep: (got: string | undefined) =>
    error(
      531,
      got === undefined ? "the steps of a filter are a list" : `${quoted(got)} is no step of a filter`,
      `write each step on a line of its own: "- ${stepText(got) ?? "median: 5s"}"`,
    ),
  noPolynomial: (max: number) =>
    error(
      532,
      "this is no correction",
      `write an amount to add ("-0.4 °C"), points ("- 3.2 mbar is really 0 mbar"), or "polynomial: [0.1, 1.02]" with 2 to ${max} numbers`,
    ),
  severalSteps: (keys: readonly string[]) =>
    error(
      533,
      keys.length === 0 ? "a step of the filter is missing here" : `${listed(keys, "and")} are ${keys.length} steps`,
      "begin each step with a hyphen of its own: they are done in this order",
    ),
  stepOfState: (step: string, channel: string) =>
    error(
      534,
      `"${channel}" is a state: there is no ${step} of it`,
      'for states there are "debounce", "throttle" and "timeout"',
    ),
  stepOfCounter: (step: string, channel: string) =>
    error(
      535,
      `"${channel}" is a counter: ${step} would change what was counted`,
      'for counters there are "throttle" and "timeout"; how fast it counts is said by "rate-of-change:"',
    ),
  debounceOfNumber: (channel: string) =>
    error(536, `"${channel}" is a measured value: "debounce" is for states`, 'write "median" or "average"'),
  degreesMixed: (channel: string) =>
    warning(
      537,
      `"${channel}" is in degrees: taken as numbers, 350° and 10° make 180°`,
      `for a direction, write "${channel}: vector mean" below "aggregate:"`,
    ),
  windowTooFull: (step: string, count: number, max: number) =>
    error(
      538,
      `this ${step} would keep ${count} readings; at most ${max}`,
      'a shorter time, or "- throttle: …" as the step before',
    ),
  windowTooShort: (step: string, time: string, every: string) =>
    warning(
      539,
      `${step} of ${time}, but there is a reading only every ${every}: this can't work as meant`,
      `a longer time, or a shorter "every:"`,
    ),
  noJump: (text: string) => error(540, `${quoted(text)} is no jump`, 'for example "5 °C within 10s"'),
  noAggregate: (text: string, suggestion: string | undefined) =>
    error(
      541,
      `${quoted(text)} is nothing that can be made of a window`,
      meant(suggestion) ??
        'possible: mean, min, max, sum, last, vector mean; or "max of speed", "vector mean by speed"',
    ),
  noDirection: (channel: string) =>
    error(542, `"${channel}" is no direction: "vector mean" is for degrees`, 'write "mean"'),
  weightOfOther: (by: string) => error(543, `only a vector mean is weighted "by" another channel, not a ${by}`),
  nameTaken: (name: string, of: string) =>
    error(544, `there is a channel "${name}" already`, `give what is made of "${of}" a new name`),
  noRate: (text: string) =>
    error(545, `${quoted(text)} is no rate of change`, 'for example "pressure per 1h over 3h"; per 1s, 1min, 1h or 1d'),
  rateTooShort: (over: string, least: string) =>
    error(546, `over ${over} there are too few readings to tell a rate`, `write at least "over ${least}"`),
  readBackCorrected: (channel: string) =>
    error(547, `"${channel}" shows what was set: corrected, it would show something else`, "delete the line"),
  noPoint: (text: string) => error(548, `${quoted(text)} is no point`, 'for example "- 3.2 mbar is really 0 mbar"'),
  badPoints: (what: string, max: number) =>
    error(
      549,
      what,
      `write 2 to ${max} lines such as "- 3.2 mbar is really 0 mbar", each for another value of the sensor`,
    ),
  reservedAddress: (text: string) => error(522, `I2C addresses run from 0x08 to 0x77; ${text} is none`),

  // 6xx: examples
  exampleUnclear: () =>
    error(601, 'an example shows one of "read:", "set:", "command:", "set-up:", "transfers:", "pulses:" and "line:"'),
  exampleFails: (what: string) =>
    error(
      602,
      `the example doesn't come out: ${what}`,
      "compare the line that computes it and the example's bytes with the manual",
    ),
  exampleOrigin: (text: string) =>
    error(
      603,
      `${quoted(text)} doesn't say where the example is from`,
      'begin with "datasheet", "computed from" or "capture"',
    ),
  exampleUnknown: (kind: string, name: string, suggestion: string | undefined, known: readonly string[]) =>
    error(604, `there is no ${kind} "${name}"`, meant(suggestion, known)),
  exampleAnswerTwice: () =>
    error(451, 'an example has "answer:" or "received:", one of both', '"received:" is what a device sent by itself'),
  examplesFew: (count: number) =>
    warning(605, `${count} of at least 2 examples`, "examples are what tells a typing error from a fact"),
};

/** Device files of text lines: what a line is, what asks for it, and which field means what. */
import * as z from "zod";
import { SUM_NAMES } from "../checksum/checksum-sums.ts";
import { say } from "../messages.ts";
import type { Reading } from "../quantities.ts";
import * as s from "../scalars.ts";
import {
  BYTE_ORDERS,
  commandKeys,
  everyType,
  meaningKeys,
  named,
  serialKeys,
  settingKeys,
  setUpKeys,
  textExamples,
  validWhenKey,
} from "./keys.ts";

/** "content", "content to after", "begin to after". */
const covered = () =>
  s.scalar({ type: "string", examples: ["content", "begin to after"] }, (t): Reading<Covered> => {
    const [first = "", last = first, ...more] = t.split(/\s+to\s+/);
    const isKnown = (first === "begin" || first === "content") && (last === "content" || last === "after");
    return isKnown && more.length === 0 ? { ok: { first, last } } : { said: say.wrongChoice(t, COVERED, undefined) };
  });
interface Covered {
  readonly first: "begin" | "content";
  readonly last: "content" | "after";
}
const COVERED = ["content", "content to after", "begin to content", "begin to after"];

const checkKeys = {
  sum: s.choice(SUM_NAMES).optional(),
  crc: s.text().optional(),
  after: s.letters().optional().describe('what stands before the check: "*"; default: nothing'),
  over: covered().optional().describe("what it covers: content (default), content to after, begin to after"),
};

const lineForm = z.strictObject({
  begin: s.letters().optional().describe('what each line begins with: "$"; default: nothing'),
  end: s.letters().optional().describe('what ends it; default: "\\r\\n"'),
  separator: s
    .letters()
    .optional()
    .describe('between two fields; "spaces" is one or more blanks, "before-sign" none but + or -; default: ","'),
  check: z
    .strictObject({ ...checkKeys, "may-be-missing": s.truth().optional() })
    .optional()
    .describe("of all letters between begin and after, as hexadecimal digits"),
});

const blockForm = z.strictObject({
  begin: s.letters().optional().describe('what each block begins with: "/"; default: nothing'),
  "line-end": s.letters().optional().describe('what stands between two of its lines; default: "\\r\\n"'),
  check: z
    .strictObject({
      ...checkKeys,
      written: s
        .choice(["hex-digits", "bytes"])
        .optional()
        .describe("how the check travels: two letters 0-9, A-F for each byte (default), or the bytes themselves"),
      "byte-order": s.choice(BYTE_ORDERS).optional().describe("of a check of several bytes; default: big-endian"),
    })
    .optional()
    .describe("of all lines together; the block ends with it"),
  end: s.letters().optional().describe("what ends the block, behind the check if there is one; default: nothing"),
});

const numeralKeys = {
  digits: s
    .whole(1, 15)
    .optional()
    .describe("the number always has so many digits, those behind the point counted: 5 of 03.140"),
  fill: s.choice(["zeros", "blanks"]).optional().describe("what stands in front up to digits:; default: zeros"),
};

const lineChannel = z.strictObject({
  ...meaningKeys,
  ...validWhenKey,
  states: z.record(s.text(), s.name()).optional().describe("names of the letters: { A: valid, V: void }"),
  field: s.whole(0, 255).optional().describe("place in the line, or in the group, counted from 0"),
  group: s.text().optional().describe("the group of this name"),
  "begins-with": s
    .letters()
    .optional()
    .describe('what the field begins with, which is no part of the value: "T="; ? is any letter'),
  "ends-with": s.letters().optional().describe('what it ends with: "C"'),
  as: s.choice(["decimal", "hex"]).optional(),
  scale: s.number().optional().describe("value = number · scale + offset"),
  "unit-at": z
    .strictObject({
      field: s.whole(0, 255).describe("place in the line, or in the group, counted from 0"),
      units: z.record(s.text(), s.text()).describe("unit of each text; one that isn't named is no value"),
    })
    .optional()
    .describe("where the line says in which unit the number is: { field: 4, units: { M: m/s, N: kn } }"),
  offset: s.number().optional(),
  decimals: s.whole(0, 9).optional().describe("digits behind the point"),
  ...numeralKeys,
  sign: s.choice(["always"]).optional().describe("always: + or - stands before the number; default: only -"),
  "decimal-mark": s
    .choice(["point", "comma", "implied"])
    .optional()
    .describe("implied: 1234 with decimals: 2 is 12.34; default: point"),
  "no-sensor": s
    .oneOrMore(s.text())
    .optional()
    .describe("texts that mean: no sensor there; an empty field always does"),
});

const lineOfAnswer = () =>
  s.textTemplate().optional().describe("how the answer begins; without it nothing is waited for");

export const linesShape = z.strictObject({
  ...everyType,
  examples: textExamples,
  protocol: s.choice(["lines"]),
  serial: serialKeys.serial,
  timing: serialKeys.timing,
  quirks: serialKeys.quirks,
  line: lineForm.optional(),
  block: blockForm
    .optional()
    .describe("instead of line: several lines are one message, and each of them is a field: begins-with picks it"),
  "request-line": lineForm.optional().describe("where requests look different from answers"),
  "address-written": z
    .strictObject({ as: s.choice(["decimal", "hex"]).optional(), ...numeralKeys })
    .optional()
    .describe("how {address} is written: { as: hex, digits: 2 }; default: decimal, with as many digits as it takes"),
  refusal: s.letters().optional().describe("how a refusal begins; a number behind it is its code"),
  refusals: z.record(s.whole(0, 999_999), s.text()).optional().describe("what the codes of refusals mean"),
  ...setUpKeys({
    send: s.textTemplate().optional(),
    answer: s.textTemplate().optional().describe("how the answer begins; without it nothing is waited for"),
  }),
  reads: named(
    z.strictObject({
      send: s.textTemplate().optional(),
      "by-itself": s.truth().optional().describe("the device sends it without being asked"),
      answer: s.textTemplate().optional().describe('how the line begins; ? is any letter: "??MWV"'),
      where: z.record(s.whole(0, 255), s.text()).optional().describe("only lines in which these fields say this"),
      "valid-when": z
        .record(s.whole(0, 255), s.text())
        .optional()
        .describe("the other fields count only while these say this: { 5: A }; else they have no value"),
      groups: z
        .strictObject({ from: s.whole(0, 255), length: s.whole(1, 32), name: s.whole(0, 31) })
        .optional()
        .describe("repeated groups of fields: the first field, fields of each, and the place of its name in it"),
      channels: named(lineChannel),
    }),
  ),
  settings: named(z.strictObject({ write: s.textTemplate(), answer: lineOfAnswer(), ...settingKeys })).optional(),
  commands: named(z.strictObject({ send: s.textTemplate(), answer: lineOfAnswer(), ...commandKeys })).optional(),
});

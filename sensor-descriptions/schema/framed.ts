/** Device files of our own framing: `frame:` in parts, bodies that ask and answer. */
import * as z from "zod";
import { SUM_NAMES } from "../checksum/checksum-sums.ts";
import type { RefusalSpec } from "../framing/refusal.ts";
import { say } from "../messages.ts";
import type { Reading } from "../quantities.ts";
import * as s from "../scalars.ts";
import {
  BYTE_ORDERS,
  commandKeys,
  everyType,
  fieldKeys,
  meaningKeys,
  named,
  serialKeys,
  settingKeys,
  setUpKeys,
  validWhenKey,
} from "./keys.ts";

const byteChannel = z.strictObject({
  byte: s.whole(0, 1023).optional().describe("counted from 0 in the body, or in the record"),
  record: s.whole().optional().describe("key of the record in which the byte stands; its place, from 0, without keys"),
  ...fieldKeys,
  ...meaningKeys,
  ...validWhenKey,
});

/** "FF", "FF ?? {code}", or "{sent} {code}". */
const refusal = () =>
  s.scalar({ type: s.NUMBER, examples: ["FF", "FF ?? {code}", "{sent} {code}"] }, (t): Reading<RefusalSpec> => {
    const [before = "", after, ...more] = t.split(/\{\s*code\s*\}/);
    const [first, second] = [before, after ?? ""].map(readAnyBytes);
    if (more.length > 0 || first === undefined || second === undefined) return { said: say.notARefusal(t) };
    const bytes = [...first, undefined, ...second];
    if (bytes.every((byte) => byte === undefined)) return { said: say.notARefusal(t) };
    return { ok: { bytes, codeAt: first.length, isCodeOptional: after === undefined } };
  });

/** Undefined: these are no pairs of digits, question marks or {sent}. */
function readAnyBytes(text: string): RefusalSpec["bytes"] | undefined {
  const pairs = text.match(/\{\s*sent\s*\}|[0-9a-fA-F]{2}|\?\?|\S/g) ?? [];
  return pairs.every((pair) => pair.length >= 2)
    ? pairs.map((pair) => (pair === "??" ? undefined : pair.startsWith("{") ? "sent" : Number.parseInt(pair, 16)))
    : undefined;
}

const spot = {
  byte: s.whole(0, 1023),
  as: s.choice(["u8", "u16", "u24", "u32"]),
  "byte-order": s.choice(BYTE_ORDERS).optional(),
};

const records = z.strictObject({
  from: s.whole(0, 1023).describe("where the first record begins in the body"),
  count: z.strictObject(spot).optional().describe("how many there are; without it, up to the end of the body"),
  length: s.whole(1, 1023).optional().describe("bytes of each record"),
  "length-at": z
    .strictObject({ ...spot, counts: s.choice(["rest", "record"]) })
    .optional()
    .describe("where a record says its own length: of the rest behind that number, or of the whole record"),
  key: z.strictObject(spot).optional().describe("which record it is"),
});
const framePart = z.strictObject({
  part: s.choice(["start", "end", "address", "sequence", "length", "code", "body", "check"]),
  bytes: s.bytes().optional(),
  as: s.choice(["u8", "u16"]).optional(),
  counts: s.choice(["body", "body+check", "frame"]).optional(),
  bias: s.whole(-255, 255).optional(),
  length: s.whole(1, 1023).optional().describe("of a body: always so many bytes; of a code: so many"),
  crc: s.text().optional().describe("name of a CRC in the reveng catalogue: CRC-16/MODBUS"),
  sum: s.choice(SUM_NAMES).optional(),
  written: s.choice(["hex-digits"]).optional().describe("two letters 0-9, A-F for each byte of the check"),
  over: s.text().optional(),
  "byte-order": s.choice(BYTE_ORDERS).optional(),
});
const bodyOfAnswer = () =>
  s.bytes().optional().describe("how the body of the answer begins; without it nothing is waited for");
const stuffing = z.strictObject({
  escape: s.bytes().optional(),
  xor: s.bytes().optional().describe("what travels behind the escape byte: the byte XOR this"),
  escaped: s.bytes().optional().describe("bytes that are sent as two; the escape byte always is"),
  table: z.record(s.text(), s.bytes()).optional().describe("instead of these: byte → the two bytes sent for it"),
});

export const framedShape = z.strictObject({
  ...everyType,
  protocol: s.choice(["framed"]).optional(),
  ...serialKeys,
  frame: z.array(framePart).min(1),
  "request-frame": z.array(framePart).min(1).optional().describe("where requests look different from answers"),
  wrapping: s
    .choice(["slip", "cobs", "hex-digits"])
    .optional()
    .describe("how the parts travel: RFC 1055, COBS, or each byte between start and end as two letters"),
  stuffing: stuffing.optional().describe("bytes between start and end that travel as two"),
  refusal: refusal()
    .optional()
    .describe(
      "how a refusal's body looks: FF, behind which its code stands; FF ?? {code}, where ?? is any byte; {sent} {code}, where {sent} is the byte that was sent in this place",
    ),
  refusals: z.record(s.whole(0, 255), s.text()).optional().describe("what the codes of refusals mean"),
  ...setUpKeys({
    send: s.bytes().optional(),
    answer: s.bytes().optional().describe("how the body of the answer begins; without it nothing is waited for"),
  }),
  reads: named(
    z.strictObject({
      send: s.template().optional(),
      "by-itself": s.truth().optional().describe("the device sends it without being asked"),
      answer: s.bytes().optional().describe("how the body begins"),
      records: records.optional().describe("a variable number of records in the body"),
      channels: named(byteChannel),
    }),
  ),
  settings: named(z.strictObject({ write: s.template(), answer: bodyOfAnswer(), ...settingKeys })).optional(),
  commands: named(z.strictObject({ send: s.template(), answer: bodyOfAnswer(), ...commandKeys })).optional(),
});

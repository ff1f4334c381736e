/** Device files of our own framing: `frame:` in parts, bodies that ask and answer. */
import * as z from "zod";
import * as s from "../scalars.ts";
import { BYTE_ORDERS, commandKeys, everyType, fieldKeys, meaningKeys, named, serialKeys, settingKeys } from "./keys.ts";

const byteChannel = z.strictObject({ byte: s.whole(0, 1023).optional(), ...fieldKeys, ...meaningKeys });
const framePart = z.strictObject({
  part: s.choice(["start", "address", "length", "body", "check"]),
  bytes: s.bytes().optional(),
  as: s.choice(["u8", "u16"]).optional(),
  counts: s.choice(["body", "body+check", "frame"]).optional(),
  bias: s.whole(-255, 255).optional(),
  crc: s.text().optional(),
  sum: s.choice(["sum8", "xor8", "lrc8"]).optional(),
  over: s.text().optional(),
  "byte-order": s.choice(BYTE_ORDERS).optional(),
});
export const framedShape = z.strictObject({
  ...everyType,
  protocol: s.choice(["framed"]).optional(),
  ...serialKeys,
  frame: z.array(framePart).min(1),
  refusal: s.bytes().optional().describe("how a refusal's body begins; the next byte is its code"),
  reads: named(z.strictObject({ send: s.template(), answer: s.bytes(), channels: named(byteChannel) })),
  settings: named(z.strictObject({ write: s.template(), answer: s.bytes(), ...settingKeys })).optional(),
  commands: named(z.strictObject({ send: s.template(), answer: s.bytes(), ...commandKeys })).optional(),
});

/** Device files with `protocol: i2c`: a conversation in steps, and formulas. */
import * as z from "zod";
import * as s from "../scalars.ts";
import { BYTE_ORDERS, everyType, fieldKeys, meaningKeys, named, SECOND } from "./keys.ts";

const computedChannel = z.strictObject({
  field: s.text().optional().describe("a field of a measuring step"),
  ...meaningKeys,
});

const fields = z.record(s.text(), z.strictObject({ byte: s.whole(0, 1023), ...fieldKeys }));
const step = z.strictObject({
  write: s.bytes().optional().describe("bytes to the chip; before a read in the same transfer"),
  wait: s.duration(0, 10 * SECOND).optional(),
  read: s.whole(1, 1023).optional().describe("how many bytes, check bytes included"),
  fields: fields.optional(),
  "byte-order": s.choice(BYTE_ORDERS).optional(),
  crc8: z.strictObject({ name: s.text(), every: s.whole(1, 255) }).optional(),
  until: s.text().optional().describe("the read is repeated until this is not 0"),
  every: s.duration(0, 10 * SECOND).optional(),
  within: s.duration(1, 10 * SECOND).optional(),
});
export const i2cShape = z.strictObject({
  ...everyType,
  protocol: s.choice(["i2c"]),
  "byte-order": s.choice(BYTE_ORDERS).optional(),
  identify: z.array(z.strictObject({ write: s.bytes(), expect: s.bytes() })).optional(),
  "set-up": z.array(step).optional(),
  constants: z.array(step).optional().describe("read once from the chip"),
  measure: z.array(step).min(1),
  let: z.record(s.text(), s.text()).optional(),
  channels: named(computedChannel),
});

/** Device files with `protocol: i2c`: a conversation in steps, and formulas. */
import * as z from "zod";
import * as s from "../scalars.ts";
import { FIELD_TYPES } from "../spec.ts";
import { BYTE_ORDERS, commandKeys, everyType, fieldKeys, meaningKeys, named, SECOND, settingKeys } from "./keys.ts";

const computedChannel = z.strictObject({
  field: s.text().optional().describe("a field of a measuring step"),
  ...meaningKeys,
});

const fields = z.record(s.text(), z.strictObject({ byte: s.whole(0, 1023), ...fieldKeys }));
const written = z.strictObject({
  formula: s.text(),
  as: s.choice(FIELD_TYPES).describe("how the number is coded"),
  "byte-order": s.choice(BYTE_ORDERS).optional(),
  bits: fieldKeys.bits.describe("where in these bytes the number stands; all others are 0"),
  scale: fieldKeys.scale,
  offset: fieldKeys.offset,
});
const step = z.strictObject({
  if: s.text().optional().describe("the step is left out when this is 0"),
  write: s
    .template()
    .optional()
    .describe("bytes to the chip, in the order they are sent; {name}: a need, or computed by with:"),
  with: named(written).optional().describe("what {name} in write: stands for"),
  wait: s.duration(0, 10 * SECOND).optional(),
  read: s.whole(1, 1023).optional().describe("how many bytes, check bytes included; after write: in one transfer"),
  "repeated-start": s
    .choice(["needed"])
    .optional()
    .describe("the chip forgets the register at a stop between write and read"),
  fields: fields.optional(),
  "byte-order": s.choice(BYTE_ORDERS).optional(),
  crc8: z
    .strictObject({
      name: s.text(),
      every: s.whole(1, 255).describe("how many bytes each check byte covers"),
      from: s.whole(0, 255).optional().describe("of a write: bytes before the first that is covered"),
    })
    .optional(),
  pec: s.truth().optional().describe("instead of what the file says: whether a packet error check ends this message"),
  until: s.text().optional().describe("the read is repeated until this is not 0"),
  every: s.duration(0, 10 * SECOND).optional(),
  within: s
    .duration(1, 10 * SECOND)
    .optional()
    .describe("after this the reading is missing: timeout"),
});
const identity = z.strictObject({
  write: s.bytes(),
  expect: s.alternatives().describe("what the chip answers: 60, or one of several: 60 or 61"),
  mask: s.bytes().optional().describe("only these bits count"),
});
const setting = z.strictObject({
  write: s.template().optional().describe("what sets it, where one write is enough: bytes and {value}"),
  with: named(written)
    .optional()
    .describe("beside write: what {name} in it stands for, where not the channel's coding"),
  steps: z.array(step).min(1).optional().describe("what sets it, where it takes more; their formulas know value"),
  ...settingKeys,
});
const command = z.strictObject({ steps: z.array(step).min(1), ...commandKeys });
export const i2cShape = z.strictObject({
  ...everyType,
  protocol: s.choice(["i2c"]),
  "byte-order": s.choice(BYTE_ORDERS).optional(),
  pec: s
    .truth()
    .optional()
    .describe("true: each message ends with the packet error check of SMBus, written and read, address included"),
  identify: z.array(identity).optional(),
  "set-up": z.array(step).optional(),
  constants: z.array(step).optional().describe("read once from the chip"),
  measure: z.array(step).min(1),
  let: z.record(s.text(), s.text()).optional(),
  channels: named(computedChannel),
  settings: named(setting).optional().describe("what the cloud may set; each is read back"),
  commands: named(command).optional().describe("what the chip can be told to do"),
});

/** Device files with `protocol: i2c`: a conversation in steps, and formulas. */
import * as z from "zod";
import { SUM_NAMES } from "../checksum/checksum-sums.ts";
import * as s from "../scalars.ts";
import { FIELD_TYPES } from "../spec.ts";
import { BYTE_ORDERS, commandKeys, everyType, fieldKeys, meaningKeys, named, SECOND, settingKeys } from "./keys.ts";

const computedChannel = z.strictObject({
  field: s.text().optional().describe("a field of a measuring step"),
  ...meaningKeys,
});

const CODINGS = [...FIELD_TYPES, "text"] as const;
const fields = z.record(
  s.text(),
  z.strictObject({
    byte: s.whole(0, 1023),
    ...fieldKeys,
    as: s
      .choice(CODINGS)
      .optional()
      .describe("as in channels; or text: a number in letters, to a zero byte or the end"),
    part: s.whole(1, 20).optional().describe("of a text with commas: which of the numbers, from 1"),
  }),
);
const codes = () => s.wholes(0, 255).optional();
const status = z.strictObject({
  byte: s.whole(0, 1023),
  bits: fieldKeys.bits.describe("only these bits of the byte are the code: 6 to 7"),
  good: s.wholes(0, 255).describe("codes of an answer that counts"),
  busy: codes().describe("not ready yet; until: looks again"),
  refused: codes(),
  "no-sensor": codes(),
  malformed: codes().describe("as all codes that stand nowhere"),
});
const written = z.strictObject({
  formula: s.text(),
  as: s.choice(CODINGS).describe("how the number is coded; text: in letters"),
  decimals: s.whole(0, 9).optional().describe("of a text: digits behind the point"),
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
  letters: s
    .textTemplate()
    .optional()
    .describe("instead of write: the letters of a command, with {name} as there: T,{value}"),
  with: named(written).optional().describe("what {name} in write: or letters: stands for"),
  wait: s.duration(0, 10 * SECOND).optional(),
  read: s.whole(1, 1023).optional().describe("how many bytes, check bytes included; after write: in one transfer"),
  "repeated-start": s
    .choice(["needed"])
    .optional()
    .describe("the chip forgets the register at a stop between write and read"),
  status: status.optional().describe("the byte by which the chip says what came of it, and what its codes mean"),
  fields: fields.optional(),
  "byte-order": s.choice(BYTE_ORDERS).optional(),
  crc8: z
    .strictObject({
      name: s.text(),
      every: s.whole(1, 255).describe("how many bytes each check byte covers"),
      from: s.whole(0, 255).optional().describe("of a write: bytes before the first that is covered"),
    })
    .optional(),
  check: z
    .strictObject({
      crc: s.text().optional().describe("name of a CRC in the reveng catalogue: CRC-16/MODBUS"),
      sum: s.choice(SUM_NAMES).optional(),
      "byte-order": s.choice(BYTE_ORDERS).optional().describe("of a check of several bytes; default: the file's"),
    })
    .optional()
    .describe("the last bytes of what is read or written: a check over all bytes before them"),
  optional: s
    .truth()
    .optional()
    .describe("of a write: it doesn't matter if the chip doesn't acknowledge it, because it sleeps or restarts"),
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

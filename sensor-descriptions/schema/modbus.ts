/** Device files with `protocol: modbus-rtu` or `modbus-ascii`. */
import * as z from "zod";
import { registerNumbers, registers } from "../modbus/modbus-registers.ts";
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

const registerKeys = {
  "word-order": s
    .choice(BYTE_ORDERS)
    .optional()
    .describe("which register of several comes first: the high one (big-endian) or the low one"),
  ...fieldKeys,
  ...meaningKeys,
  ...validWhenKey,
};
const channelOfRead = z.strictObject({
  register: registerNumbers().optional().describe("as it travels, counted from 0; several coils: 0 to 3"),
  ...registerKeys,
});
const channel = z.strictObject({
  register: registers().optional().describe("table and number as it travels, counted from 0: input 4, coil 0 to 3"),
  ...registerKeys,
});
const text = z.strictObject({
  register: registers().describe("holding 16 to 23, or the first register beside length:"),
  length: s.whole(1, 250).optional().describe("letters, two in each register"),
  "byte-order": s.choice(BYTE_ORDERS).optional().describe("little-endian: the letters of each register are swapped"),
  note: s.text().optional(),
});
const limits = {
  holes: s.whole(0, 2000).optional().describe("as many unwanted ones are read to save a request"),
  "at-most": s.whole(1, 2000).optional().describe("no request reads more than this"),
};
const merge = z.strictObject({
  holes: s.whole(0, 124).optional().describe("as many unwanted registers are read to save a request; default: 8"),
  "at-most": s.whole(1, 125).optional().describe("no request reads more registers than this; default: 60"),
  bits: z.strictObject(limits).optional().describe("the same for coils and discrete inputs; default: 64 and 256"),
});
const values = (): ReturnType<typeof s.wholes> => s.wholes(0, 0xffff);

export const modbusShape = z.strictObject({
  ...everyType,
  protocol: s.choice(["modbus-rtu", "modbus-ascii"]),
  ...serialKeys,
  "word-order": s.choice(BYTE_ORDERS).optional(),
  ...setUpKeys({
    write: registers().optional(),
    value: values().optional().describe("one for each coil or register: 1, or [1, 0, 1]"),
    with: s.whole(5, 16).optional().describe("function 5, 6, 15 or 16"),
  }),
  channels: named(channel).optional().describe("each with its own register; requests are planned"),
  merge: merge.optional().describe("how requests for channels are planned"),
  reads: named(
    z.strictObject({
      registers: registers(),
      "write-first": z
        .strictObject({ registers: registers(), value: values() })
        .optional()
        .describe("function 23: written in the same request, each time, before reading"),
      channels: named(channelOfRead),
    }),
  )
    .optional()
    .describe("requests planned by hand"),
  texts: named(text).optional().describe("what the device says of itself in words: serial number, firmware"),
  settings: named(
    z.strictObject({
      write: registers(),
      with: s.whole(5, 23).optional().describe("function 5, 6, 15, 16, or 23, which reads back in the same request"),
      ...settingKeys,
    }),
  ).optional(),
  commands: named(
    z.strictObject({
      write: registers(),
      value: values().describe("one for each coil or register: 1, or [1, 0, 1]"),
      with: s.whole(5, 16).optional().describe("function 5, 6, 15 or 16"),
      broadcast: s.truth().optional().describe("sent to all devices of the line at once; nobody answers"),
      ...commandKeys,
    }),
  ).optional(),
});

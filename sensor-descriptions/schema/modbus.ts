/** Device files with `protocol: modbus-rtu`. */
import * as z from "zod";
import * as s from "../scalars.ts";
import { BYTE_ORDERS, commandKeys, everyType, fieldKeys, meaningKeys, named, serialKeys, settingKeys } from "./keys.ts";

const registerChannel = z.strictObject({
  register: s.whole(0, 0xffff).optional(),
  "word-order": s.choice(BYTE_ORDERS).optional(),
  ...fieldKeys,
  ...meaningKeys,
});
export const modbusShape = z.strictObject({
  ...everyType,
  protocol: s.choice(["modbus-rtu"]),
  ...serialKeys,
  "word-order": s.choice(BYTE_ORDERS).optional(),
  reads: named(z.strictObject({ registers: s.registers(), channels: named(registerChannel) })),
  settings: named(z.strictObject({ write: s.registers(), ...settingKeys })).optional(),
  commands: named(z.strictObject({ write: s.registers(), value: s.whole(0, 0xffff), ...commandKeys })).optional(),
});

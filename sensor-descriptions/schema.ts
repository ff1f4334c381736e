/**
 * The shape of both kinds of file: which keys there are, which of them are needed, what kind of value each takes.
 * What a value means in its surroundings (units of channels, names, addresses) is judged in `load/`.
 */
import * as z from "zod";
import * as s from "./scalars.ts";
import { FIELD_TYPES } from "./spec.ts";

const BYTE_ORDERS = ["big-endian", "little-endian"] as const;
const SECOND = 1000;
const DAY = 86_400_000;

const named = <T extends z.ZodType>(of: T) => z.record(s.name(), of);
const fieldKeys = {
  as: s.choice(FIELD_TYPES).optional().describe("how the bytes code a number"),
  "byte-order": s.choice(BYTE_ORDERS).optional(),
  bits: s.bits().optional().describe("only these bits of the number, 0 is the lowest: 4 to 23"),
  scale: s.number().optional().describe("value = raw · scale + offset"),
  offset: s.number().optional(),
  "no-sensor": s
    .oneOrMore(s.whole(Number.MIN_SAFE_INTEGER))
    .optional()
    .describe("raw numbers that mean: no sensor there"),
  malformed: s.oneOrMore(s.whole(Number.MIN_SAFE_INTEGER)).optional().describe("raw numbers that mean: not valid"),
};
const meaningKeys = {
  formula: s.text().optional().describe("computes the value from others, instead of taking it from bytes"),
  unit: s.text().optional().describe("UCUM name: mbar, Cel (or °C), A, mm"),
  range: s
    .range()
    .optional()
    .describe("what is plausible, in the channel's unit; outside of it a reading doesn't count"),
  resolution: s.quantity().optional().describe("the step that is worth paying for; default: the scale"),
  kind: s.choice(["gauge", "counter", "state"]).optional(),
  states: z.record(s.whole(), s.name()).optional().describe("names of the numbers"),
  note: s.text().optional(),
};
const byteChannel = z.strictObject({ byte: s.whole(0, 1023).optional(), ...fieldKeys, ...meaningKeys });
const registerChannel = z.strictObject({
  register: s.whole(0, 0xffff).optional(),
  "word-order": s.choice(BYTE_ORDERS).optional(),
  ...fieldKeys,
  ...meaningKeys,
});
const computedChannel = z.strictObject({
  field: s.text().optional().describe("a field of a measuring step"),
  ...meaningKeys,
});

const need = z.strictObject({
  kind: s.choice(["whole-number", "quantity"]),
  unit: s.text().optional(),
  range: s.range().optional(),
  "one-of": z.array(s.whole()).optional(),
  default: s.text().optional(),
  note: s.text().optional(),
});
const alarm = z.strictObject({
  when: s.text(),
  until: s.text().optional(),
  for: s.duration(0, DAY).optional(),
  severity: s.choice(["info", "warning", "critical"]),
});
const example = z.strictObject({
  name: s.text(),
  from: s.text().optional().describe('"datasheet …", "computed from …" or "capture …"'),
  given: z.record(s.name(), s.text()).optional().describe("what the station file would say"),
  read: s.text().optional(),
  set: z.record(s.name(), s.text()).optional(),
  command: s.text().optional(),
  sent: s.bytes().optional(),
  answer: s.bytes().optional(),
  refused: s.whole(0, 255).optional(),
  transfers: z.array(z.strictObject({ write: s.bytes().optional(), read: s.bytes().optional() })).optional(),
  pulses: z.strictObject({ total: s.whole(), since: s.whole(), over: s.duration(1) }).optional(),
  gives: z.record(s.name(), s.text()).optional(),
});

const everyType = {
  format: s.format().describe("version of the language: 1"),
  type: s.name().describe("the file's own name without .yaml"),
  label: s.text().optional(),
  source: s.text().describe("where the facts are from: the manual, its revision"),
  every: s.duration(100, DAY).describe("how often it is read when the station file says nothing"),
  needs: named(need).optional().describe("what the station file has to say about one such device"),
  alarms: named(alarm).optional(),
  examples: z.array(example).optional(),
};
const serialKeys = {
  serial: z.strictObject({ speed: s.whole(50, 4_000_000), mode: s.serialMode() }),
  timing: z.strictObject({
    "answer-within": s.duration(1, 60 * SECOND),
    "pause-before-next": s.duration(0, 60 * SECOND).optional(),
    late: s
      .duration(0, 60 * SECOND)
      .optional()
      .describe("quiet time after a timeout; default: twice answer-within"),
    retries: s.whole(0, 5).optional(),
  }),
  "byte-order": s.choice(BYTE_ORDERS).optional().describe("default: big-endian"),
};
const settingKeys = {
  "read-back": s.text().describe("the channel in which the written value shows"),
  range: s.range(),
  step: s.quantity().optional(),
  "only-when": s.text().optional(),
  note: s.text().optional(),
};
const commandKeys = {
  "only-when": s.text().optional(),
  confirm: s.text().optional().describe("must hold after the command"),
  within: s.duration(0, DAY).optional(),
  note: s.text().optional(),
};

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

export const modbusShape = z.strictObject({
  ...everyType,
  protocol: s.choice(["modbus-rtu"]),
  ...serialKeys,
  "word-order": s.choice(BYTE_ORDERS).optional(),
  reads: named(z.strictObject({ registers: s.registers(), channels: named(registerChannel) })),
  settings: named(z.strictObject({ write: s.registers(), ...settingKeys })).optional(),
  commands: named(z.strictObject({ write: s.registers(), value: s.whole(0, 0xffff), ...commandKeys })).optional(),
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

export const pulsesShape = z.strictObject({
  ...everyType,
  protocol: s.choice(["pulses"]),
  pulses: z.strictObject({
    edge: s.choice(["rising", "falling"]),
    pull: s.choice(["up", "down"]).optional(),
    debounce: s.duration(0, SECOND),
  }),
  channels: named(z.strictObject(meaningKeys)),
});

/** By the word after `protocol:`; a device file without one is framed. */
export const deviceShapes = { framed: framedShape, "modbus-rtu": modbusShape, i2c: i2cShape, pulses: pulsesShape };
export type ProtocolName = keyof typeof deviceShapes;

const port = z.strictObject({
  serial: s.text().optional().describe("device path, best one that names the plug: /dev/serial/by-path/…"),
  i2c: s.text().optional().describe("device path: /dev/i2c-1"),
  gpio: s.text().optional().describe("the chip by its label: pinctrl-bcm2711"),
  simulator: s.text().optional().describe("Unix socket of a simulator that plays this port"),
  note: s.text().optional(),
});
export const deviceKeys = {
  type: s.name(),
  port: s.text(),
  address: s.text().optional(),
  pin: s.whole(0, 1023).optional(),
  every: s.duration(100, DAY).optional(),
  faster: z.strictObject({ when: s.text(), every: s.duration(100, DAY) }).optional(),
  correct: z.record(s.text(), s.quantity()).optional().describe("added to what the sensor says"),
  "small-change": z.record(s.text(), s.quantity()).optional().describe("what changes by less is not sent"),
  heartbeat: s.duration(SECOND, DAY).optional().describe("a whole sample at least this often; default 15min"),
  aggregate: z
    .object({ every: s.duration(SECOND, DAY) })
    .catchall(s.choice(["mean", "min", "max", "sum", "last"]))
    .optional(),
  paused: s.text().optional().describe("why it is not asked; delete the line to go on"),
  note: s.text().optional(),
};
export const stationShape = z.strictObject({
  format: s.format().describe("version of the language: 1"),
  station: s.name().describe("the name the cloud knows; never reuse another station's"),
  label: s.text().optional(),
  place: z.strictObject({ altitude: s.quantity().optional(), "time-zone": s.timeZone().optional() }).optional(),
  ports: named(port),
  // What else a device takes is said by the `needs:` of its type.
  devices: named(z.object(deviceKeys).catchall(z.unknown())),
});

/** Every key of both kinds of file: a word with a missing space after its colon is told from text by these. */
export const isKnownKey: (word: string) => boolean = (() => {
  const known = new Set<string>();
  for (const shape of [stationShape, ...Object.values(deviceShapes)]) collectKeys(shape, known);
  return (word) => known.has(word);
})();

function collectKeys(schema: z.core.$ZodType, known: Set<string>): void {
  const inner = unwrapped(schema);
  for (const [key, of] of Object.entries<z.core.$ZodType>(inner instanceof z.ZodObject ? inner.shape : {})) {
    known.add(key);
    collectKeys(of, known);
  }
  if (inner instanceof z.ZodRecord) collectKeys(inner.valueType, known);
  if (inner instanceof z.ZodArray) collectKeys(inner.element, known);
}

export function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional) return unwrapped(schema.unwrap());
  return schema;
}

/** JSON Schema (draft 7, for editors) of both kinds of file, from the same source. */
export function jsonSchemas(): { readonly station: object; readonly device: object } {
  const options = { target: "draft-7", io: "input", unrepresentable: "any" } as const;
  const { framed, ...others } = deviceShapes;
  return {
    station: z.toJSONSchema(stationShape, options),
    device: z.toJSONSchema(z.union([framed, ...Object.values(others)]), options),
  };
}

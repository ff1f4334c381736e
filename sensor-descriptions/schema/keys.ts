/** Keys that several kinds of file share: how bytes code a number, what a value means, what every device file says. */
import * as z from "zod";
import * as s from "../scalars.ts";
import { FIELD_TYPES } from "../spec.ts";
import { filterSteps } from "./preprocess.ts";

export const BYTE_ORDERS = ["big-endian", "little-endian"] as const;
export const SECOND = 1000;
export const DAY = 86_400_000;

export const named = <T extends z.ZodType>(of: T) => z.record(s.name(), of);
export const fieldKeys = {
  as: s
    .choice(FIELD_TYPES)
    .optional()
    .describe(
      "how the bytes code a number: u unsigned, i signed, sm sign bit and magnitude, bcd two decimal digits a byte, f float; then the bits",
    ),
  "byte-order": s.choice(BYTE_ORDERS).optional(),
  bits: s.bits().optional().describe("only these bits of the number, 0 is the lowest: 4 to 23"),
  scale: s.number().optional().describe("value = raw · scale + offset"),
  offset: s.number().optional(),
  "no-sensor": s.oneOrMore(s.raw()).optional().describe("raw numbers that mean: no sensor there; of a float: values"),
  malformed: s.oneOrMore(s.raw()).optional().describe("raw numbers that mean: not valid"),
};
export const meaningKeys = {
  formula: s.text().optional().describe("computes the value from others, instead of taking it from bytes"),
  unit: s.text().optional().describe("UCUM name: mbar, Cel (or °C), A, mm"),
  range: s
    .range()
    .optional()
    .describe("what is plausible, in the channel's unit; outside of it a reading doesn't count"),
  resolution: s
    .resolution()
    .optional()
    .describe(
      "the step that is worth paying for, default: the scale; where it depends on what the station file says, a formula of needs: 0.00001 / shunt",
    ),
  kind: s.choice(["gauge", "counter", "state"]).optional(),
  states: z.record(s.whole(), s.name()).optional().describe("names of the numbers"),
  internal: s.truth().optional().describe("true: only for formulas, conditions and alarms; neither kept nor sent"),
  filter: filterSteps.optional().describe("steps in this order; the station file may say others instead"),
  note: s.text().optional(),
};
/** Of channels that come in one answer with others. */
export const validWhenKey = {
  "valid-when": s
    .text()
    .optional()
    .describe(
      "counts only while this holds for channels of the same answer: status is valid; else there is no value (no-sensor)",
    ),
};
const need = z.strictObject({
  kind: s.choice(["whole-number", "quantity", "choice"]),
  unit: s.text().optional(),
  range: s.range().optional(),
  "one-of": z.array(s.whole()).optional(),
  choices: z
    .record(s.text(), s.number())
    .optional()
    .describe("of a choice: words for the station file, and the number that formulas and bytes have for each"),
  default: s.text().optional(),
  note: s.text().optional(),
});
const alarm = z.strictObject({
  when: s.text(),
  until: s.text().optional(),
  for: s.duration(0, DAY).optional(),
  severity: s.choice(["info", "warning", "critical"]),
});
const exampleOf = <T extends z.ZodType>(bytes: () => T) =>
  z.strictObject({
    name: s.text(),
    from: s.text().optional().describe('"datasheet …", "computed from …" or "capture …"'),
    given: z.record(s.name(), s.text()).optional().describe("what the station file would say"),
    read: s.text().optional(),
    turn: s.whole().optional().describe("the sequence number that was sent"),
    set: z.record(s.name(), s.text()).optional(),
    command: s.text().optional(),
    "set-up": s.whole(1, 1000).optional().describe("which entry of set-up: this is, counted from 1"),
    sent: bytes().optional(),
    answer: bytes().optional(),
    received: bytes().optional().describe("what a device sent by itself"),
    refused: s.whole(0, 255).optional(),
    transfers: z.array(z.strictObject({ write: s.bytes().optional(), read: s.bytes().optional() })).optional(),
    pulses: z.strictObject({ total: s.whole(), since: s.whole(), over: s.duration(1) }).optional(),
    line: s.choice(["high", "low"]).optional().describe("what the wire of a pin is at"),
    gives: z.record(s.name(), s.text()).optional(),
    says: z.record(s.name(), s.text()).optional().describe("what the device says of itself in words (texts:)"),
  });

export const textExamples = z.array(exampleOf(s.lineText)).optional();

export const everyType = {
  format: s.format().describe("version of the language: 1"),
  type: s.name().describe("the file's own name without .yaml"),
  extends: s
    .name()
    .optional()
    .describe(
      "another type: all that its file says counts here too, but for what this file says itself; NAME: none takes something away. Its examples have to come out here as well, as far as this file doesn't change what they show",
    ),
  label: s.text().optional(),
  source: s.text().describe("where the facts are from: the manual, its revision"),
  every: s.duration(100, DAY).describe("how often it is read when the station file says nothing"),
  needs: named(need).optional().describe("what the station file has to say about one such device"),
  alarms: named(alarm).optional(),
  examples: z.array(exampleOf(s.bytes)).optional(),
};
export const serialKeys = {
  serial: z.strictObject({ speed: s.whole(50, 4_000_000), mode: s.serialMode() }),
  timing: z.strictObject({
    "answer-within": s.duration(1, 60 * SECOND),
    "pause-before-next": s.duration(0, 60 * SECOND).optional(),
    late: s
      .duration(0, 60 * SECOND)
      .optional()
      .describe("quiet time after a timeout; default: twice answer-within"),
    retries: s.whole(0, 5).optional(),
    "quiet-before": s
      .duration(0, 60 * SECOND)
      .optional()
      .describe("the line must have been silent this long before a request"),
    turnaround: s
      .duration(0, 60 * SECOND)
      .optional()
      .describe("the port waits this long after a request to all devices, which none answers"),
  }),
  quirks: z
    .strictObject({
      "hears-itself": s.truth().optional().describe("the adapter hears its own request: it is taken off the answer"),
      wake: z
        .strictObject({ bytes: s.bytes(), pause: s.duration(0, 60 * SECOND) })
        .optional()
        .describe("sent before each request to a device that sleeps, then a pause"),
      "pause-between-bytes": s.duration(0, SECOND).optional().describe("for a device that can't keep up"),
      "reopen-after": s
        .whole(1, 1000)
        .optional()
        .describe("close and open the port after so many timeouts of the device in a row"),
    })
    .optional()
    .describe("what this device or its adapter needs although no protocol says so"),
  "byte-order": s.choice(BYTE_ORDERS).optional().describe("default: big-endian"),
};
/** A step of `set-up:` is an exchange (`ask`) or a pause. */
export const setUpKeys = <const T extends Readonly<Record<string, z.ZodType>>>(ask: T) => ({
  "set-up": z
    .array(
      z.strictObject({
        ...ask,
        optional: s.truth().optional().describe("true: it doesn't matter if the device refuses this"),
        "each-time": s
          .truth()
          .optional()
          .describe("true: before every reading, not only after power came: what starts a measurement, or wakes it"),
        wait: s
          .duration(0, 10 * SECOND)
          .optional()
          .describe("instead of an exchange: a pause; the other devices of the line wait, too"),
      }),
    )
    .min(1)
    .optional()
    .describe(
      "told to the device before it is first read, and again when it comes back after a silence; only what does no harm when it is said twice",
    ),
  "set-up-when-refused": s
    .wholes(0, 999_999)
    .optional()
    .describe("a read that is refused with one of these codes is tried once more after the set-up"),
});
export const settingKeys = {
  "read-back": s.text().describe("the channel in which the written value shows"),
  range: s.range(),
  step: s.quantity().optional(),
  "only-when": s.text().optional(),
  note: s.text().optional(),
};
export const commandKeys = {
  "only-when": s.text().optional(),
  confirm: s.text().optional().describe("must hold after the command"),
  within: s.duration(0, DAY).optional(),
  note: s.text().optional(),
};

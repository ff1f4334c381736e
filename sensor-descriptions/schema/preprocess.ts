/** What a device's values go through on the station: keys of the station file, `filter:` of a device file's channels too. */
import * as z from "zod";
import { readCorrection } from "../load/correct.ts";
import { say } from "../messages.ts";
import * as s from "../scalars.ts";

const SECOND = 1000;
const DAY = 86_400_000;
const time = () => s.duration(100, DAY).optional();

/** One step: exactly one of these keys. */
const filterStep = z
  .strictObject({
    median: time().describe("the middle one of the readings of this time: - median: 5s"),
    average: time().describe("the mean of the readings of this time: - average: 30s"),
    "exponential-average": time().describe("follows slowly; after this time, 63 % of a change has come through"),
    clamp: s.range().optional().describe("what is beyond becomes the end itself: - clamp: 0 to 200 mbar"),
    round: s.quantity().optional().describe("to whole steps of this size: - round: 5 mbar"),
    "skip-jumps": s.text().optional().describe("further from the reading before is implausible: 5 °C within 10s"),
    throttle: time().describe("at most one value in this time: - throttle: 1min"),
    timeout: time().describe("that there is no value is told only after this time: - timeout: 5min"),
    debounce: time().describe("a state counts when it held for this time: - debounce: 2s"),
  })
  .register(s.SHAPE_ADVICE, { said: say.noStep });
export const filterSteps = z.array(filterStep).min(1).register(s.SHAPE_ADVICE, { said: say.noStep });

export const preprocessKeys = {
  correct: z
    .record(s.text(), s.scalarOrMore(readCorrection))
    .optional()
    .describe("from what the sensor says to what is right: an amount to add, points, or a polynomial"),
  filter: z
    .record(s.text(), filterSteps)
    .register(s.SHAPE_ADVICE, { said: say.filterIsPerChannel })
    .optional()
    .describe("per channel, steps in the order in which they are done"),
  "rate-of-change": z
    .record(s.name(), s.text())
    .optional()
    .describe("a channel of its own, how fast another one changes: trend: pressure per 1h over 3h"),
  "small-change": z.record(s.text(), s.quantity()).optional().describe("what changes by less is not sent"),
  heartbeat: s.duration(SECOND, DAY).optional().describe("a whole sample at least this often; default 15min"),
  aggregate: z
    .object({
      every: s.duration(SECOND, DAY),
      "at-least": s.quantity().optional().describe("readings must cover this share of a window: 50 %"),
    })
    .catchall(s.text())
    .optional()
    .describe("one sample per window: mean, min, max, sum, last, vector mean; gust: max of speed"),
};

/** Device files with `protocol: pulses`. */
import * as z from "zod";
import * as s from "../scalars.ts";
import { everyType, meaningKeys, named, SECOND } from "./keys.ts";

export const pulsesShape = z.strictObject({
  ...everyType,
  protocol: s.choice(["pulses"]),
  pulses: z.strictObject({
    edge: s.choice(["rising", "falling"]),
    pull: s.choice(["up", "down"]).optional(),
    debounce: s.duration(0, SECOND),
    rate: s
      .range()
      .optional()
      .describe("how many pulses a second are plausible: 0 to 50 Hz; more are noise and not counted"),
  }),
  channels: named(z.strictObject(meaningKeys)),
});

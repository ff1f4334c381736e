/** Device files with `protocol: outputs`: a pin that is driven. */
import * as z from "zod";
import * as s from "../scalars.ts";
import { DAY, everyType, meaningKeys, named } from "./keys.ts";

export const outputsShape = z.strictObject({
  ...everyType,
  protocol: s.choice(["outputs"]),
  outputs: z.strictObject({
    active: s.choice(["high", "low"]).describe("which level of the wire counts as 1"),
    safe: s.text().describe("the state at start, at exit, and when something goes wrong"),
    "at-most": s.duration(100, 20 * DAY).describe("never longer in another state than the safe one"),
  }),
  channels: named(z.strictObject(meaningKeys)),
  settings: named(
    z.strictObject({
      "read-back": s.text().describe("the channel in which the state shows"),
      "only-when": s.text().optional(),
      note: s.text().optional(),
    }),
  ).optional(),
  commands: named(
    z.strictObject({
      set: s.text().describe("the state that the pin takes"),
      for: s
        .duration(100, 20 * DAY)
        .optional()
        .describe("then it goes back to the safe state"),
      "only-when": s.text().optional(),
      note: s.text().optional(),
    }),
  ).optional(),
});

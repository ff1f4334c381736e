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
  }),
  channels: named(z.strictObject(meaningKeys)),
});

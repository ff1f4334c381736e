/** Device files with `protocol: levels`: a pin that is read. */
import * as z from "zod";
import * as s from "../scalars.ts";
import { everyType, meaningKeys, named, SECOND } from "./keys.ts";

export const levelsShape = z.strictObject({
  ...everyType,
  protocol: s.choice(["levels"]),
  levels: z.strictObject({
    active: s.choice(["high", "low"]).describe("which level of the wire counts as 1"),
    pull: s.choice(["up", "down"]).optional().describe("the resistor inside the chip, where it can be switched on"),
    debounce: s.duration(0, 60 * SECOND).describe("a level counts once it has stayed this long"),
  }),
  channels: named(z.strictObject(meaningKeys)),
});

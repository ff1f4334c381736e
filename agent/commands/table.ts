/**
 * The commands that a station has whatever is wired to it: one table from which their arguments are checked, and
 * documents and the model for clouds are made. What each does: `station.ts`. Devices' commands: the description.
 */
import * as z from "zod";
import { ON_SITE_MS_MAX, ON_SITE_MS_MIN } from "../limits.ts";
import { duration } from "./duration.ts";

export interface StationCommand {
  readonly description: string;
  readonly arguments: z.ZodObject;
  /** What the answer's body holds. */
  readonly answer: string;
  /** "read": changes nothing, may overtake, and may run without being noted when the disk fails. */
  readonly kind: "read" | "write";
  /** Then it is answered 504 with what is known. */
  readonly limitMs: number;
}

const NAME = z.string().min(1).max(64);

export const STATION_COMMANDS = {
  "read-now": {
    description: "Asks a device, or all that are not paused, now and answers its values with their times and reasons.",
    arguments: z.strictObject({
      device: NAME.describe("one device; without it all").optional(),
      channel: NAME.describe("one channel of it").optional(),
    }),
    answer:
      '{"values": [{device, channel, value, unit, quality, at}]}: value null with the reason as quality; at in ms since 1970, left out while the clock is not set (then age-s)',
    kind: "read",
    limitMs: 20_000,
  },
  "upload-now": {
    description: "Sends all that waits, also outside of the upload windows.",
    arguments: z.strictObject({}),
    answer: '{"messages": n, "bytes": n}',
    kind: "read",
    limitMs: 20_000,
  },
  explain: {
    description:
      "What a device's newest bytes were and what became of its values, as `pump-station explain` prints it.",
    arguments: z.strictObject({ device: NAME.describe("a device of the station") }),
    answer: "what `pump-station explain DEVICE --live --json` prints, without the meaning of each byte",
    kind: "read",
    limitMs: 5_000,
  },
  settings: {
    description: "Every setting: what is desired, what runs, where that comes from, and whether they are equal.",
    arguments: z.strictObject({}),
    answer: '{"settings": [{path, desired, running, own, ac, reason, converged, since}]}',
    kind: "read",
    limitMs: 5_000,
  },
  diagnostics: {
    description:
      "Packs status, configuration without secrets, description, audit, twin, log and facts of the machine into a tar.gz of at most 512 KiB and sends it in parts; the bridge keeps it.",
    arguments: z.strictObject({
      force: z.boolean().describe("true: also while the month's budget is short").optional(),
    }),
    answer: "{id, name, bytes, parts, sha256}; the parts follow as messages with the property kind=file",
    kind: "read",
    limitMs: 20_000,
  },
  "on-site": {
    description:
      "Shows, begins, lengthens or ends on-site mode: nothing from the cloud moves hardware, alarms page nobody, and it ends by itself.",
    arguments: z
      .strictObject({
        for: duration(ON_SITE_MS_MIN, ON_SITE_MS_MAX)
          .describe('how long from now: "30min", "2h"; at most 24h')
          .optional(),
        end: z.boolean().describe("true: ends what the cloud began").optional(),
      })
      .refine(({ for: ms, end }) => ms === undefined || end !== true, "give for or end, not both"),
    answer: '{"on-site": {until, left-s, since, by} | null}',
    kind: "write",
    limitMs: 5_000,
  },
  restart: {
    description: "Answers, then ends the agent in order; systemd starts it again.",
    arguments: z.strictObject({
      force: z.boolean().describe("true: also on site, and while a description is on trial").optional(),
    }),
    answer: "none",
    kind: "write",
    limitMs: 5_000,
  },
} as const satisfies Readonly<Record<string, StationCommand>>;

export type StationCommandName = keyof typeof STATION_COMMANDS;
export type ArgumentsOf<Name extends StationCommandName> = z.output<(typeof STATION_COMMANDS)[Name]["arguments"]>;

export const isStationCommand = (name: string): name is StationCommandName => Object.hasOwn(STATION_COMMANDS, name);

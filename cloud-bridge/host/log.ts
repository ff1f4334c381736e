import { pino } from "pino";
import type { Log } from "../world.ts";

/** One JSON line per event on stdout. Written at once: a line that is lost at a kill is a line that is missed. */
export function createLog(level: string): Log {
  const logger = pino(
    { level, base: null, messageKey: "event", serializers: { error: pino.stdSerializers.err } },
    pino.destination({ dest: 1, sync: true }),
  );
  return (at, event, fields) => logger[at](fields ?? {}, event);
}

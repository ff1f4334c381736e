/** The one sink: pino to stdout; under systemd each line begins with its priority, so that journald sorts it. */
import { pino } from "pino";
import type { Log, LogLevel } from "../world.ts";

// syslog(3): 3 error, 4 warning, 6 info, 7 debug.
const PRIORITY: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

export function createLog(options: { readonly level: LogLevel; readonly journal: boolean }): Log {
  const stream = options.journal
    ? { write: (line: string) => void process.stdout.write(`<${PRIORITY[levelOf(line)]}>${line}`) }
    : process.stdout;
  const logger = pino(
    { level: options.level, base: null, formatters: { level: (label) => ({ level: label }) } },
    stream,
  );
  return (level, event, fields = {}) => logger[level]({ event, ...fields });
}

const levelOf = (line: string): LogLevel =>
  (/^\{"level":"(error|warn|info|debug)"/.exec(line)?.[1] as LogLevel | undefined) ?? "info";

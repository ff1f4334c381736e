/** The newest log records in RAM, for diagnostics: what was said last is there also when the journal is gone. */
import { LOG_RECORD_CHARACTERS_MAX, LOG_RECORDS_KEPT } from "../limits.ts";
import type { Log } from "../world.ts";

export interface LogRing {
  /** Hands on to the sink what it keeps. */
  readonly log: Log;
  /** One JSON object a line, oldest first. */
  lines(): readonly string[];
}

/** `time`: ISO 8601, by whatever clock there is. */
export function createLogRing(sink: Log, time: () => string): LogRing {
  const kept: string[] = [];
  return {
    log: (level, event, fields) => {
      sink(level, event, fields);
      if (level === "debug") return;
      // As the sink does: a Secret writes itself as ***.
      kept.push(JSON.stringify({ time: time(), level, event, ...fields }).slice(0, LOG_RECORD_CHARACTERS_MAX));
      if (kept.length > LOG_RECORDS_KEPT) kept.shift();
    },
    lines: () => [...kept],
  };
}

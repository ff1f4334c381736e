/** A station may use its own topics only: those that `topicsOf` names, nothing wider. */
import { STATION_NAME, topicsOf } from "@pump-station/agent/wire/topics.ts";

/** "+" stands for one level that isn't empty and holds no wildcard. */
function matches(filter: string, topic: string): boolean {
  const pattern = filter.split("/");
  const levels = topic.split("/");
  return (
    pattern.length === levels.length &&
    pattern.every((level, at) => (level === "+" ? /^[^+#]+$/.test(levels[at] ?? "") : level === levels[at]))
  );
}

export const mayPublish = (station: string, topic: string): boolean =>
  STATION_NAME.test(station) && topicsOf(station).up.some((filter) => matches(filter, topic));

/** The filters themselves, or one topic within them. */
export const maySubscribe = (station: string, filter: string): boolean =>
  STATION_NAME.test(station) && topicsOf(station).down.some((own) => own === filter || matches(own, filter));

/**
 * A station may use its own topics only: those that `topicsOf` names, nothing wider. Who enrols may ask for a
 * certificate, and nothing else; a station that has come with one may ask for the next one in passing.
 */
import { STATION_NAME, topicsOf } from "@pump-station/agent/wire/topics.ts";
import type { Admission } from "../world.ts";

/** "+" stands for one level that isn't empty and holds no wildcard. */
function matches(filter: string, topic: string): boolean {
  const pattern = filter.split("/");
  const levels = topic.split("/");
  return (
    pattern.length === levels.length &&
    pattern.every((level, at) => (level === "+" ? /^[^+#]+$/.test(levels[at] ?? "") : level === levels[at]))
  );
}

type Who = Pick<Admission, "station" | "role" | "by">;

export function mayPublish({ station, role, by }: Who, topic: string): boolean {
  const { up, enrolUp, enrolRequest } = topicsOf(station);
  const renewing = by === "certificate" ? [enrolRequest("+")] : [];
  const allowed = role === "enrolling" ? enrolUp : [...up, ...renewing];
  return STATION_NAME.test(station) && allowed.some((filter) => matches(filter, topic));
}

/** The filters themselves, or one topic within them. */
export function maySubscribe({ station, role, by }: Who, filter: string): boolean {
  const { down, enrolDown } = topicsOf(station);
  const renewing = by === "certificate" ? enrolDown : [];
  const allowed = role === "enrolling" ? enrolDown : [...down, ...renewing];
  return STATION_NAME.test(station) && allowed.some((own) => own === filter || matches(own, filter));
}

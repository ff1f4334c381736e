/**
 * Which topics a thing may use: its own. As a policy of AWS IoT Core would be written with
 * `${iot:Connection.Thing.ThingName}`, and as our guide tells to write it.
 */
import { topicMatches } from "@pump-station/agent/wire/topic-filter.ts";

const ALLOWED = ["ps/1/{thing}/#", "$aws/things/{thing}/shadow/#", "$aws/things/{thing}/jobs/#"];

/** A filter is allowed when whatever it matches is. */
export const isAllowed = (thing: string, topicOrFilter: string): boolean =>
  ALLOWED.some((pattern) => topicMatches(pattern.replace("{thing}", thing), topicOrFilter));

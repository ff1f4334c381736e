/** The few topics that IoT Hub knows. Everything else ends the connection. */
import { type PropertyBag, parseBag } from "./property-bag.ts";

export type Publication =
  | { readonly kind: "telemetry"; readonly bag: PropertyBag }
  | { readonly kind: "twin-get"; readonly rid: string }
  | { readonly kind: "twin-report"; readonly rid: string }
  | { readonly kind: "method-answer"; readonly rid: string; readonly status: number };

export type Feed = "cloud-to-device" | "twin-answers" | "desired" | "methods";

/** Returns what is published, or a sentence that says why nobody may publish there. */
export function parsePublication(topic: string, device: string): Publication | string {
  const events = `devices/${device}/messages/events/`;
  if (topic === events.slice(0, -1)) return { kind: "telemetry", bag: { properties: {}, system: {} } };
  if (topic.startsWith(events)) {
    const bag = parseBag(topic.slice(events.length));
    return typeof bag === "string" ? bag : { kind: "telemetry", bag };
  }
  const [path, query = ""] = splitOnce(topic, "/?");
  const rid = new URLSearchParams(query).get("$rid");
  const answer = /^\$iothub\/methods\/res\/(-?\d{1,9})$/.exec(path);
  if (path === "$iothub/twin/GET") return rid ? { kind: "twin-get", rid } : `${topic} has no $rid`;
  if (path === "$iothub/twin/PATCH/properties/reported")
    return rid ? { kind: "twin-report", rid } : `${topic} has no $rid`;
  if (answer) return rid ? { kind: "method-answer", rid, status: Number(answer[1]) } : `${topic} has no $rid`;
  return `${topic} is no topic that this device may publish to`;
}

/** The filters of Microsoft's page; undefined for any other. */
export function feedOf(filter: string, device: string): Feed | undefined {
  switch (filter) {
    case `devices/${device}/messages/devicebound/#`:
      return "cloud-to-device";
    case "$iothub/twin/res/#":
      return "twin-answers";
    case "$iothub/twin/PATCH/properties/desired/#":
      return "desired";
    case "$iothub/methods/POST/#":
      return "methods";
    default:
      return undefined;
  }
}

export const twinAnswerTopic = (status: number, rid: string, version?: number): string =>
  `$iothub/twin/res/${status}/?$rid=${rid}${version === undefined ? "" : `&$version=${version}`}`;
export const desiredTopic = (version: number): string => `$iothub/twin/PATCH/properties/desired/?$version=${version}`;
export const methodTopic = (name: string, rid: string): string =>
  `$iothub/methods/POST/${encodeURIComponent(name)}/?$rid=${rid}`;
export const deviceBoundTopic = (device: string, bag: string): string =>
  `devices/${device}/messages/devicebound/${bag}`;

function splitOnce(text: string, by: string): [string, string?] {
  const at = text.indexOf(by);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + by.length)];
}

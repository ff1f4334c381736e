/**
 * Direct methods as they stand in a topic (Azure: "Communicate with your IoT hub using the MQTT protocol"), read by
 * ourselves: Microsoft's SDK takes a topic for an address, so that a backslash in a name calls another method, and who
 * calls one without a name waits for nothing.
 *
 *   $iothub/methods/POST/{name}/?$rid={request}[&…]
 */
import type { HubMethodCall } from "../../world.ts";

const METHOD = /^\$iothub\/methods\/POST\/(.*)\/\?(.*)$/s;

/** Without `request` it can't be answered. */
export type MethodInTopic = Omit<HubMethodCall, "request"> & Partial<Pick<HubMethodCall, "request">>;

/** undefined: it is no method. */
export function methodIn(topic: string, payload: Uint8Array): MethodInTopic | undefined {
  const [, name, query] = METHOD.exec(topic) ?? [];
  if (name === undefined || query === undefined) return undefined;
  const request = query
    .split("&")
    .find((fact) => fact.startsWith("$rid="))
    ?.slice("$rid=".length);
  return { method: decoded(name), payload, ...(request && { request }) };
}

/** A name that isn't percent-encoded as it should be stays as it came: nobody has a method with a "%". */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

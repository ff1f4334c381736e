/** Which cloud, in one line: the scheme names the dialect, the rest says where it is. Pure. */
export type CloudAddress = {
  /** As it was written; it holds no secret. */
  readonly text: string;
} & MqttAddress;

/** mqtts://bridge.example:8883, or mqtt:// without TLS. */
export interface MqttAddress {
  readonly dialect: "mqtt";
  readonly url: string;
}

export const ADDRESS_ADVICE =
  "write it like mqtts://bridge.example:8883; user and password-file are lines of their own";

/** undefined when it is no address: then ADDRESS_ADVICE says how it is written. */
export function readCloudAddress(text: string): CloudAddress | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.hostname === "" || url.username !== "" || url.password !== "") return undefined;
  switch (url.protocol) {
    case "mqtts:":
    case "mqtt:":
      return { text, dialect: "mqtt", url: text };
    default:
      return undefined;
  }
}

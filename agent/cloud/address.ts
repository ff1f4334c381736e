/** Which cloud, in one line: the scheme names the dialect, the rest says where it is. Pure. */
import { SHADOW_NAME } from "./aws-iot-core/shadow-topics.ts";

export type CloudAddress = {
  /** As it was written; it holds no secret. */
  readonly text: string;
} & (MqttAddress | AzureHubAddress | AzureDpsAddress | AwsAddress);

/** mqtts://bridge.example:8883, or mqtt:// without TLS. */
export interface MqttAddress {
  readonly dialect: "mqtt";
  readonly url: string;
}

/** azure-iot-hub://my-hub.azure-devices.net[:port] */
export interface AzureHubAddress {
  readonly dialect: "azure-iot-hub";
  readonly host: string;
  readonly port: number;
  /** What the hub calls itself in user names and tokens. */
  readonly name: string;
}

/** azure-dps://global.azure-devices-provisioning.net[:port]/0ne000ID_SCOPE */
export interface AzureDpsAddress {
  readonly dialect: "azure-dps";
  readonly host: string;
  readonly port: number;
  readonly scope: string;
}

/** aws-iot-core://abc-ats.iot.eu-central-1.amazonaws.com, with ?shadow=NAME for a named shadow. */
export interface AwsAddress {
  readonly dialect: "aws-iot-core";
  readonly host: string;
  readonly port: number;
  readonly shadow?: string;
}

export const ADDRESS_ADVICE =
  "write it like mqtts://bridge.example:8883, azure-iot-hub://my-hub.azure-devices.net, azure-dps://global.azure-devices-provisioning.net/0ne000ID_SCOPE or aws-iot-core://abc-ats.iot.eu-central-1.amazonaws.com; user, password-file and access-key-file are lines of their own";

const MQTT_TLS_PORT = 8883;
const ID_SCOPE = /^[A-Za-z0-9_-]{1,64}$/;

/** undefined when it is no address: then ADDRESS_ADVICE says how it is written. */
export function readCloudAddress(text: string): CloudAddress | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.hostname === "" || url.username !== "" || url.password !== "") return undefined;
  switch (url.protocol) {
    case "mqtts:":
    case "mqtt:":
      return { text, dialect: "mqtt", url: text };
    case "azure-iot-hub:":
      return isBare(url, "") ? { text, dialect: "azure-iot-hub", ...hubAt(url.host) } : undefined;
    case "azure-dps:": {
      const scope = url.pathname.slice(1);
      return isBare(url, scope) && ID_SCOPE.test(scope)
        ? { text, dialect: "azure-dps", ...placeOf(url), scope }
        : undefined;
    }
    case "aws-iot-core:": {
      const aws = awsFrom(url);
      return aws && { text, ...aws };
    }
    default:
      return undefined;
  }
}

/** "my-hub.azure-devices.net", or "localhost:8883": Azure's hubs have no port in their names, others go by what is written. */
export function hubAt(address: string): Pick<AzureHubAddress, "host" | "port" | "name"> {
  const [host = "", port] = address.toLowerCase().split(":");
  const isAzures = port === undefined || /\.azure-devices\.[a-z]+$/.test(host);
  return { host, port: port === undefined ? MQTT_TLS_PORT : Number(port), name: isAzures ? host : `${host}:${port}` };
}

const placeOf = (url: URL): { host: string; port: number } => ({
  host: url.hostname.toLowerCase(),
  port: url.port === "" ? MQTT_TLS_PORT : Number(url.port),
});

const isBare = (url: URL, path: string): boolean =>
  url.pathname.replace(/^\//, "") === path && url.search === "" && url.hash === "";

function awsFrom({ hostname: host, port, pathname, searchParams, hash }: URL): AwsAddress | undefined {
  const { shadow, ...others } = Object.fromEntries(searchParams);
  if (!/^\/?$/.test(pathname) || hash !== "" || Object.keys(others).length > 0) return undefined;
  if (shadow !== undefined && !SHADOW_NAME.test(shadow)) return undefined;
  return {
    dialect: "aws-iot-core",
    host,
    port: port === "" ? MQTT_TLS_PORT : Number(port),
    ...(shadow !== undefined && { shadow }),
  };
}

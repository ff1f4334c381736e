/**
 * Shared access signatures, and the keys that they are made with (Azure: "Control access to IoT Hub by using shared access
 * signatures").
 *
 *   SharedAccessSignature sr={resource}&sig={signature}&se={seconds since 1970}[&skn={policy}]
 *   signature = base64(HMAC-SHA256(base64 decoded key, "{resource, URL-encoded}\n{se}")), URL-encoded
 */
import { createHmac } from "node:crypto";
import { Secret } from "../../world.ts";

export interface AccessKey {
  /** base64 */
  readonly key: Secret;
  /** Of a connection string: the hub's name, and the device's. */
  readonly hub?: string;
  readonly device?: string;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** IoT Hub takes keys of 16 to 64 bytes. */
const KEY_BYTES = { min: 16, max: 64 };

/** What stands in the access-key-file: a key, or a whole connection string. A text says what is wrong, without the secret. */
export function readAccessKey(text: string): AccessKey | string {
  const trimmed = text.trim();
  if (!trimmed.includes(";")) return problemOf(trimmed) ?? { key: new Secret(trimmed) };
  const parts = new Map(
    trimmed.split(";").map((part): [string, string] => {
      const at = part.indexOf("=");
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()];
    }),
  );
  if (parts.has("sharedaccesskeyname"))
    return "it is a connection string of the hub; a station needs that of its device";
  const [key, hub, device] = [parts.get("sharedaccesskey"), parts.get("hostname"), parts.get("deviceid")];
  if (key === undefined) return "it is a connection string without SharedAccessKey; copy the device's primary one";
  if (!hub || !device) return "it is a connection string without HostName or DeviceId; copy the device's primary one";
  return problemOf(key) ?? { key: new Secret(key), hub: hub.toLowerCase(), device };
}

function problemOf(key: string): string | undefined {
  const bytes = BASE64.test(key) ? Buffer.from(key, "base64").length : 0;
  if (bytes >= KEY_BYTES.min && bytes <= KEY_BYTES.max) return undefined;
  return "it holds no key (base64, 44 characters as a rule) and no connection string; copy the device's primary key";
}

/** The key of one device of an enrolment group: HMAC-SHA256 of its registration id under the group's key. */
export const derivedKey = (groupKey: Secret, registration: string): Secret =>
  new Secret(signature(groupKey, registration));

export interface TokenWish {
  /** "my-hub.azure-devices.net/devices/gw1" */
  readonly resource: string;
  readonly key: Secret;
  /** ms since 1970 */
  readonly untilMs: number;
  readonly policy?: string;
}

export function tokenFor({ resource, key, untilMs, policy }: TokenWish): Secret {
  const sr = encodeURIComponent(resource);
  const se = Math.floor(untilMs / 1000);
  const sig = encodeURIComponent(signature(key, `${sr}\n${se}`));
  const skn = policy === undefined ? "" : `&skn=${policy}`;
  return new Secret(`SharedAccessSignature sr=${sr}&sig=${sig}&se=${se}${skn}`);
}

const signature = (key: Secret, text: string): string =>
  createHmac("sha256", Buffer.from(key.reveal(), "base64")).update(text).digest("base64");

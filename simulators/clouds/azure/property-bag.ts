/**
 * The last segment of a telemetry or cloud-to-device topic: `key=value&key=value`, URL-encoded (RFC 2396, so "+" is a
 * plus). `key` alone is null, `key=` the empty string. Keys that begin with `$.` are the message's system properties.
 */
export interface PropertyBag {
  readonly properties: Readonly<Record<string, string | null>>;
  readonly system: Readonly<Record<string, string>>;
}

/** Microsoft's names for what travels as `$.x`. */
const SYSTEM_NAMES: Readonly<Record<string, string>> = {
  "$.mid": "message-id",
  "$.cid": "correlation-id",
  "$.uid": "user-id",
  "$.to": "to",
  "$.ct": "content-type",
  "$.ce": "content-encoding",
  "$.exp": "absolute-expiry-time",
  "$.on": "iothub-output-name",
  "$.ifid": "iothub-interface-id",
  "$.sub": "dt-subject",
  "$.ctime": "iothub-creation-time-utc",
};
const SYSTEM_KEYS = new Map(Object.entries(SYSTEM_NAMES).map(([key, name]) => [name, key]));

/** Returns the bag, or a sentence that says what is wrong with it. */
export function parseBag(text: string): PropertyBag | string {
  const properties: Record<string, string | null> = {};
  const system: Record<string, string> = {};
  // Some clients end the topic with a slash.
  for (const part of text.replace(/\/$/, "").split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const key = decoded(at < 0 ? part : part.slice(0, at));
    const value = at < 0 ? null : decoded(part.slice(at + 1));
    if (key === undefined || value === undefined) return `the property ${part} is not URL-encoded`;
    if (key === "") return `the property ${part} has no name`;
    const name = SYSTEM_NAMES[key];
    if (name !== undefined) define(system, name, value ?? "");
    else define(properties, key, value);
  }
  return { properties, system };
}

export function formatBag({ properties, system }: PropertyBag): string {
  const parts = [
    ...Object.entries(system).map(([name, value]) => [SYSTEM_KEYS.get(name) ?? name, value] as const),
    ...Object.entries(properties),
  ];
  return parts
    .map(([key, value]) =>
      value === null ? encodeURIComponent(key) : `${encodeURIComponent(key)}=${encodeURIComponent(value)}`,
    )
    .join("&");
}

/** What counts towards the size of a message, in bytes: values of system properties, names and values of the others. */
export function bagBytes({ properties, system }: PropertyBag): number {
  let bytes = 0;
  for (const value of Object.values(system)) bytes += Buffer.byteLength(value);
  for (const [key, value] of Object.entries(properties))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value ?? "");
  return bytes;
}

/** A property may be called `__proto__`. */
function define<T>(target: Record<string, T>, key: string, value: T): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * Shared access signatures:
 *
 *   SharedAccessSignature sr={resource}&sig={signature}&se={end}[&skn={policy}]
 *
 * resource: URL-encoded `{host}/devices/{id}`; end: seconds since 1970; signature: URL-encoded base64 of
 * HMAC-SHA256(base64-decoded key, resource as it stands in the token + "\n" + end).
 * Source: Microsoft, "Control access to IoT Hub by using shared access signatures".
 */
import { createHmac, timingSafeEqual } from "node:crypto";

export interface SasToken {
  /** As it stands in the token: this is what was signed. */
  readonly encodedResource: string;
  readonly resource: string;
  readonly signature: string;
  readonly endS: number;
  readonly policy?: string;
}

/** Returns the token, or a sentence that says what is wrong with it. */
export function parseSas(text: string): SasToken | string {
  const [scheme, rest, ...more] = text.split(" ");
  if (scheme !== "SharedAccessSignature" || rest === undefined || more.length > 0)
    return 'the password does not begin with "SharedAccessSignature "';
  const fields = new Map(
    rest.split("&").map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? ([part, ""] as const) : ([part.slice(0, at), part.slice(at + 1)] as const);
    }),
  );
  const [sr, sig, se, skn] = ["sr", "sig", "se", "skn"].map((name) => fields.get(name));
  if (!sr || !sig || !se) return `the token has no ${!sr ? "sr" : !sig ? "sig" : "se"}`;
  if (!/^\d{1,12}$/.test(se)) return `the token's se=${se} is no number of seconds`;
  const [resource, signature, policy] = [sr, sig, skn ?? ""].map(decoded);
  if (resource === undefined || signature === undefined || policy === undefined) return "the token is not URL-encoded";
  return { encodedResource: sr, resource, signature, endS: Number(se), ...(policy !== "" && { policy }) };
}

/** Whether the token was signed with this key (base64). */
export function isSignedWith(token: SasToken, key: string): boolean {
  const expected = signatureOf(token.encodedResource, token.endS, key);
  const given = Buffer.from(token.signature, "base64");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

export interface SasWish {
  readonly resource: string;
  readonly key: string;
  readonly endS: number;
  readonly policy?: string;
}

export function makeSas({ resource, key, endS, policy }: SasWish): string {
  const sr = encodeURIComponent(resource);
  const sig = encodeURIComponent(signatureOf(sr, endS, key).toString("base64"));
  return `SharedAccessSignature sr=${sr}&sig=${sig}&se=${endS}${policy === undefined ? "" : `&skn=${policy}`}`;
}

/** An enrolment group's key for one device: HMAC-SHA256(group key, registration id), base64. */
export const deriveDeviceKey = (groupKey: string, registrationId: string): string =>
  createHmac("sha256", Buffer.from(groupKey, "base64")).update(registrationId).digest("base64");

const signatureOf = (encodedResource: string, endS: number, key: string): Buffer =>
  createHmac("sha256", Buffer.from(key, "base64")).update(`${encodedResource}\n${endS}`).digest();

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

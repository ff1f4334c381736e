/** Who may be provisioned: single devices and groups, and what each has to show. */
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { type CertificateChain, isSignedByOneOf, leafOf, lifeProblemOf, normalThumbprint } from "./certificates.ts";
import { deriveDeviceKey, isSignedWith, type SasToken } from "./sas.ts";

export type EnrolmentAuth =
  | { readonly type: "sas"; readonly primaryKey: string; readonly secondaryKey: string }
  /** One device: its certificate's SHA-1 or SHA-256. */
  | { readonly type: "self-signed"; readonly primaryThumbprint: string; readonly secondaryThumbprint?: string }
  /** PEM: who signs the devices' certificates. */
  | { readonly type: "certificate-authority"; readonly authorities: readonly string[] };

export interface Enrolment {
  /** A group's name, or the registration id of a single device. */
  readonly name: string;
  readonly isGroup: boolean;
  readonly auth: EnrolmentAuth;
  /** Of a single device; its registration id unless said. */
  readonly deviceId?: string;
  /** An address of one of the service's hubs; left out: by the registration id's hash. */
  readonly hub?: string;
  /** Desired properties of a device that is new. */
  readonly desired?: JsonObject;
}

/** What a connection has shown. */
export interface Proof {
  readonly token?: SasToken;
  readonly chain: CertificateChain;
}

/** A device's key as its enrolment gives it: a group's is derived from the registration id. */
export const keysFor = (
  auth: EnrolmentAuth & { type: "sas" },
  isGroup: boolean,
  id: string,
): readonly [string, string] =>
  isGroup
    ? [deriveDeviceKey(auth.primaryKey, id), deriveDeviceKey(auth.secondaryKey, id)]
    : [auth.primaryKey, auth.secondaryKey];

/** Returns the enrolment that fits, or a sentence that says why none does. A single device's goes before a group's. */
export function enrolmentFor(
  enrolments: readonly Enrolment[],
  registrationId: string,
  proof: Proof,
  nowMs: number,
): Enrolment | string {
  const single = enrolments.find(({ isGroup, name }) => !isGroup && name === registrationId);
  const candidates = single ? [single] : enrolments.filter(({ isGroup }) => isGroup);
  if (candidates.length === 0) return `nobody has enrolled ${registrationId}`;
  const problems = candidates.map((enrolment) => problemOf(enrolment, registrationId, proof, nowMs));
  return candidates.find((_, index) => problems[index] === undefined) ?? `${registrationId}: ${problems.join("; ")}`;
}

function problemOf(
  { auth, isGroup, name }: Enrolment,
  registrationId: string,
  { token, chain }: Proof,
  nowMs: number,
): string | undefined {
  if (auth.type === "sas") {
    if (!token) return `${name} wants a token`;
    const fits = keysFor(auth, isGroup, registrationId).some((key) => isSignedWith(token, key));
    return fits ? undefined : `the token is not signed with ${name}'s key`;
  }
  const leaf = leafOf(chain);
  if (token || !leaf) return `${name} wants a certificate`;
  const life = lifeProblemOf(leaf, nowMs);
  if (life !== undefined) return life;
  // Microsoft's page on DPS over MQTT: the common name is the registration id.
  if (leaf.commonName !== registrationId) return `the certificate is ${leaf.commonName}'s`;
  if (auth.type === "certificate-authority")
    return isSignedByOneOf(chain, auth.authorities, nowMs)
      ? undefined
      : `${name}'s authority did not sign the certificate`;
  const known = [auth.primaryThumbprint, auth.secondaryThumbprint ?? ""].map(normalThumbprint);
  return known.includes(leaf.sha1) || known.includes(leaf.sha256) ? undefined : `the certificate is not ${name}'s`;
}

/** Whether a CONNECT may become a connection: MQTT version, user name, device, then token or certificate. */
import type { IConnectPacket } from "mqtt-packet";
import { type CertificateChain, isSignedByOneOf, leafOf, lifeProblemOf, normalThumbprint } from "./certificates.ts";
import type { Device, Devices } from "./devices.ts";
import { isSignedWith, parseSas } from "./sas.ts";
import { type HubUser, parseHubUser } from "./user-name.ts";

export interface SharedAccessPolicy {
  readonly name: string;
  /** Base64. */
  readonly key: string;
}

export interface Admitted {
  readonly device: Device;
  readonly user: HubUser;
  /** As it stands in a message's system properties. */
  readonly auth: "sas" | "x509Certificate" | "x509CA";
  /** When the token ends, and with it the connection; undefined with a certificate. */
  readonly endMs?: number;
}

/** CONNACK codes of MQTT 3.1.1, 3.2.2.3. */
export const CONNACK = {
  accepted: 0,
  version: 1,
  identifier: 2,
  unavailable: 3,
  malformed: 4,
  unauthorised: 5,
} as const;

export interface Refusal {
  readonly code: number;
  readonly reason: string;
  /** The device that was meant, as far as it is known. */
  readonly device: string;
}

export interface AdmissionDeps {
  readonly hostNames: readonly string[];
  readonly policies: readonly SharedAccessPolicy[];
  readonly certificateAuthorities: readonly string[];
  readonly devices: Devices;
  readonly nowMs: () => number;
}

export function admit(deps: AdmissionDeps, packet: IConnectPacket, chain: CertificateChain): Admitted | Refusal {
  const said = packet.clientId;
  if (packet.protocolVersion !== 4)
    return { code: CONNACK.version, reason: `MQTT version ${packet.protocolVersion}: only 3.1.1`, device: said };
  const user = parseHubUser(packet.username ?? "");
  if (typeof user === "string") return { code: CONNACK.malformed, reason: user, device: said };
  const refuse = (code: number, reason: string): Refusal => ({ code, reason, device: user.device });
  if (!deps.hostNames.includes(user.host))
    return refuse(CONNACK.unauthorised, `this hub is ${deps.hostNames.join(", ")}, not ${user.host}`);
  if (said !== user.device)
    return refuse(CONNACK.identifier, `the client id is ${said}, the user name says ${user.device}`);
  const device = deps.devices.find(user.device);
  if (!device) return refuse(CONNACK.unauthorised, `there is no device ${user.device}`);
  if (!device.isEnabled) return refuse(CONNACK.unauthorised, `the device ${user.device} is disabled`);
  const proof =
    packet.password === undefined || packet.password.length === 0
      ? byCertificate(deps, device, chain)
      : byToken(deps, device, user, packet.password.toString());
  return typeof proof === "string" ? refuse(CONNACK.unauthorised, proof) : { device, user, ...proof };
}

type Proof = Pick<Admitted, "auth" | "endMs">;

function byToken(deps: AdmissionDeps, device: Device, user: HubUser, password: string): Proof | string {
  const token = parseSas(password);
  if (typeof token === "string") return token;
  const endMs = token.endS * 1_000;
  const nowMs = deps.nowMs();
  if (endMs <= nowMs)
    return `the token ended at ${new Date(endMs).toISOString()}, and it is ${new Date(nowMs).toISOString()}`;
  const scope = scopeProblemOf(token.resource, user, deps.hostNames, token.policy !== undefined);
  if (scope !== undefined) return scope;
  const keys = keysFor(deps, device, token.policy);
  if (typeof keys === "string") return keys;
  if (!keys.some((key) => isSignedWith(token, key))) return `the token's signature is not made with ${device.id}'s key`;
  return { auth: "sas", endMs };
}

/** A device's token names the device; a policy's may name the hub or a part of it. */
function scopeProblemOf(
  resource: string,
  user: HubUser,
  hostNames: readonly string[],
  isPolicy: boolean,
): string | undefined {
  const [host = "", ...path] = resource.split("/");
  if (!hostNames.includes(host.toLowerCase())) return `the token is for ${host}, not for this hub`;
  const rest = path.join("/");
  const own = `devices/${user.device}`;
  if (rest === own || rest === `${own}/`) return undefined;
  if (isPolicy && (rest === "" || rest === "devices")) return undefined;
  return `the token is for ${resource}, not for ${user.host}/${own}`;
}

function keysFor(deps: AdmissionDeps, device: Device, policy: string | undefined): readonly string[] | string {
  if (policy !== undefined) {
    const found = deps.policies.find(({ name }) => name === policy);
    return found ? [found.key] : `there is no shared access policy ${policy}`;
  }
  if (device.auth.type !== "sas") return `the device ${device.id} proves itself with a certificate, not with a token`;
  return [device.auth.primaryKey, device.auth.secondaryKey];
}

function byCertificate(deps: AdmissionDeps, device: Device, chain: CertificateChain): Proof | string {
  const leaf = leafOf(chain);
  if (!leaf) return "there is neither a token nor a client certificate";
  if (device.auth.type === "sas") return `the device ${device.id} proves itself with a token, not with a certificate`;
  // A self-signed certificate's life isn't checked by every hub; ours does, so that an expired one is noticed here.
  const life = lifeProblemOf(leaf, deps.nowMs());
  if (life !== undefined) return life;
  if (device.auth.type === "self-signed") {
    const known = [device.auth.primaryThumbprint, device.auth.secondaryThumbprint ?? ""].map(normalThumbprint);
    return known.includes(leaf.sha1) || known.includes(leaf.sha256)
      ? { auth: "x509Certificate" }
      : `the certificate's thumbprint ${leaf.sha1} is not one of ${device.id}'s`;
  }
  if (leaf.commonName !== device.id) return `the certificate is ${leaf.commonName}'s, not ${device.id}'s`;
  return isSignedByOneOf(chain, deps.certificateAuthorities, deps.nowMs())
    ? { auth: "x509CA" }
    : "the certificate is not signed by an authority that this hub knows";
}

/** Which hub a device belongs to, and what the hub has to know to let it in. */
import { createHash } from "node:crypto";
import { leafOf } from "./certificates.ts";
import type { DeviceAuth } from "./devices.ts";
import { type Enrolment, keysFor, type Proof } from "./enrolments.ts";
import { ServiceError } from "./errors.ts";
import type { AzureHub } from "./hub.ts";

/** A hub, and what a device is told: the name that it connects to. */
export interface LinkedHub {
  readonly hub: AzureHub;
  readonly address: string;
}

/** The enrolment's own, or by the registration id's hash. Throws ServiceError 404 when there is no such hub. */
export function hubFor(
  hubs: readonly LinkedHub[],
  { hub: wanted, name }: Enrolment,
  registrationId: string,
): LinkedHub {
  const digest = createHash("sha256").update(registrationId).digest().readUInt32BE(0);
  const chosen = wanted === undefined ? hubs[digest % hubs.length] : hubs.find(({ address }) => address === wanted);
  if (!chosen) throw new ServiceError(404, 404203, `${name}: there is no hub ${wanted ?? ""}`);
  return chosen;
}

/** A device with a certificate is known to its hub by the thumbprint of what it showed. */
export function hubAuthFor({ auth, isGroup, name }: Enrolment, registrationId: string, { chain }: Proof): DeviceAuth {
  if (auth.type === "sas") {
    const [primaryKey, secondaryKey] = keysFor(auth, isGroup, registrationId);
    return { type: "sas", primaryKey, secondaryKey };
  }
  const leaf = leafOf(chain);
  if (!leaf) throw new ServiceError(401, 401002, `${name} wants a certificate`);
  return { type: "self-signed", primaryThumbprint: leaf.sha256 };
}

/** Microsoft's "re-provision and migrate data": desired properties go along, versions begin anew. */
export function move(from: AzureHub, to: AzureHub, deviceId: string): void {
  if (!from.devices.find(deviceId)) return;
  to.recreateTwin(deviceId, { desired: from.twin(deviceId).desired.properties });
  from.removeDevice(deviceId);
}

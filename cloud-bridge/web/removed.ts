/** Devices that left the description: their readings stay, and there is nothing left that could be set. Pure. */
import type { Twin } from "../api/contract.ts";

/**
 * The station reports the health of every device that its description has, paused ones too. Where it reports none at all
 * (nothing heard of it yet, nothing runs), nobody knows.
 */
export function isRemoved(twin: Twin | undefined, device: string): boolean {
  const devices = twin?.reported["devices"] as Readonly<Record<string, { readonly health?: unknown }>> | undefined;
  const described = Object.entries(devices ?? {}).flatMap(([name, { health }]) => (health === undefined ? [] : [name]));
  return described.length > 0 && !described.includes(device);
}

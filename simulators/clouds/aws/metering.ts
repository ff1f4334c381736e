/**
 * What would be on the bill (AWS IoT Core pricing, "additional details"): messages in units of 5 KB of topic and payload,
 * both ways; CONNECT and SUBSCRIBE one each; a thing's PUBACK one, too. Pings and the service's own acknowledgements are
 * free; shadow requests are billed beside, in units of 1 KB of the document.
 */
import { METERED_BYTES } from "./limits.ts";

export interface Meter {
  /** Messages as billed. */
  messages: number;
  shadowOperations: number;
}

const SHADOW_METERED_BYTES = 1024;

export const createMeter = (): Meter => ({ messages: 0, shadowOperations: 0 });

export const unitsOf = (topic: string, payload: Uint8Array): number =>
  Math.max(1, Math.ceil((Buffer.byteLength(topic) + payload.length) / METERED_BYTES));

export const shadowUnitsOf = (payload: Uint8Array): number =>
  Math.max(1, Math.ceil(payload.length / SHADOW_METERED_BYTES));

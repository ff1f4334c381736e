/**
 * What an MQTT 5 broker says in CONNACK that it takes (§3.2.2.3). Whoever goes beyond is disconnected, and since a message
 * that isn't acknowledged is sent again, for ever. 3.1.1 has no such words.
 */
import type { IConnackPacket } from "mqtt";
import { CloudError } from "../../cloud/cloud.ts";

export interface BrokerLimits {
  /** QoS 1 messages that wait for their acknowledgement at a time (Receive Maximum). */
  readonly inFlightMax: number;
  readonly packetBytesMax: number;
  readonly takesRetain: boolean;
}

/** CONNACK 0x9A: the will asks for retain, which this broker doesn't do (§3.2.2.3.5). */
export const RETAIN_NOT_SUPPORTED = 154;
const IN_FLIGHT_MAX = 65_535;

export const limitsFrom = ({ properties }: IConnackPacket): BrokerLimits => ({
  inFlightMax: properties?.receiveMaximum ?? IN_FLIGHT_MAX,
  packetBytesMax: properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
  takesRetain: properties?.retainAvailable !== false,
});

/** MQTT 5 §3.3: type, remaining length (at most four bytes), topic with its length, identifier, length of properties. */
export const packetBytes = (topic: string, payload: Uint8Array): number =>
  5 + 2 + Buffer.byteLength(topic) + 2 + 1 + payload.length;

/** §2.2.2: their length may take three bytes more; §3.3.2.3.7: a pair has an identifier and two lengths. */
export const propertiesBytes = (pairs: Readonly<Record<string, string>>): number =>
  Object.entries(pairs).reduce((sum, [name, value]) => sum + 5 + Buffer.byteLength(name) + Buffer.byteLength(value), 3);

/** Looking again whether somebody has set the broker right costs nothing on the link. */
const WAIT_MS = 60_000;

export function tooLarge(bytes: number, bytesMax: number, mayWait: boolean): CloudError {
  const text = `publish ${bytes} bytes: the broker takes at most ${bytesMax}`;
  if (!mayWait) return new CloudError("drop-and-report", text);
  return new CloudError("retry-after", `${text}; it waits until the broker takes more (mosquitto: max_packet_size)`, {
    afterMs: WAIT_MS,
  });
}

export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** At most `max` at a time, in the order in which they came. */
export function createTurns(max: number): Turns {
  let free = max;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}

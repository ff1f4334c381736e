/** What the agent asks of mqtt.js, and of the broker in CONNECT. */
import type { IClientOptions } from "mqtt";
import { MESSAGE_BYTES_MAX } from "../../limits.ts";
import type { MqttOptions } from "../../world.ts";
import { WITHOUT_ITS_OWN } from "./mqtt-client.ts";

/** MQTT 5: what a broker may send; a message and its topic. */
const PACKET_BYTES_MAX = 2 * MESSAGE_BYTES_MAX;

export const clientOptionsFrom = (options: MqttOptions): IClientOptions => ({
  clientId: options.clientId,
  ...protocolFrom(options),
  clean: true,
  ...WITHOUT_ITS_OWN,
  keepalive: options.keepAliveS,
  connectTimeout: options.connectTimeoutMs,
  ...(options.username !== undefined && { username: options.username }),
  ...(options.password && { password: options.password.reveal() }),
  ...(options.will && {
    will: {
      topic: options.will.topic,
      payload: Buffer.from(options.will.payload),
      qos: 1 as const,
      retain: options.will.retain,
    },
  }),
});

/** A clean start and no session expiry: nothing outlives the connection, as with 3.1.1's clean session (MQTT 5 §3.1.2.11.2). */
const protocolFrom = ({ version }: MqttOptions): Pick<IClientOptions, "protocolVersion" | "properties"> =>
  version === 5
    ? { protocolVersion: 5, properties: { sessionExpiryInterval: 0, maximumPacketSize: PACKET_BYTES_MAX } }
    : { protocolVersion: 4 };

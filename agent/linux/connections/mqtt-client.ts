/** How we use mqtt.js wherever we use it: without retries, stores and clocks of its own. */
import type { IClientOptions, MqttClient } from "mqtt";

export const WITHOUT_ITS_OWN = {
  reconnectPeriod: 0,
  resubscribe: false,
  queueQoSZero: false,
  // A table of all 65,536 numbers as bytes, which costs 6 MB of memory and saves nothing at a packet a minute.
  writeCache: false,
} satisfies IClientOptions;

/** A graceful end waits for the socket's last ACK, which a dead link never sends. */
export const CLOSE_GRACE_MS = 2_000;

/** Sends a PINGREQ; resolves at PINGRESP, and never when none comes: who waits has a deadline. */
export const pingOver = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => {
    const onPacket = ({ cmd }: { readonly cmd?: string }): void => {
      if (cmd !== "pingresp") return;
      client.off("packetreceive", onPacket);
      resolve();
    };
    client.on("packetreceive", onPacket);
    client.sendPing();
  });

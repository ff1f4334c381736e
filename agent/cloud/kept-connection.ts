/** An MQTT connection that ends its own silences. */
import type { Clock, LinkUse, MqttConnection, Timers } from "../world.ts";
import { CloudError } from "./cloud.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { createSilence } from "./silence.ts";

export interface KeptConnection extends MqttConnection {
  payloadBytesMax(topic: string): number;
  use(): LinkUse & { readonly quietMs: number };
}

export function createKeptConnection(
  deps: { readonly clock: Clock; readonly timers: Timers },
  mqtt: MqttConnection,
  keepAlive: KeepAlive,
): KeptConnection {
  let endedBecause: string | undefined;
  const silence = createSilence({
    ...deps,
    keepAlive,
    ping: (deadlineMs) => mqtt.ping(deadlineMs),
    onDead: (reason) => giveUp(reason),
  });
  const giveUp = async (reason: string): Promise<void> => {
    endedBecause ??= reason;
    silence.end();
    await mqtt.close();
  };
  mqtt.onMessage(() => silence.heard());
  mqtt.onClosed(() => silence.end());

  return {
    publish: async (topic, payload, options) => {
      try {
        await silence.exchange(() => mqtt.publish(topic, payload, options));
      } catch (error) {
        // A message that isn't acknowledged in time says the same as a ping that isn't: nobody is there any more.
        if (error instanceof CloudError && error.next === "reconnect") await giveUp(error.message);
        throw error;
      }
    },
    subscribe: (topics) => silence.exchange(() => mqtt.subscribe(topics)),
    ping: (deadlineMs) => silence.exchange(() => mqtt.ping(deadlineMs)),
    onMessage: (listener) => mqtt.onMessage(listener),
    onClosed: (listener) => mqtt.onClosed((reason, afterMs) => listener(endedBecause ?? reason, afterMs)),
    payloadBytesMax: (topic) => mqtt.payloadBytesMax?.(topic) ?? Number.POSITIVE_INFINITY,
    use: () => ({ ...mqtt.use(), quietMs: silence.quietMs() }),
    close: () => {
      silence.end();
      return mqtt.close();
    },
  };
}

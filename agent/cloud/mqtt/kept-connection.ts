/**
 * An MQTT connection that pings when it has been silent for as long as it may be, and tells whether silences were
 * survived. Uploads are signs of life, too: where they come often enough no ping is ever sent.
 */
import { PING_DEADLINE_MS } from "../../limits.ts";
import type { Clock, LinkUse, MqttConnection, Timers } from "../../world.ts";
import type { KeepAlive } from "../keep-alive.ts";

export interface KeptConnection extends MqttConnection {
  use(): LinkUse & { readonly quietMs: number };
}

export function createKeptConnection(
  deps: { readonly clock: Clock; readonly timers: Timers },
  mqtt: MqttConnection,
  keepAlive: KeepAlive,
): KeptConnection {
  const { clock, timers } = deps;
  let passedAt = clock.bootMs();
  let ended = false;
  let endedBecause: string | undefined;
  let cancelLook = (): void => undefined;

  /** The first exchange after a silence tells whether the link was still there. */
  const exchange = async <T>(send: () => Promise<T>): Promise<T> => {
    const silenceMs = clock.bootMs() - passedAt;
    passedAt = clock.bootMs();
    try {
      const answer = await send();
      passedAt = clock.bootMs();
      keepAlive.survived(silenceMs);
      return answer;
    } catch (error) {
      if (!ended) keepAlive.lost(silenceMs);
      throw error;
    }
  };

  const look = (): void => {
    const dueAt = passedAt + keepAlive.silenceMs();
    if (clock.bootMs() >= dueAt) void ping();
    else cancelLook = timers.after(dueAt - clock.bootMs(), look);
  };

  const ping = async (): Promise<void> => {
    const silenceMs = clock.bootMs() - passedAt;
    try {
      await exchange(() => mqtt.ping(PING_DEADLINE_MS));
      look();
    } catch {
      endedBecause ??= `no answer to a ping after ${Math.round(silenceMs / 1000)} s of silence`;
      await mqtt.close();
    }
  };

  mqtt.onMessage(() => {
    keepAlive.survived(clock.bootMs() - passedAt);
    passedAt = clock.bootMs();
  });
  mqtt.onClosed(() => {
    ended = true;
    cancelLook();
  });
  look();

  return {
    publish: (topic, payload, options) => exchange(() => mqtt.publish(topic, payload, options)),
    subscribe: (topics) => exchange(() => mqtt.subscribe(topics)),
    ping: (deadlineMs) => exchange(() => mqtt.ping(deadlineMs)),
    onMessage: (listener) => mqtt.onMessage(listener),
    onClosed: (listener) => mqtt.onClosed((reason) => listener(endedBecause ?? reason)),
    use: () => ({ ...mqtt.use(), quietMs: clock.bootMs() - passedAt }),
    close: () => {
      ended = true;
      return mqtt.close();
    },
  };
}

/** mqtt.js keeps time limits of its own, in real time; beside a hastened clock they have to pass as fast as that. */
import type { MqttClients, MqttConnection } from "@pump-station/agent/world.ts";

export const hastenedClients = (clients: MqttClients, factor: number): MqttClients => ({
  connect: async (options, signal) => hastened(await clients.connect(options, signal), factor),
});

const hastened = (mqtt: MqttConnection, factor: number): MqttConnection => ({
  ...mqtt,
  publish: (topic, payload, options) =>
    mqtt.publish(topic, payload, { ...options, deadlineMs: options.deadlineMs / factor }),
  ping: (deadlineMs) => mqtt.ping(deadlineMs / factor),
});

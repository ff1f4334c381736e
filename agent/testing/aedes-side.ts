/** The side of a real broker (aedes) on which a test's bridge stands: no connection, nothing between. */
import type { Aedes } from "aedes";
import type { BrokerSide } from "./memory-bridge.ts";

export const sideOf = (aedes: Aedes): BrokerSide => ({
  publish: (topic, payload) => {
    const packet = { cmd: "publish", topic, payload: Buffer.from(payload), qos: 1, retain: false, dup: false } as const;
    aedes.publish(packet, () => undefined);
  },
  subscribe: (filter, listener) => {
    const heard: Parameters<Aedes["subscribe"]>[1] = ({ topic, payload }, done) => {
      listener(topic, Buffer.from(payload));
      done();
    };
    aedes.subscribe(filter, heard, () => undefined);
  },
});

/** A device that speaks MQTT by hand, in memory on a simulated clock: for what no SDK would ever send. */
import { createSimulatedTime, type SimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import type { Chance } from "@pump-station/agent/world.ts";
import type { IConnectPacket, IPublishPacket, Packet } from "mqtt-packet";
import { type AzureHub, type AzureHubConfig, createAzureHub } from "../hub.ts";
import { connectInMemory, type MemoryLink } from "../memory-device.ts";
import { makeSas } from "../sas.ts";

export const HUB = "raw-hub.azure-devices.net";

export interface RawHub {
  readonly hub: AzureHub;
  readonly time: SimulatedTime;
  /** Opens a link; sends nothing. */
  link(chain?: readonly Uint8Array[]): RawDevice;
  /** Opens a link and sends CONNECT; the answer has come when it resolves. */
  connect(device: string, wish?: Partial<IConnectPacket>): Promise<RawDevice>;
  /** A token as a device's SDK makes it. */
  token(device: string, lifeS?: number): string;
}

export interface RawDevice {
  /** Sends, and lets everything settle. */
  send(packet: Packet): Promise<void>;
  publish(topic: string, payload: string | Uint8Array, more?: Partial<IPublishPacket>): Promise<void>;
  subscribe(...topics: readonly string[]): Promise<void>;
  /** What came since the last look. */
  take(): Packet[];
  readonly link: MemoryLink;
  readonly closed: "fin" | "reset" | undefined;
}

/** Counts instead of throwing dice. */
export const countingChance = (): Chance => {
  let next = 0;
  return {
    fraction: () => (next++ % 100) / 100,
    bytes: (count) => Uint8Array.from({ length: count }, () => next++ & 0xff),
  };
};

export function createRawHub(config: Partial<AzureHubConfig> = {}): RawHub {
  const time = createSimulatedTime();
  const hub = createAzureHub(
    { clock: time.clock, timers: time.timers, chance: countingChance() },
    { hostNames: [HUB], ...config },
  );
  hub.addDevice("gw1");
  const link: RawHub["link"] = (chain) => {
    const came: Packet[] = [];
    let closed: RawDevice["closed"];
    const memory = connectInMemory(
      hub,
      { timers: time.timers, ...(chain && { chain }) },
      {
        onPacket: (packet) => void came.push(packet),
        onClosed: (how) => {
          closed = how;
        },
      },
    );
    const send = async (packet: Packet): Promise<void> => {
      memory.send(packet);
      await time.advance(1);
    };
    return {
      send,
      publish: (topic, payload, more = {}) =>
        send({
          cmd: "publish",
          topic,
          payload: Buffer.from(payload),
          qos: 1,
          messageId: 7,
          dup: false,
          retain: false,
          ...more,
        }),
      subscribe: (...topics) =>
        send({ cmd: "subscribe", messageId: 9, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) }),
      take: () => came.splice(0),
      link: memory,
      get closed() {
        return closed;
      },
    };
  };
  const token: RawHub["token"] = (device, lifeS = 3_600) => {
    const { auth } = hub.devices.get(device);
    const key = auth.type === "sas" ? auth.primaryKey : "";
    return makeSas({
      resource: `${HUB}/devices/${device}`,
      key,
      endS: Math.floor(time.clock.wallMs() / 1_000) + lifeS,
    });
  };
  return {
    hub,
    time,
    link,
    token,
    connect: async (device, wish = {}) => {
      const raw = link();
      await raw.send({ ...connectPacket(device), password: Buffer.from(token(device)), ...wish });
      return raw;
    },
  };
}

export const connectPacket = (device: string): IConnectPacket => ({
  cmd: "connect",
  clientId: device,
  protocolId: "MQTT",
  protocolVersion: 4,
  clean: false,
  keepalive: 60,
  username: `${HUB}/${device}/?api-version=2021-04-12`,
});

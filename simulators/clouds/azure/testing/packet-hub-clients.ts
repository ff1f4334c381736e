/** The agent's way to a hub without the SDK and without sockets: packets to the hub's state machine. */
import { CloudError } from "@pump-station/agent/cloud/cloud.ts";
import { createInbox } from "@pump-station/agent/cloud/inbox.ts";
import type {
  HubAnswer,
  HubClients,
  HubConnection,
  HubMessage,
  HubMethodCall,
  HubOptions,
  Timers,
} from "@pump-station/agent/world.ts";
import type { Packet } from "mqtt-packet";
import type { PacketServer } from "../link.ts";
import { connectInMemory, type MemoryLink } from "../memory-device.ts";

const EARLY_MAX = 32;
const REFUSED = new Set([2, 4, 5]);

export function createPacketHubClients(deps: {
  readonly server: () => PacketServer;
  readonly timers: Timers;
}): HubClients {
  return {
    connect: async (options, signal) => {
      signal.throwIfAborted();
      const session = openSession(deps, options);
      try {
        await session.ask("connack", (packet) => packet.cmd === "connack", connectPacket(options));
        await session.ask("suback", (packet) => packet.cmd === "suback", {
          cmd: "subscribe",
          messageId: 1,
          subscriptions: [
            { topic: "$iothub/twin/res/#", qos: 0 },
            { topic: "$iothub/twin/PATCH/properties/desired/#", qos: 0 },
            { topic: "$iothub/methods/POST/#", qos: 0 },
            { topic: `devices/${options.device}/messages/devicebound/#`, qos: 1 },
          ],
        });
        signal.throwIfAborted();
        return session.seam;
      } catch (error) {
        await session.seam.close();
        signal.throwIfAborted();
        throw error;
      }
    },
  };
}

const connectPacket = ({ device, hub, token, keepAliveS, modelId }: HubOptions): Packet => ({
  cmd: "connect",
  protocolId: "MQTT",
  protocolVersion: 4,
  clean: false,
  clientId: device,
  keepalive: keepAliveS,
  username: `${hub}/${device}/?api-version=2021-04-12${modelId === undefined ? "" : `&model-id=${modelId}`}`,
  ...(token && { password: Buffer.from(token.reveal()) }),
});

interface Waiting {
  readonly fits: (packet: Packet) => boolean;
  readonly resolve: (packet: Packet) => void;
  readonly reject: (error: Error) => void;
}

function openSession(deps: { readonly server: () => PacketServer; readonly timers: Timers }, options: HubOptions) {
  let closedBecause: string | undefined;
  let nextId = 1;
  let pings = 0;
  const waiting = new Set<Waiting>();
  const closedListeners: ((reason: string) => void)[] = [];
  const desired = createInbox<unknown>(EARLY_MAX);
  const methods = createInbox<HubMethodCall>(EARLY_MAX);
  const messages = createInbox<HubMessage>(EARLY_MAX);

  const closed = (reason: string): void => {
    if (closedBecause !== undefined) return;
    closedBecause = reason;
    for (const { reject } of waiting) reject(new CloudError("reconnect", `connection closed: ${reason}`));
    waiting.clear();
    for (const listener of closedListeners) listener(reason);
  };
  const ask = (what: string, fits: Waiting["fits"], packet: Packet): Promise<Packet> =>
    new Promise((resolve, reject) => {
      if (closedBecause !== undefined)
        return reject(new CloudError("reconnect", `${what}: connection closed: ${closedBecause}`));
      waiting.add({ fits, resolve, reject });
      link.send(packet);
    });
  const onPacket = (packet: Packet): void => {
    if (packet.cmd === "connack" && packet.returnCode !== 0) {
      const code = REFUSED.has(packet.returnCode ?? 0) ? "refused" : "unavailable";
      const error = Object.assign(new Error(`CONNACK ${packet.returnCode}`), { code });
      for (const { reject } of waiting) reject(error);
      return waiting.clear();
    }
    const found = [...waiting].find(({ fits }) => fits(packet));
    if (found) {
      waiting.delete(found);
      return found.resolve(packet);
    }
    if (packet.cmd !== "publish") return;
    if (packet.qos === 1) link.send({ cmd: "puback", messageId: packet.messageId } as Packet);
    hear(packet.topic, Buffer.from(packet.payload));
  };
  const hear = (topic: string, payload: Buffer): void => {
    const [, method, request] = /^\$iothub\/methods\/POST\/([^/]+)\/\?\$rid=(.*)$/.exec(topic) ?? [];
    if (method !== undefined && request !== undefined) methods.put({ method, request, payload });
    else if (topic.startsWith("$iothub/twin/PATCH/")) desired.put(JSON.parse(payload.toString()));
    else if (topic.startsWith("devices/")) messages.put({ properties: bagOf(topic.split("/").at(-1) ?? ""), payload });
  };
  const link: MemoryLink = connectInMemory(deps.server(), deps, { onPacket, onClosed: (how) => closed(how) });

  const twin = async (topic: string, payload: string): Promise<HubAnswer> => {
    const rid = String(nextId++);
    const isMine = (packet: Packet): boolean =>
      packet.cmd === "publish" &&
      packet.topic.startsWith("$iothub/twin/res/") &&
      query(packet.topic).get("$rid") === rid;
    const packet = await ask("twin", isMine, publish(`$iothub/twin/${topic}/?$rid=${rid}`, payload));
    if (packet.cmd !== "publish") throw new Error("not a twin answer");
    const version = query(packet.topic).get("$version");
    const text = packet.payload.toString();
    return {
      status: Number(packet.topic.split("/")[3]),
      ...(version !== null && { version: Number(version) }),
      body: text === "" ? null : (JSON.parse(text) as unknown),
    };
  };

  const seam: HubConnection = {
    send: async ({ properties, payload }) => {
      const messageId = ++nextId;
      const bag = Object.entries(properties).map((pair) => pair.map(encodeURIComponent).join("="));
      const topic = `devices/${options.device}/messages/events/${bag.join("&")}`;
      const packet = { ...publish(topic, Buffer.from(payload)), qos: 1, messageId } as Packet;
      await ask("send", (answer) => answer.cmd === "puback" && answer.messageId === messageId, packet);
    },
    getTwin: () => twin("GET", ""),
    report: (patch) => twin("PATCH/properties/reported", JSON.stringify(patch)),
    onDesired: (listener) => desired.listen(listener),
    onMethod: (listener) => methods.listen(listener),
    answer: async (request, status, payload) => {
      await Promise.resolve();
      link.send(publish(`$iothub/methods/res/${status}/?$rid=${request}`, JSON.stringify(payload)));
    },
    onMessage: (listener) => messages.listen(listener),
    onClosed: (listener) => {
      if (closedBecause !== undefined) listener(closedBecause);
      else closedListeners.push(listener);
    },
    ping: async () => {
      pings++;
      await ask("ping", ({ cmd }) => cmd === "pingresp", { cmd: "pingreq" });
    },
    use: () => ({ bytes: 0, pings, isResumed: false }),
    close: async () => {
      await Promise.resolve();
      if (closedBecause === undefined) link.send({ cmd: "disconnect" });
      deps.timers.after(1, () => link.close());
      closed("closed by us");
    },
  };
  return { seam, ask };
}

const publish = (topic: string, payload: string | Buffer): Packet => ({
  cmd: "publish",
  topic,
  payload,
  qos: 0,
  dup: false,
  retain: false,
});

const query = (topic: string): URLSearchParams => new URLSearchParams(topic.split("?")[1]);

const bagOf = (bag: string): Record<string, string> =>
  Object.fromEntries(
    bag
      .split("&")
      .filter((pair) => pair !== "")
      .map((pair) => {
        const [key = "", value = ""] = pair.split("=").map(decodeURIComponent);
        return [key, value] as const;
      }),
  );

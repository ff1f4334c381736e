/**
 * The agent's MQTT seam on a cloud's packets, in memory: CONNECT to PUBACK as over TLS, without sockets and on a
 * simulated clock, so that months of a station's connection run in seconds. Bytes are counted as TLS 1.3 would send them.
 */
import { CloudError } from "@pump-station/agent/cloud/cloud.ts";
import { CONNECT_TIMEOUT_MS } from "@pump-station/agent/limits.ts";
import type { MqttClients, MqttConnection, MqttOptions, Timers } from "@pump-station/agent/world.ts";
import { generate, type IConnackPacket, type Packet } from "mqtt-packet";
import type { PacketLink, PacketReceiver } from "./azure/link.ts";

export interface MemoryClientsDeps {
  readonly timers: Timers;
  /** A way in, as a listener would give it; undefined: nobody listens. */
  readonly accept: (link: PacketLink, options: MqttOptions) => PacketReceiver | undefined;
}

/** RFC 8446 §5.2: header, content type and tag of each record. */
const RECORD_BYTES = 22;
/** A handshake with client certificates, both ways. */
const HANDSHAKE_BYTES = 4_253;

export const createMemoryClients = (deps: MemoryClientsDeps): MqttClients => ({
  connect: async (options, signal) => {
    await Promise.resolve();
    signal.throwIfAborted();
    const end = createEnd(deps, options);
    await end.open(signal);
    return end.connection;
  },
});

interface End {
  open(signal: AbortSignal): Promise<void>;
  readonly connection: MqttConnection;
}

function createEnd({ timers, accept }: MemoryClientsDeps, options: MqttOptions): End {
  const messageListeners: ((topic: string, payload: Uint8Array) => void)[] = [];
  const closedListeners: ((reason: string) => void)[] = [];
  /** What waits for a packet: by its name and identifier. */
  const waiting = new Map<
    string,
    { readonly resolve: (packet: Packet) => void; readonly fail: (error: Error) => void }
  >();
  let closedBecause: string | undefined;
  let bytes = HANDSHAKE_BYTES;
  let pings = 0;
  let nextId = 0;

  const closed = (reason: string): void => {
    if (closedBecause !== undefined) return;
    closedBecause = reason;
    for (const { fail } of [...waiting.values()]) fail(new CloudError("reconnect", `connection closed: ${reason}`));
    for (const listener of closedListeners) listener(reason);
  };

  /** In later microtasks, in order, as on a socket. */
  const link: PacketLink = {
    send: (packet) => queueMicrotask(() => receive(packet)),
    cut: () => queueMicrotask(() => closed("connection reset")),
    close: () => queueMicrotask(() => closed("the broker closed the connection")),
  };

  const receive = (packet: Packet): void => {
    if (closedBecause !== undefined) return;
    bytes += generate(packet).length + RECORD_BYTES;
    if (packet.cmd !== "publish") return waiting.get(`${packet.cmd} ${packet.messageId ?? ""}`)?.resolve(packet);
    if (packet.qos === 1) send({ cmd: "puback", messageId: packet.messageId ?? 0 });
    const payload = Uint8Array.from(Buffer.from(packet.payload));
    for (const listener of messageListeners) listener(packet.topic, payload);
  };

  const receiver = accept(link, options);

  const send = (packet: Packet): void => {
    bytes += generate(packet).length + RECORD_BYTES;
    queueMicrotask(() => closedBecause === undefined && receiver?.onPacket(packet));
  };

  const answered = (name: string, what: string, deadlineMs: number): Promise<Packet> =>
    new Promise((resolve, reject) => {
      if (closedBecause !== undefined)
        return reject(new CloudError("reconnect", `${what}: connection closed: ${closedBecause}`));
      const settle = (act: () => void): void => {
        cancel();
        waiting.delete(name);
        act();
      };
      const fail = (error: Error): void => settle(() => reject(error));
      const cancel = timers.after(deadlineMs, () =>
        fail(new CloudError("reconnect", `${what}: not acknowledged within ${deadlineMs} ms`)),
      );
      waiting.set(name, { resolve: (packet) => settle(() => resolve(packet)), fail });
    });

  const open = async (what: string): Promise<void> => {
    await Promise.resolve();
    if (closedBecause !== undefined) throw new CloudError("reconnect", `${what}: connection closed: ${closedBecause}`);
  };

  const freshId = (): number => {
    nextId = (nextId % 65_535) + 1;
    return nextId;
  };

  const hangUp = (reason: string): void => {
    closed(reason);
    receiver?.onClosed();
  };

  const connection: MqttConnection = {
    publish: async (topic, payload, { retain = false, deadlineMs }) => {
      await open(`publish to ${topic}`);
      const messageId = freshId();
      const acknowledged = answered(`puback ${messageId}`, `publish to ${topic}`, deadlineMs);
      send({ cmd: "publish", topic, payload: Buffer.from(payload), qos: 1, retain, dup: false, messageId });
      await acknowledged;
    },
    subscribe: async (filters) => {
      await open("subscribe");
      const messageId = freshId();
      const granted = answered(`suback ${messageId}`, "subscribe", CONNECT_TIMEOUT_MS);
      send({ cmd: "subscribe", messageId, subscriptions: filters.map((topic) => ({ topic, qos: 1 })) });
      const packet = await granted;
      if (packet.cmd === "suback" && packet.granted.some((code) => code === 128))
        throw new CloudError("reprovision", `subscribe to ${filters.join(", ")}: refused`);
    },
    onMessage: (listener) => messageListeners.push(listener),
    onClosed: (listener) => {
      if (closedBecause !== undefined) listener(closedBecause);
      else closedListeners.push(listener);
    },
    ping: async (deadlineMs) => {
      await open("ping");
      pings++;
      const pong = answered("pingresp ", "ping", deadlineMs);
      send({ cmd: "pingreq" });
      await pong;
    },
    use: () => ({ bytes, pings, isResumed: false }),
    close: async () => {
      if (closedBecause !== undefined) return;
      receiver?.onPacket({ cmd: "disconnect" });
      hangUp("closed by us");
    },
  };

  return {
    connection,
    open: async (signal) => {
      if (!receiver) throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      const connack = answered("connack ", `connect to ${options.url}`, options.connectTimeoutMs);
      send(connectPacket(options));
      const packet = (await connack.catch((error: unknown) => {
        hangUp("no CONNACK");
        throw new Error(error instanceof Error ? error.message : String(error), { cause: error });
      })) as IConnackPacket;
      if (packet.returnCode !== 0) {
        hangUp("refused");
        throw Object.assign(new Error(`Connection refused: return code ${packet.returnCode}`), { code: "refused" });
      }
      if (!signal.aborted) return;
      hangUp("aborted");
      signal.throwIfAborted();
    },
  };
}

const connectPacket = ({ clientId, username, password, keepAliveS, will }: MqttOptions): Packet => ({
  cmd: "connect",
  protocolId: "MQTT",
  protocolVersion: 4,
  clean: true,
  clientId,
  keepalive: keepAliveS,
  ...(username !== undefined && { username }),
  ...(password && { password: Buffer.from(password.reveal()) }),
  ...(will && { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: will.retain } }),
});

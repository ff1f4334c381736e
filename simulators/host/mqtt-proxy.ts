/**
 * A broker's bad day, between stations and the bridge: TLS on both sides, MQTT packets in between, each handed to
 * somebody who says what becomes of it. What isn't a PUBLISH or a lost PUBACK passes as it came.
 */
import { connect, createServer, type TLSSocket } from "node:tls";
import { generate, type IPublishPacket, type Packet, parser } from "mqtt-packet";

export interface ProxyOptions {
  readonly cert: string;
  readonly key: string;
  /** Who signs the bridge's certificate. */
  readonly ca: string;
  readonly port: number;
  readonly bridgePort: number;
}

/** A message with acknowledgement, from the station ("up") or to it. */
export interface Passing {
  readonly way: "up" | "down";
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface ProxyJudge {
  /** "swallow": acknowledged to its sender and thrown away. "double": delivered twice. */
  onMessage(message: Passing): "pass" | "swallow" | "double";
  /** The acknowledgement of a station's message on its way to it; "lose": the connection breaks instead. */
  onAcknowledgement(topic: string): "pass" | "lose";
}

/** Listens on loopback until the returned function is called. */
export async function startMqttProxy(options: ProxyOptions, judge: ProxyJudge): Promise<() => Promise<void>> {
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert: options.cert, key: options.key }, (station) => {
    const bridge = connect({ host: "127.0.0.1", port: options.bridgePort, ca: options.ca });
    for (const socket of [station, bridge]) {
      sockets.add(socket);
      // The other end of a killed process; that it closes is all that matters.
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        station.destroy();
        bridge.destroy();
      });
    }
    join(station, bridge, judge);
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}

function join(station: TLSSocket, bridge: TLSSocket, judge: ProxyJudge): void {
  const down = copies();
  const up = copies();
  const topics = new Map<number, string>();
  pipe(station, (packet) => {
    if (packet.cmd === "puback" && down.isOurs(packet.messageId)) return;
    const message = withAcknowledgement(packet);
    const verdict = message ? judge.onMessage({ way: "up", ...contentOf(message) }) : "pass";
    if (message && verdict === "swallow") {
      send(station, { cmd: "puback", messageId: message.messageId ?? 0 });
      return;
    }
    if (message) topics.set(message.messageId ?? 0, message.topic);
    send(bridge, packet);
    if (message && verdict === "double") send(bridge, up.copyOf(message));
  });
  pipe(bridge, (packet) => {
    if (packet.cmd === "puback") {
      if (up.isOurs(packet.messageId)) return;
      const topic = topics.get(packet.messageId ?? 0) ?? "";
      topics.delete(packet.messageId ?? 0);
      if (judge.onAcknowledgement(topic) === "lose") return void station.destroy();
    }
    const message = withAcknowledgement(packet);
    const verdict = message ? judge.onMessage({ way: "down", ...contentOf(message) }) : "pass";
    send(station, packet);
    if (message && verdict === "double") send(station, down.copyOf(message));
  });
}

function pipe(from: TLSSocket, onPacket: (packet: Packet) => void): void {
  const packets = parser({ protocolVersion: 4 });
  packets.on("packet", onPacket);
  // Bytes that are no MQTT: neither end sends any, so the proof itself would be wrong.
  packets.on("error", (error: Error) => from.destroy(error));
  from.on("data", (bytes: Buffer) => packets.parse(bytes));
}

const send = (to: TLSSocket, packet: Packet): void => void (to.writable && to.write(generate(packet)));

const withAcknowledgement = (packet: Packet): IPublishPacket | undefined =>
  packet.cmd === "publish" && packet.qos === 1 ? packet : undefined;

const contentOf = ({ topic, payload }: IPublishPacket) => ({
  topic,
  payload: typeof payload === "string" ? Buffer.from(payload) : payload,
});

/** Second deliveries get a number of their own, since their acknowledgement must not pass for the first one's. */
function copies() {
  const ours = new Set<number>();
  return {
    copyOf: (packet: IPublishPacket): IPublishPacket => {
      const messageId = (((packet.messageId ?? 0) + 32_768) % 65_535) + 1;
      ours.add(messageId);
      return { ...packet, messageId, dup: true };
    },
    isOurs: (messageId: number | undefined): boolean => messageId !== undefined && ours.delete(messageId),
  };
}

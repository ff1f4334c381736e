/**
 * A broker's front on a bad day, at packet level: stations connect to it in MQTT 3.1.1 or 5, behind it stands a real
 * broker that speaks 3.1.1. What faults don't touch passes as it came; what only MQTT 5 can say is said to who speaks it.
 */
import type { Timers } from "@pump-station/agent/world.ts";
import { generate, type IConnackPacket, type IPublishPacket, type Packet } from "mqtt-packet";
import type { PacketLink, PacketReceiver, PacketServer } from "../azure/link.ts";
import { type MqttFaults, takeOne } from "./faults.ts";

/** One connection to the broker behind. */
export interface BrokerEnd {
  send(packet: Packet): void;
  /** Without DISCONNECT. */
  end(): void;
}

export interface MqttFrontDeps {
  readonly timers: Timers;
  readonly faults: MqttFaults;
  readonly reach: (onPacket: (packet: Packet) => void, onClosed: () => void) => BrokerEnd;
}

export interface MqttFront extends PacketServer {
  /** Nothing passes any more on the links that there are, either way, and nobody is told. */
  freeze(): void;
  /** The links that there are break. */
  cut(): void;
  /** The broker ends them: a DISCONNECT with that reason, where there are such words. */
  hangUp(reasonCode: number): void;
}

interface Station {
  readonly link: PacketLink;
  version: number;
  isSilent: boolean;
}

const QUOTA_EXCEEDED = 0x97;
const PACKET_TOO_LARGE = 0x95;
/** MQTT 5 §3.2.2.2 for each return code of 3.1.1. */
const REASONS: Readonly<Record<number, number>> = { 0: 0, 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 };

export function createMqttFront(deps: MqttFrontDeps): MqttFront {
  const stations = new Set<Station>();
  return {
    isMqtt5Spoken: true,
    accept: (link) => {
      const station: Station = { link, version: 4, isSilent: false };
      stations.add(station);
      return receiverOf(deps, station, () => stations.delete(station));
    },
    freeze: () => {
      for (const station of stations) station.isSilent = true;
    },
    cut: () => {
      for (const { link } of stations) link.cut();
    },
    hangUp: (reasonCode) => {
      for (const station of stations) hangUp(station, reasonCode);
    },
  };
}

function hangUp({ link, version, isSilent }: Station, reasonCode: number): void {
  if (version === 5 && !isSilent) link.send({ cmd: "disconnect", reasonCode });
  link.close();
}

function receiverOf(deps: MqttFrontDeps, station: Station, onGone: () => void): PacketReceiver {
  const { faults, timers } = deps;
  const { link } = station;
  /** Second copies, by their identifiers: their acknowledgements are nobody's business. */
  const [ourCopiesUp, ourCopiesDown] = [new Set<number>(), new Set<number>()];
  const unacknowledged = new Set<number>();
  const acknowledgedTwice = new Set<number>();
  let isOver = false;

  const tell = (packet: Packet): void => {
    if (!station.isSilent && !isOver) link.send(packet);
  };

  const onMessageUp = (packet: IPublishPacket): void => {
    const id = packet.messageId ?? 0;
    if (faults.hangUpWith !== undefined) {
      const reason = faults.hangUpWith;
      faults.hangUpWith = undefined;
      return hangUp(station, reason);
    }
    if (generate(packet, { protocolVersion: station.version }).length > faults.packetBytesMax)
      return hangUp(station, PACKET_TOO_LARGE);
    const isThrottled =
      (isTwinRequest(packet) && takeOne(faults, "throttleRequests")) ||
      (isMessage(packet) && takeOne(faults, "throttleMessages"));
    if (isThrottled) {
      if (station.version !== 5) return hangUp(station, QUOTA_EXCEEDED);
      return tell({ cmd: "puback", messageId: id, reasonCode: QUOTA_EXCEEDED });
    }
    if (isMessage(packet) && takeOne(faults, "loseAcknowledgements")) unacknowledged.add(id);
    broker.send(plain(packet));
    if (!isMessage(packet) || !takeOne(faults, "acknowledgeTwice")) return;
    acknowledgedTwice.add(id);
    const copy = copyOf(packet);
    ourCopiesUp.add(copy.messageId ?? 0);
    broker.send(plain(copy));
  };

  const onAcknowledged = (packet: Packet): void => {
    const id = packet.messageId ?? 0;
    if (ourCopiesUp.delete(id) || unacknowledged.delete(id)) return;
    const times = acknowledgedTwice.delete(id) ? 2 : 1;
    const acknowledge = (): void => {
      for (let n = 0; n < times; n++) tell(packet);
    };
    if (faults.delayAcknowledgementsMs === 0) acknowledge();
    else timers.after(faults.delayAcknowledgementsMs, acknowledge);
  };

  const onMessageDown = (packet: IPublishPacket): void => {
    if (takeOne(faults, "cutMidMessage")) return link.cut(packet);
    if (station.version === 5 && takeOne(faults, "unknownAlias"))
      return tell({ ...packet, topic: "", properties: { topicAlias: 7 } });
    tell(packet);
    if (packet.qos === 0 || !takeOne(faults, "deliverTwice")) return;
    const copy = copyOf(packet);
    ourCopiesDown.add(copy.messageId ?? 0);
    tell(copy);
  };

  const broker = deps.reach(
    (packet) => {
      if (packet.cmd === "connack") tell(connackFor(station, packet, faults));
      else if (packet.cmd === "puback") onAcknowledged(packet);
      else if (packet.cmd === "publish") onMessageDown(packet);
      else tell(packet);
    },
    () => {
      if (!station.isSilent && !isOver) link.close();
    },
  );

  return {
    onPacket: (packet) => {
      if (station.isSilent) return;
      if (packet.cmd === "connect") {
        station.version = packet.protocolVersion ?? 4;
        if (faults.refuseConnect === undefined) return broker.send(plain(packet));
        const [returnCode, reasonCode] = [faults.refuseConnect, faults.refuseConnect];
        tell({ cmd: "connack", returnCode, reasonCode, sessionPresent: false });
        return link.close();
      }
      if (packet.cmd === "publish" && packet.qos === 1) onMessageUp(packet);
      else if (packet.cmd !== "puback" || !ourCopiesDown.delete(packet.messageId ?? 0)) broker.send(plain(packet));
    },
    onClosed: () => {
      isOver = true;
      onGone();
      broker.end();
    },
    onNonsense: () => link.close(),
  };
}

function connackFor({ version }: Station, packet: IConnackPacket, faults: MqttFaults): Packet {
  if (version !== 5) return packet;
  return {
    cmd: "connack",
    sessionPresent: false,
    reasonCode: REASONS[packet.returnCode ?? 0] ?? 0x80,
    properties: { topicAliasMaximum: 10, ...(faults.isBoundTold && { maximumPacketSize: faults.packetBytesMax }) },
  };
}

/** As 3.1.1 says it: without properties and reasons. */
function plain(packet: Packet): Packet {
  const isOfV5 = (name: string): boolean => name === "properties" || name === "reasonCode";
  const rest = Object.fromEntries(Object.entries(packet).filter(([name]) => !isOfV5(name))) as unknown as Packet;
  if (rest.cmd !== "connect") return rest;
  const { will, ...connect } = rest;
  const farewell = will && {
    topic: will.topic,
    payload: will.payload,
    qos: will.qos ?? 1,
    retain: will.retain ?? false,
  };
  return { ...connect, protocolVersion: 4, ...(farewell && { will: farewell }) };
}

/** Second deliveries get an identifier of their own, since their acknowledgement must not pass for the first one's. */
const copyOf = (packet: IPublishPacket): IPublishPacket => ({
  ...packet,
  messageId: (((packet.messageId ?? 0) + 32_768) % 65_535) + 1,
  dup: true,
});

/** ps/1/{station}/twin/get/{rid} */
const isTwinRequest = ({ topic }: IPublishPacket): boolean => topic.split("/")[3] === "twin";
const isMessage = ({ topic }: IPublishPacket): boolean => /^(urgent|normal|late)$/.test(topic.split("/")[3] ?? "");

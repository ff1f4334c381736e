/** What goes both ways once a device is connected: each operation once, or as a fault says. */
import type { IPublishPacket, ISubscribePacket, Packet } from "mqtt-packet";
import type { Admitted } from "./authentication.ts";
import type { FaultAction, Operation } from "./faults.ts";
import { SUBSCRIPTIONS_MAX } from "./limits.ts";
import { type Incoming, incomingOf } from "./operations.ts";
import type { Answer, HubParts, OpenConnection } from "./parts.ts";
import { formatBag } from "./property-bag.ts";
import { deviceBoundTopic, type Feed, feedOf } from "./topics.ts";

/** The connection below. */
interface Lower {
  readonly admitted: Admitted;
  send(packet: Packet): void;
  cut(reason: string, packet?: Packet): void;
  end(reason: string, how?: "fin" | "reset"): void;
  goSilent(): void;
  later(ms: number, run: () => void): void;
  isOpen(): boolean;
}

export interface Session extends OpenConnection {
  readonly admitted: Admitted;
  onPacket(packet: Packet): void;
  /** A session that was kept: what waits is sent. */
  resume(): void;
  close(): void;
}

const FEED_OF = { desired: "desired", method: "methods" } as const satisfies Record<string, Feed>;

export function createSession(hub: HubParts, lower: Lower): Session {
  const { admitted } = lower;
  const { device } = admitted;
  const { subscriptions, mailbox } = device;
  /** Cloud-to-device messages on their way, by packet id. */
  const inFlight = new Map<number, string>();
  let lastPacketId = 0;
  const nextPacketId = (): number => {
    lastPacketId = (lastPacketId % 65_535) + 1;
    return lastPacketId;
  };
  const takeFault = (on: Operation): FaultAction | undefined => {
    const fault = hub.faults.take(on, device.id);
    if (fault) hub.events.add(device.id, { kind: "fault", on, does: fault.do });
    return fault;
  };

  const answer = (packets: Answer): void => {
    for (const packet of packets) lower.send(packet);
  };
  const perform = (incoming: Incoming): void => {
    const fault = takeFault(incoming.on);
    if (fault) applyFault(fault, incoming);
    else pass(incoming);
  };
  /** Throttles and quotas are asked after the faults, so that a fault strikes whatever the rate. */
  const pass = (incoming: Incoming): void => {
    const verdict = hub.gate.pass(device.id, incoming.on, incoming.bytes);
    if (verdict.go === "now") return answer(incoming.carryOut());
    if (verdict.go === "later") return lower.later(verdict.ms, () => answer(incoming.carryOut()));
    if (verdict.go === "close") return lower.end(verdict.reason);
    refuse(incoming, verdict.status, "json", verdict.reason);
  };
  const refuse = (incoming: Incoming, status: number, body: "json" | "empty", reason: string): void => {
    const packets = incoming.refuse(status, body, reason);
    if (packets) answer(packets);
    else lower.end(reason);
  };
  const applyFault = (fault: FaultAction, incoming: Incoming): void => {
    switch (fault.do) {
      case "lose":
        return;
      case "lose-answer":
        return void incoming.carryOut();
      case "twice": {
        const [first, second] = [incoming.carryOut(), incoming.carryOut()];
        answer(first);
        // One PUBACK for a message that is stored two times: nobody on the device's side can tell.
        if (incoming.on !== "telemetry") answer(second);
        return;
      }
      case "delay":
        return lower.later(fault.ms, () => pass(incoming));
      case "refuse":
        return refuse(incoming, fault.status, fault.body ?? "json", "refused on purpose");
      case "cut": {
        const packets = fault.when === "before" ? [] : incoming.carryOut();
        if (fault.when === "middle") answer(packets.slice(0, -1));
        return lower.cut("cut on purpose", fault.when === "middle" ? packets.at(-1) : undefined);
      }
      case "silent":
        return lower.goSilent();
    }
  };

  const dispatch = (on: Operation, packet: IPublishPacket): void => {
    const fault = takeFault(on);
    switch (fault?.do) {
      case "lose":
      case "refuse":
        return;
      case "twice":
        lower.send(packet);
        return lower.send({ ...packet, dup: packet.qos > 0 });
      case "delay":
        return lower.later(fault.ms, () => lower.send(packet));
      case "cut":
        return lower.cut("cut on purpose", fault.when === "middle" ? packet : undefined);
      case "silent":
        return lower.goSilent();
      default:
        return lower.send(packet);
    }
  };
  const publishPacket = (topic: string, payload: Uint8Array, qos: 0 | 1): IPublishPacket => ({
    cmd: "publish",
    topic,
    payload: Buffer.from(payload),
    qos,
    dup: false,
    retain: false,
    ...(qos > 0 && { messageId: nextPacketId() }),
  });

  const deliverMail = (): void => {
    const qos = subscriptions.get("cloud-to-device");
    if (qos === undefined) return;
    for (let mail = mailbox.take(); mail && lower.isOpen(); mail = mailbox.take()) {
      hub.events.add(device.id, { kind: "cloud-to-device", messageId: mail.messageId, outcome: "sent" });
      const packet = publishPacket(deviceBoundTopic(device.id, formatBag(mail)), mail.payload, qos);
      if (packet.messageId !== undefined) inFlight.set(packet.messageId, mail.messageId);
      dispatch("cloud-to-device", packet);
      // QoS 0 has no acknowledgement: sent is all there is.
      if (qos === 0) mailbox.complete(mail.messageId);
    }
  };
  const subscribe = ({ subscriptions: wanted, messageId = 0 }: ISubscribePacket): void => {
    const granted = wanted.map(({ topic, qos }) => {
      const feed = feedOf(topic, device.id);
      return { feed, code: feed === undefined ? 0x80 : Math.min(qos, 1) };
    });
    const all = new Set([...subscriptions.keys(), ...granted.map(({ feed }, index) => feed ?? `unknown ${index}`)]);
    if (all.size > SUBSCRIPTIONS_MAX) return lower.end(`more than ${SUBSCRIPTIONS_MAX} subscriptions`);
    perform({
      on: "subscribe",
      bytes: 0,
      carryOut: () => {
        for (const { feed, code } of granted) if (feed) subscriptions.set(feed, code === 0 ? 0 : 1);
        hub.events.add(device.id, { kind: "subscribed", feeds: [...subscriptions.keys()] });
        // What waits may go out once the answer has: after this turn.
        lower.later(0, resume);
        return [{ cmd: "suback", messageId, granted: granted.map(({ code }) => code) }];
      },
      refuse: () => [{ cmd: "suback", messageId, granted: granted.map(() => 0x80) }],
    });
  };
  const resume = (): void => {
    if (!lower.isOpen()) return;
    deliverMail();
    if (subscriptions.has("methods")) hub.methods.deviceListens(device.id);
  };

  const onPublish = (packet: IPublishPacket): void => {
    if (packet.qos === 2) return lower.end("QoS 2");
    const incoming = incomingOf(hub, admitted, packet);
    if (typeof incoming === "string") return lower.end(incoming);
    perform(incoming);
  };
  const onPacket = (packet: Packet): void => {
    device.lastActivityMs = hub.nowMs();
    switch (packet.cmd) {
      case "publish":
        return onPublish(packet);
      case "subscribe":
        return subscribe(packet);
      case "unsubscribe": {
        for (const filter of packet.unsubscriptions) {
          const feed = feedOf(filter, device.id);
          if (feed) subscriptions.delete(feed);
        }
        return lower.send({ cmd: "unsuback", messageId: packet.messageId ?? 0, granted: [] });
      }
      case "pingreq":
        return perform({ on: "ping", bytes: 0, carryOut: () => [{ cmd: "pingresp" }], refuse: () => undefined });
      case "puback": {
        const mail = inFlight.get(packet.messageId ?? 0);
        inFlight.delete(packet.messageId ?? 0);
        if (mail !== undefined) mailbox.complete(mail);
        return;
      }
      default:
        return lower.end(`a device does not send ${packet.cmd}`);
    }
  };

  return {
    device,
    admitted,
    sinceMs: hub.nowMs(),
    onPacket,
    resume,
    deliverMail,
    deliver: (on, topic, payload) => {
      const qos = subscriptions.get(FEED_OF[on]);
      if (qos === undefined || !lower.isOpen()) return false;
      dispatch(on, publishPacket(topic, payload, qos));
      return true;
    },
    end: (reason, how) => lower.end(reason, how),
    goSilent: () => lower.goSilent(),
    close: () => mailbox.abandon(),
  };
}

/**
 * The message broker of AWS IoT Core as a state machine: packets in, packets out, one connection per client id. MQTT
 * 3.1.1 with QoS 0 and 1; whatever isn't allowed ends the connection without a word, as the service does.
 */
import type { Clock, Timers } from "@pump-station/agent/world.ts";
import type { IConnectPacket, IPublishPacket, ISubscribePacket, Packet } from "mqtt-packet";
import type { PacketLink, PacketReceiver } from "../azure/link.ts";
import type { EventLog } from "./events.ts";
import { type Faults, takeOne } from "./faults.ts";
import {
  CLIENT_ID_BYTES_MAX,
  FILTERS_PER_SUBSCRIBE_MAX,
  KEEP_ALIVE_PATIENCE,
  KEEP_ALIVE_S_MAX,
  KEEP_ALIVE_S_MIN,
  MESSAGE_BYTES_MAX,
  PUBLISHES_PER_SECOND_MAX,
  SESSION_KEPT_MS,
  SUBSCRIPTIONS_MAX,
  TOPIC_BYTES_MAX,
  TOPIC_SLASHES_MAX,
} from "./limits.ts";
import { type Meter, unitsOf } from "./metering.ts";
import { type Policy, type Principal, policyFor } from "./policy.ts";
import { createSession, type Session } from "./session.ts";

export interface Broker {
  /** `principal`: whose certificate it is; undefined: nobody's. */
  readonly accept: (link: PacketLink, principal: Principal) => PacketReceiver;
  /** To whoever has subscribed. */
  publish(topic: string, payload: Uint8Array, retain?: boolean): void;
  /** To that client alone, subscribed or not. */
  answer(clientId: string, topic: string, payload: Uint8Array, options?: { readonly isSubscribedOnly: boolean }): void;
  /** The link breaks without a goodbye. */
  cut(clientId: string, reason: string): void;
  /** The link stays, and carries nothing any more, either way. */
  freeze(clientId: string): void;
  /** As after the hour for which a persistent session is kept. */
  forgetSession(clientId: string): void;
  readonly connected: readonly string[];
}

export interface BrokerDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly faults: Faults;
  readonly meter: Meter;
  readonly events: EventLog;
  /** A thing has published, and it was allowed to. False: it isn't acknowledged (throttled). */
  readonly onPublish: (thing: string, topic: string, payload: Uint8Array, clientId: string) => boolean;
  /** With which templates a thing may ask for its next certificate. */
  readonly renewals: () => readonly string[];
}

interface Connection {
  readonly session: Session;
  readonly thing: string;
  readonly policy: Policy;
  readonly link: PacketLink;
  isFrozen: boolean;
  readonly keepAliveMs: number;
  readonly will: IConnectPacket["will"];
  cancelSilence: () => void;
  /** PUBLISH packets in the second that began then. */
  second: { atMs: number; count: number };
}

export function createBroker(deps: BrokerDeps): Broker {
  const { clock, timers, faults, meter, events } = deps;
  const sessions = new Map<string, Session>();
  const connections = new Map<string, Connection>();
  const retained = new Map<string, Uint8Array>();
  const cancelForgetting = new Map<string, () => void>();

  const publish = (topic: string, payload: Uint8Array, retain = false): void => {
    if (retain && payload.length === 0) retained.delete(topic);
    else if (retain) retained.set(topic, payload);
    for (const session of sessions.values()) session.deliver(topic, payload);
  };

  const forgetSession = (clientId: string): void => {
    cancelForgetting.get(clientId)?.();
    cancelForgetting.delete(clientId);
    const connection = connections.get(clientId);
    sessions.delete(clientId);
    if (connection) end(connection, "the session was forgotten", true);
  };

  /** `isBroken`: without DISCONNECT, so the will is sent. */
  const end = (connection: Connection, reason: string, isBroken: boolean): void => {
    const { session, thing, policy, will, link } = connection;
    if (connections.get(session.clientId) !== connection) return;
    connections.delete(session.clientId);
    connection.cancelSilence();
    session.link = undefined;
    if (session.isClean) sessions.delete(session.clientId);
    else if (sessions.has(session.clientId)) {
      cancelForgetting.set(
        session.clientId,
        timers.after(SESSION_KEPT_MS, () => sessions.delete(session.clientId)),
      );
    }
    events.add({ kind: "disconnected", thing, reason });
    if (!connection.isFrozen && isBroken) link.cut();
    else if (!connection.isFrozen) link.close();
    if (!isBroken || !will || !policy.isAllowed(will.topic)) return;
    const payload = Buffer.from(will.payload);
    events.add({ kind: "message", thing, topic: will.topic, payload });
    // A will on a reserved topic reaches subscribers, not the shadow service (developer guide, "Detecting a device").
    if (!will.topic.startsWith("$")) deps.onPublish(thing, will.topic, payload, session.clientId);
    publish(will.topic, payload, will.retain ?? false);
  };

  const heard = (connection: Connection): void => {
    connection.cancelSilence();
    if (connection.keepAliveMs === 0) return;
    connection.cancelSilence = timers.after(connection.keepAliveMs * KEEP_ALIVE_PATIENCE, () =>
      end(connection, "silent for longer than the keep-alive", true),
    );
  };

  const connect = (link: PacketLink, principal: Principal, packet: IConnectPacket): Connection | undefined => {
    const { clientId, clean = true, keepalive = 0, will } = packet;
    const policy = policyFor(principal, clientId, deps.renewals());
    const code = connectRefusal(packet, policy) ?? faults.refuseConnect;
    meter.messages++;
    if (code !== undefined || policy === undefined) {
      const who = typeof principal === "string" ? principal : principal?.claim;
      events.add({ kind: "refused", thing: who, reason: `CONNECT of "${clientId}": return code ${code ?? 5}` });
      link.send({ cmd: "connack", returnCode: code ?? 5, sessionPresent: false });
      link.close();
      return undefined;
    }
    const { name: thing } = policy;
    const older = connections.get(clientId);
    if (older) end(older, "another connection with the same client id", true);
    cancelForgetting.get(clientId)?.();
    cancelForgetting.delete(clientId);
    const kept = clean ? undefined : sessions.get(clientId);
    const session = kept ?? createSession(deps, { clientId, isClean: clean });
    sessions.set(clientId, session);
    session.link = link;
    const connection: Connection = {
      session,
      thing,
      policy,
      link,
      isFrozen: false,
      keepAliveMs: keepAliveOf(keepalive) * 1000,
      will,
      cancelSilence: () => undefined,
      second: { atMs: 0, count: 0 },
    };
    connections.set(clientId, connection);
    events.add({ kind: "connected", thing, clientId });
    link.send({ cmd: "connack", returnCode: 0, sessionPresent: kept !== undefined });
    heard(connection);
    session.resume();
    return connection;
  };

  const subscribe = (connection: Connection, packet: ISubscribePacket): void => {
    const { session, thing, policy, link } = connection;
    meter.messages++;
    if (packet.subscriptions.length > FILTERS_PER_SUBSCRIBE_MAX)
      return end(connection, `${packet.subscriptions.length} filters in one SUBSCRIBE`, true);
    const granted = packet.subscriptions.map(({ topic, qos }) => {
      const isRefused =
        topicProblem(topic) !== undefined || !policy.isAllowed(topic) || session.filters.size >= SUBSCRIPTIONS_MAX;
      if (isRefused) events.add({ kind: "refused", thing, reason: `subscription to ${topic}` });
      else session.filters.set(topic, qos === 0 ? 0 : 1);
      return isRefused ? 128 : qos === 0 ? 0 : 1;
    });
    link.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted });
    for (const { topic } of packet.subscriptions) {
      const payload = retained.get(topic);
      if (payload && session.filters.has(topic)) session.deliver(topic, payload, { retain: true });
    }
  };

  const take = (connection: Connection, { topic, payload, qos, retain, messageId }: IPublishPacket): void => {
    const { session, thing, policy, link } = connection;
    const bytes = Buffer.from(payload);
    const problem = topicProblem(topic) ?? (bytes.length > MESSAGE_BYTES_MAX ? `${bytes.length} bytes` : undefined);
    if (problem !== undefined) return end(connection, `publish to ${topic}: ${problem}`, true);
    if (qos === 2) return end(connection, "QoS 2", true);
    if (!policy.isAllowed(topic)) return end(connection, `publish to ${topic}: not allowed`, true);
    if (isTooFast(connection) || (!topic.startsWith("$") && takeOne(faults, "throttleMessages")))
      return events.add({ kind: "throttled", thing, topic });
    meter.messages += unitsOf(topic, bytes);
    const isTwice = takeOne(faults, "acknowledgeTwice");
    for (let n = 0; n < (isTwice ? 2 : 1); n++) events.add({ kind: "message", thing, topic, payload: bytes });
    if (!deps.onPublish(thing, topic, bytes, session.clientId)) return events.add({ kind: "throttled", thing, topic });
    publish(topic, bytes, retain);
    if (qos === 0 || takeOne(faults, "loseAcknowledgements")) return;
    const acknowledge = (): void => {
      for (let n = 0; n < (isTwice ? 2 : 1); n++) link.send({ cmd: "puback", messageId: messageId ?? 0 });
    };
    if (faults.delayAcknowledgementsMs === 0) acknowledge();
    else timers.after(faults.delayAcknowledgementsMs, () => connection.isFrozen || acknowledge());
  };

  const isTooFast = (connection: Connection): boolean => {
    const { second } = connection;
    if (clock.bootMs() - second.atMs >= 1_000) connection.second = { atMs: clock.bootMs(), count: 0 };
    return ++connection.second.count > PUBLISHES_PER_SECOND_MAX;
  };

  const onPacket = (connection: Connection, packet: Packet): void => {
    switch (packet.cmd) {
      case "publish":
        return take(connection, packet);
      case "subscribe":
        return subscribe(connection, packet);
      case "unsubscribe":
        for (const filter of packet.unsubscriptions) connection.session.filters.delete(filter);
        return connection.link.send({ cmd: "unsuback", messageId: packet.messageId ?? 0, granted: [] });
      case "puback":
        return connection.session.acknowledged(packet.messageId ?? 0);
      case "pingreq":
        return connection.link.send({ cmd: "pingresp" });
      case "disconnect":
        return end(connection, "said goodbye", false);
      default:
        return end(connection, `${packet.cmd} isn't expected`, true);
    }
  };

  return {
    accept: (link, principal) => {
      let connection: Connection | undefined;
      return {
        onPacket: (packet) => {
          if (faults.silent) return;
          if (!connection) {
            if (packet.cmd === "connect") connection = connect(link, principal, packet);
            else link.close();
          } else if (!connection.isFrozen && connections.get(connection.session.clientId) === connection) {
            heard(connection);
            onPacket(connection, packet);
          }
        },
        onClosed: () => connection && end(connection, "the link broke", true),
        onNonsense: (what) => (connection ? end(connection, `no MQTT: ${what}`, true) : link.close()),
      };
    },
    publish,
    answer: (clientId, topic, payload, { isSubscribedOnly } = { isSubscribedOnly: false }) =>
      sessions.get(clientId)?.deliver(topic, payload, { isAnswer: !isSubscribedOnly }),
    cut: (clientId, reason) => {
      const connection = connections.get(clientId);
      if (connection) end(connection, reason, true);
    },
    freeze: (clientId) => {
      const connection = connections.get(clientId);
      if (!connection) return;
      connection.isFrozen = true;
      connection.session.link = { send: () => undefined, cut: () => undefined, close: () => undefined };
    },
    forgetSession,
    get connected() {
      return [...connections.keys()];
    },
  };
}

/** MQTT 3.1.1 table 3.1; undefined: welcome. A policy lets a thing connect with its own name as client id. */
function connectRefusal({ clientId, protocolVersion }: IConnectPacket, policy: Policy | undefined): number | undefined {
  if (protocolVersion !== 4) return 1;
  if (Buffer.byteLength(clientId) > CLIENT_ID_BYTES_MAX) return 2;
  return policy ? undefined : 5;
}

const keepAliveOf = (askedS: number): number =>
  askedS === 0 ? KEEP_ALIVE_S_MAX : Math.min(Math.max(askedS, KEEP_ALIVE_S_MIN), KEEP_ALIVE_S_MAX);

/** Reserved topics have three more levels: their first ones aren't counted (quotas, "Maximum number of slashes"). */
function topicProblem(topic: string): string | undefined {
  const slashes = topic.split("/").length - 1 - (topic.startsWith("$aws/") ? 3 : 0);
  if (Buffer.byteLength(topic) > TOPIC_BYTES_MAX) return `a topic of ${Buffer.byteLength(topic)} bytes`;
  return slashes > TOPIC_SLASHES_MAX ? `${slashes} slashes in a topic` : undefined;
}

/**
 * What the broker keeps for a client id: subscriptions, and messages that wait for their acknowledgement or, while the
 * client of a persistent session is away, for the client. QoS 1 and 0; the link comes and goes.
 */

import { topicMatches } from "@pump-station/agent/wire/topic-filter.ts";
import type { Timers } from "@pump-station/agent/world.ts";
import type { PacketLink } from "../azure/link.ts";
import { type Faults, isLost, takeOne } from "./faults.ts";
import { IN_FLIGHT_MAX, QUEUED_MAX, REPLAYS_PER_SECOND_MAX } from "./limits.ts";
import { type Meter, unitsOf } from "./metering.ts";

export interface Session {
  readonly clientId: string;
  readonly isClean: boolean;
  /** Filter → QoS granted. */
  readonly filters: Map<string, 0 | 1>;
  /** undefined while the client is away. */
  link: PacketLink | undefined;
  /** `isAnswer`: to what this client has asked for; it comes without a subscription, too. */
  deliver(
    topic: string,
    payload: Uint8Array,
    options?: { readonly retain?: boolean; readonly isAnswer?: boolean },
  ): void;
  acknowledged(messageId: number): void;
  /** The client is back: what waits is sent again. */
  resume(): void;
  /** How many messages wait. */
  readonly waiting: number;
}

interface Waiting {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  messageId: number | undefined;
  isSentBefore: boolean;
}

export function createSession(
  deps: { readonly timers: Timers; readonly faults: Faults; readonly meter: Meter },
  { clientId, isClean }: { readonly clientId: string; readonly isClean: boolean },
): Session {
  const { timers, faults, meter } = deps;
  const waiting: Waiting[] = [];
  let nextId = 0;

  /** 1 to 65535, none that is in flight. */
  const freshId = (): number => {
    do nextId = (nextId % 65_535) + 1;
    while (waiting.some(({ messageId }) => messageId === nextId));
    return nextId;
  };

  const send = (message: Waiting, qos: 0 | 1): void => {
    const { link } = session;
    if (!link || faults.silent) return;
    meter.messages += unitsOf(message.topic, message.payload);
    const packet = {
      cmd: "publish" as const,
      topic: message.topic,
      payload: Buffer.from(message.payload),
      qos,
      retain: message.retain,
      dup: message.isSentBefore,
      ...(message.messageId !== undefined && { messageId: message.messageId }),
    };
    message.isSentBefore = true;
    if (takeOne(faults, "cutMidMessage")) link.cut(packet);
    else link.send(packet);
  };

  const pump = (): void => {
    if (!session.link) return;
    for (const message of waiting.slice(0, IN_FLIGHT_MAX)) {
      if (message.messageId !== undefined) continue;
      message.messageId = freshId();
      send(message, 1);
    }
  };

  const queue = (topic: string, payload: Uint8Array, retain: boolean): void => {
    waiting.push({ topic, payload, retain, messageId: undefined, isSentBefore: false });
    if (waiting.length > QUEUED_MAX) waiting.shift();
    pump();
  };

  const deliverNow = (topic: string, payload: Uint8Array, retain: boolean, qos: 0 | 1): void => {
    const times = takeOne(faults, "deliverTwice") ? 2 : 1;
    for (let n = 0; n < times; n++) {
      if (qos === 1) queue(topic, payload, retain);
      else send({ topic, payload, retain, messageId: undefined, isSentBefore: false }, 0);
    }
  };

  /** One after the other at the service's pace. */
  const replay = (messages: readonly Waiting[]): void => {
    const [first, ...rest] = messages;
    if (!first || !session.link) return;
    if (waiting.includes(first)) {
      first.messageId ??= freshId();
      send(first, 1);
    }
    timers.after(1_000 / REPLAYS_PER_SECOND_MAX, () => replay(rest));
  };

  const session: Session = {
    clientId,
    isClean,
    filters: new Map(),
    link: undefined,
    deliver: (topic, payload, { retain = false, isAnswer = false } = {}) => {
      const qos = [...session.filters].filter(([filter]) => topicMatches(filter, topic)).map(([, granted]) => granted);
      if ((qos.length === 0 && !isAnswer) || isLost(faults, topic)) return;
      const highest = qos.includes(1) ? 1 : 0;
      if (faults.delayMs === 0) return deliverNow(topic, payload, retain, highest);
      timers.after(faults.delayMs, () => deliverNow(topic, payload, retain, highest));
    },
    acknowledged: (messageId) => {
      const at = waiting.findIndex((message) => message.messageId === messageId);
      if (at >= 0) waiting.splice(at, 1);
      meter.messages++;
      pump();
    },
    resume: () => replay([...waiting]),
    get waiting() {
      return waiting.length;
    },
  };
  return session;
}

/**
 * What a station says and hears on its own topics (`wire/topics.ts`) wherever a broker lets it have some: messages and
 * the farewell up, commands and ledger down. The twin is not here: each dialect has its own.
 */
import { MESSAGE_BYTES_MAX, MESSAGE_BYTES_TARGET, PUBLISH_DEADLINE_MS } from "../limits.ts";
import { topicParts, topicsOf } from "../wire/topics.ts";
import type { Log } from "../world.ts";
import { type CloudConnection, CloudError, type Message } from "./cloud.ts";
import { createCommandDesk } from "./command-desk.ts";
import { createInbox } from "./inbox.ts";
import type { KeptConnection } from "./kept-connection.ts";

/** Saying goodbye is a courtesy; the will says the same. */
const FAREWELL_DEADLINE_MS = 2_000;
/** A message closes at its target, or with the sample that goes beyond. */
const ORDINARY_BYTES_MAX = MESSAGE_BYTES_TARGET + 1_000;
/** What may come before anybody listens. */
export const EARLY_MESSAGES_MAX = 32;
/** Goes back into a topic and into the station's state file. */
const COMMAND_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** A caller with another one is told so, on a topic that every broker takes. */
const REFUSED_ID_BYTES_MAX = 128;

export interface OwnTopics extends Pick<CloudConnection, "onCommand" | "onLedger" | "close"> {
  readonly payloadBytesMax: (message: Omit<Message, "payload">) => number;
  /** On the lane's topic. Throws CloudError. */
  readonly publish: (message: Message) => Promise<void>;
  /** False when nobody waits for it, or it is none of these topics. */
  readonly route: (path: readonly string[], payload: Uint8Array) => boolean;
}

const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

export function createOwnTopics(
  deps: { readonly mqtt: KeptConnection; readonly log: Log },
  station: string,
  /** Of a topic, where the broker has a bound of its own. */
  topicBytesMax = 65_535,
): OwnTopics {
  const { mqtt, log } = deps;
  const topics = topicsOf(station);
  const ledger = createInbox<Uint8Array>(EARLY_MESSAGES_MAX);
  const desk = createCommandDesk({
    log,
    answer: async (id, answer) => {
      try {
        await mqtt.publish(topics.commandAnswer(id), json(answer), { deadlineMs: PUBLISH_DEADLINE_MS });
      } catch (error) {
        // The link went; the caller's own deadline tells it, and a redelivered id gets the same answer.
        log("warn", "command-answer-lost", { id, status: answer.status, error: String(error) });
      }
    },
  });

  return {
    payloadBytesMax: ({ lane, properties }) => mqtt.payloadBytesMax(topics.message(lane, properties)),
    publish: async ({ lane, properties, payload }) => {
      // A sealed message is never cut differently, so splitting is no way out.
      if (payload.length > MESSAGE_BYTES_MAX) {
        throw new CloudError("drop-and-report", `publish ${payload.length} bytes: at most ${MESSAGE_BYTES_MAX}`);
      }
      const topic = topics.message(lane, properties);
      if (topic.length > topicBytesMax) {
        throw new CloudError(
          "drop-and-report",
          `publish to a topic of ${topic.length} bytes: at most ${topicBytesMax}`,
        );
      }
      // As large as messages with readings are: a broker that is set too small for them must not cost any.
      const mayWait = payload.length <= ORDINARY_BYTES_MAX;
      await mqtt.publish(topic, payload, {
        deadlineMs: PUBLISH_DEADLINE_MS,
        properties: { ...properties, lane },
        mayWait,
      });
    },
    route: ([room, what, id = "", ...others], payload) => {
      if (room === "ledger" && what === undefined) return ledger.put(payload);
      if (room !== "command" || what !== "call" || id === "" || others.length > 0) return false;
      if (COMMAND_ID.test(id)) desk.arrive(id, payload);
      else if (Buffer.byteLength(id) > REFUSED_ID_BYTES_MAX) return false;
      else desk.refuse(id, "command id: letters, digits, - and _, at most 64");
      return true;
    },
    onCommand: (listener) => desk.listen(listener),
    onLedger: (listener) => ledger.listen(listener),
    close: async () => {
      try {
        // A clean DISCONNECT discards the will, so the farewell is said in words.
        await mqtt.publish(topics.alive, json({ online: false }), { retain: true, deadlineMs: FAREWELL_DEADLINE_MS });
      } catch (error) {
        log("debug", "mqtt-farewell-lost", { error: String(error) });
      }
      await mqtt.close();
    },
  };
}

/** The levels after `ps/1/{station}`; undefined when the topic is another station's or nobody's. */
export const ownPath = (station: string, topic: string): readonly string[] | undefined => {
  const parts = topicParts(topic);
  return parts?.station === station ? parts.path : undefined;
};

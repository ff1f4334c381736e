/** One MQTT connection as a CloudConnection: routes what comes down, pairs twin requests with their replies. */
import { MESSAGE_BYTES_MAX, PUBLISH_DEADLINE_MS } from "../../limits.ts";
import { topicParts, topicsOf } from "../../wire/topics.ts";
import type { DesiredDocument, JsonObject, TwinDocuments } from "../../wire/twin-document.ts";
import type { Chance, Log, Timers } from "../../world.ts";
import { type CloudConnection, CloudError } from "../cloud.ts";
import { createCommandDesk } from "./commands.ts";
import { createInbox } from "./inbox.ts";
import type { KeptConnection } from "./kept-connection.ts";
import { desiredFrom, PayloadError, refusalFrom, reportedVersionFrom, twinFrom } from "./payloads.ts";
import { createReplies } from "./replies.ts";

/** The bridge answers from a local database; a minute covers its restart. */
const REPLY_DEADLINE_MS = 60_000;
/** Saying goodbye is a courtesy; the will says the same. */
const FAREWELL_DEADLINE_MS = 2_000;
const EARLY_MESSAGES_MAX = 32;
/** Goes back into a topic and into the station's state file. */
const COMMAND_ID = /^[A-Za-z0-9_-]{1,64}$/;

interface Deps {
  readonly mqtt: KeptConnection;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
}

const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Listens at once; the caller subscribes. */
export function createMqttCloudConnection(deps: Deps, station: string): CloudConnection {
  const { mqtt, log } = deps;
  const topics = topicsOf(station);
  const twins = createReplies<TwinDocuments>(deps);
  const reports = createReplies<number>(deps);
  const desired = createInbox<DesiredDocument>(EARLY_MESSAGES_MAX);
  const ledger = createInbox<Uint8Array>(EARLY_MESSAGES_MAX);
  const nextRid = createRids(deps.chance);
  const send = (topic: string, payload: Uint8Array, deadlineMs = PUBLISH_DEADLINE_MS): Promise<void> =>
    mqtt.publish(topic, payload, { deadlineMs });

  const desk = createCommandDesk({
    log,
    answer: async (id, answer) => {
      try {
        await send(topics.commandAnswer(id), json(answer));
      } catch (error) {
        // The link went; the caller's own deadline tells it, and a redelivered id gets the same answer.
        log("warn", "command-answer-lost", { id, status: answer.status, error: String(error) });
      }
    },
  });

  mqtt.onMessage((topic, payload) => {
    const parts = topicParts(topic);
    if (parts?.station !== station) return log("warn", "mqtt-stray-message", { topic });
    const [room = "", what = "", id = ""] = parts.path;
    try {
      if (!route(`${room}/${what}`, id, payload)) log("debug", "mqtt-message-unclaimed", { topic });
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      log("warn", "mqtt-message-malformed", { topic, bytes: payload.length, error: error.message });
    }
  });

  /** False when nobody waits for it. */
  const route = (kind: string, id: string, payload: Uint8Array): boolean => {
    switch (kind) {
      case "twin/full":
        return settle(twins, id, () => twinFrom(payload));
      case "twin/reported":
        return settle(reports, id, () => reportedVersionFrom(payload));
      case "twin/refused": {
        const error = new CloudError("drop-and-report", `twin request refused: ${refusalFrom(payload)}`);
        return twins.reject(id, error) || reports.reject(id, error);
      }
      case "twin/desired":
        return desired.put(desiredFrom(payload));
      case "command/call":
        if (!COMMAND_ID.test(id)) return false;
        desk.arrive(id, payload);
        return true;
      case "ledger/":
        return ledger.put(payload);
      default:
        return false;
    }
  };

  mqtt.onClosed((reason) => {
    const error = new CloudError("reconnect", `connection closed: ${reason}`);
    twins.rejectAll(error);
    reports.rejectAll(error);
  });

  return {
    publish: async ({ lane, properties, payload }) => {
      // A sealed message is never cut differently, so splitting is no way out.
      if (payload.length > MESSAGE_BYTES_MAX) {
        throw new CloudError("drop-and-report", `publish ${payload.length} bytes: at most ${MESSAGE_BYTES_MAX}`);
      }
      await send(topics.message(lane, properties), payload);
    },
    getTwin: () => {
      const rid = nextRid();
      return ask(twins, rid, "twin get", () => send(topics.twinGet(rid), new Uint8Array()));
    },
    report: async (patch: JsonObject) => {
      const rid = nextRid();
      return { version: await ask(reports, rid, "twin report", () => send(topics.twinReport(rid), json(patch))) };
    },
    onDesired: (listener) => desired.listen(listener),
    onCommand: (listener) => desk.listen(listener),
    onLedger: (listener) => ledger.listen(listener),
    onClosed: (listener) => mqtt.onClosed(listener),
    use: () => mqtt.use(),
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

type Replying<T> = ReturnType<typeof createReplies<T>>;

/** The reply may overtake the request's own PUBACK, so it is expected before the request leaves. */
async function ask<T>(replies: Replying<T>, rid: string, what: string, request: () => Promise<void>): Promise<T> {
  const reply = replies.expect(rid, what, REPLY_DEADLINE_MS);
  // Not waited for once the reply is here: an answered request needs no PUBACK.
  void request().catch((error: unknown) => {
    const failure = error instanceof CloudError ? error : new CloudError("reconnect", what, { cause: error });
    replies.reject(rid, failure);
  });
  return reply;
}

/** A malformed reply fails its request at once instead of letting it run into its deadline. */
function settle<T>(replies: Replying<T>, rid: string, decode: () => T): boolean {
  try {
    return replies.resolve(rid, decode());
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    replies.reject(rid, new CloudError("retry", `twin reply: ${error.message}`, { cause: error }));
    throw error;
  }
}

/** Random per connection: a late reply to the previous connection's request must find nobody. */
function createRids(chance: Chance): () => string {
  const prefix = Buffer.from(chance.bytes(4)).toString("hex");
  let count = 0;
  return () => `${prefix}-${++count}`;
}

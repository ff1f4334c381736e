/** One MQTT connection as a CloudConnection: routes what comes down, pairs twin requests with their replies. */
import { PUBLISH_DEADLINE_MS, TWIN_BYTES_MAX } from "../../limits.ts";
import { topicsOf } from "../../wire/topics.ts";
import type { DesiredDocument, JsonObject, TwinDocuments } from "../../wire/twin-document.ts";
import type { Chance, Log, Timers } from "../../world.ts";
import { type CloudConnection, CloudError, type Message } from "../cloud.ts";
import { createInbox } from "../inbox.ts";
import type { KeptConnection } from "../kept-connection.ts";
import { createOwnTopics, EARLY_MESSAGES_MAX, ownPath } from "../own-topics.ts";
import { PayloadError } from "../payloads.ts";
import { ask, createReplies, createRequestIds, settle } from "../replies.ts";
import { desiredFrom, refusalFrom, reportedVersionFrom, twinFrom } from "./payloads.ts";

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
  const own = createOwnTopics(deps, station);
  const twins = createReplies<TwinDocuments>(deps);
  const reports = createReplies<number>(deps);
  const certificates = createReplies<Uint8Array>(deps);
  const desired = createInbox<DesiredDocument>(EARLY_MESSAGES_MAX);
  const nextRid = createRequestIds(deps.chance);
  const send = (topic: string, payload: Uint8Array): Promise<void> =>
    mqtt.publish(topic, payload, { deadlineMs: PUBLISH_DEADLINE_MS });

  mqtt.onMessage((topic, payload) => {
    const path = ownPath(station, topic);
    if (!path) return log("warn", "mqtt-stray-message", { topic });
    try {
      if (!routeTwin(path, payload) && !own.route(path, payload)) log("debug", "mqtt-message-unclaimed", { topic });
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      log("warn", "mqtt-message-malformed", { topic, bytes: payload.length, error: error.message });
    }
  });

  /** False when nobody waits for it. */
  const routeTwin = ([room = "", what = "", rid = ""]: readonly string[], payload: Uint8Array): boolean => {
    switch (`${room}/${what}`) {
      case "twin/full":
        return settle(twins, rid, () => twinFrom(payload));
      case "twin/reported":
        return settle(reports, rid, () => reportedVersionFrom(payload));
      case "twin/refused": {
        const error = new CloudError("drop-and-report", `twin request refused: ${refusalFrom(payload)}`);
        return twins.reject(rid, error) || reports.reject(rid, error);
      }
      case "twin/desired":
        return desired.put(desiredFrom(payload));
      case "enrol/answer":
        return certificates.resolve(rid, payload);
      default:
        return false;
    }
  };

  mqtt.onClosed((reason) => {
    const error = new CloudError("reconnect", `connection closed: ${reason}`);
    twins.rejectAll(error);
    reports.rejectAll(error);
    certificates.rejectAll(error);
  });

  return {
    publish: (message) => own.publish(message).catch((error: unknown) => withHint(error, message)),
    reportBytesMax: () => Math.min(TWIN_BYTES_MAX, mqtt.payloadBytesMax(topics.twinReport(nextRid()))),
    payloadBytesMax: own.payloadBytesMax,
    getTwin: () => {
      const rid = nextRid();
      return ask(twins, rid, "twin get", () => send(topics.twinGet(rid), new Uint8Array()));
    },
    report: async (patch: JsonObject) => {
      const rid = nextRid();
      return { version: await ask(reports, rid, "twin report", () => send(topics.twinReport(rid), json(patch))) };
    },
    requestCertificate: async (csr) => {
      const rid = nextRid();
      // A bridge that doesn't know this refuses the subscription, and the connection stays.
      await mqtt.subscribe([topics.enrolAnswer(rid)]);
      return ask(certificates, rid, "certificate", () => send(topics.enrolRequest(rid), json({ csr })));
    },
    onDesired: (listener) => desired.listen((patch) => listener(patch)),
    onCommand: own.onCommand,
    onLedger: own.onLedger,
    onClosed: (listener) => mqtt.onClosed(listener),
    use: () => mqtt.use(),
    close: own.close,
  };
}

/** A broker that speaks 3.1.1 has no words for what it doesn't take: it hangs up. */
function withHint(error: unknown, { payload }: Message): never {
  if (!(error instanceof CloudError) || error.next !== "reconnect" || !/connection closed/.test(error.message))
    throw error;
  const hint = `if this comes at each message, the broker's log says why: it may not take messages of ${payload.length} bytes, or not to this topic`;
  throw new CloudError("reconnect", `${error.message}; ${hint}`, { cause: error });
}

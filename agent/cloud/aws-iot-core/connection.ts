/** One connection to AWS IoT Core as a CloudConnection: the twin is a device shadow, everything else our own topics. */
import { PUBLISH_DEADLINE_MS, TWIN_BYTES_MAX } from "../../limits.ts";
import type { JsonObject, TwinDocuments } from "../../wire/twin-document.ts";
import type { Chance, Log, Timers } from "../../world.ts";
import { type CloudConnection, CloudError } from "../cloud.ts";
import { createInbox } from "../inbox.ts";
import type { KeptConnection } from "../kept-connection.ts";
import { createOwnTopics, EARLY_MESSAGES_MAX, ownPath } from "../own-topics.ts";
import { PayloadError } from "../payloads.ts";
import { ask, createReplies, createRequestIds, type Replies } from "../replies.ts";
import { createDesiredVersions, type DesiredPatch } from "./desired-versions.ts";
import { jobTopicsOf } from "./job-topics.ts";
import { createJobs } from "./jobs.ts";
import type { JobsGate } from "./jobs-gate.ts";
import { errorFrom, NO_SHADOW } from "./rejections.ts";
import { answerFrom, rejectionFrom, type ShadowAnswer, versionFrom } from "./shadow-payloads.ts";
import { type Answer, shadowTopicsOf } from "./shadow-topics.ts";

/** AWS IoT Core quotas: a topic has at most 256 bytes. */
const TOPIC_BYTES_MAX = 256;
/** `delta` and `accepted` of one update come in any order, within the same second. */
const ACCEPTED_PATIENCE_MS = 3_000;

interface Deps {
  readonly mqtt: KeptConnection;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  readonly jobsGate: JobsGate;
}

export interface AwsConnectionConfig {
  /** Station, thing and client id. */
  readonly station: string;
  /** undefined: the classic shadow. */
  readonly shadow: string | undefined;
}

const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const NOTHING: ShadowAnswer = { token: undefined, version: 0, desired: undefined, reported: undefined };

/** Listens at once; the caller subscribes. */
export function createAwsConnection(deps: Deps, { station, shadow }: AwsConnectionConfig): CloudConnection {
  const { mqtt, timers, log } = deps;
  const topics = shadowTopicsOf(station, shadow);
  const own = createOwnTopics(deps, station, TOPIC_BYTES_MAX);
  const jobTopics = jobTopicsOf(station);
  const jobs = createJobs({ ...deps, gate: deps.jobsGate }, station);
  const gets = createReplies<ShadowAnswer>(deps);
  const updates = createReplies<ShadowAnswer>(deps);
  const desired = createInbox<DesiredPatch>(EARLY_MESSAGES_MAX);
  const versions = createDesiredVersions();
  const nextToken = createRequestIds(deps.chance);
  let cancelPatience = (): void => undefined;
  /** Of the last report; an acknowledgement that is delivered twice is still its own. */
  let reportToken: string | undefined;

  const send = (topic: string, payload: object): Promise<void> =>
    mqtt.publish(topic, json(payload), { deadlineMs: PUBLISH_DEADLINE_MS });

  /** False when nobody waits for it (any more). */
  const tell = (patch: DesiredPatch | undefined): boolean => patch === undefined || desired.put(patch);

  const reject = (replies: Replies<ShadowAnswer>, what: string, payload: Uint8Array): boolean => {
    const rejection = rejectionFrom(payload);
    const { token, code, message } = rejection;
    if (token === undefined) {
      log("warn", "shadow-rejected-unasked", { what, code, message });
      // Ours, which is one at a time, or somebody else's: whoever waits looks what there is, instead of for a minute.
      const { afterMs } = errorFrom(what, rejection);
      const next = afterMs === undefined ? "retry" : "retry-after";
      replies.rejectAll(new CloudError(next, `${what}: ${code} ${message}`, afterMs === undefined ? {} : { afterMs }));
      return false;
    }
    if (replies === gets && code === NO_SHADOW) return replies.resolve(token, NOTHING);
    return replies.reject(token, errorFrom(what, rejection));
  };

  const onDelta = (version: number): boolean => {
    if (!versions.isAhead(version)) return true;
    cancelPatience();
    cancelPatience = timers.after(ACCEPTED_PATIENCE_MS, () => {
      if (versions.isAhead(version)) tell(versions.missed(version));
    });
    return true;
  };

  const route = (answer: Answer, payload: Uint8Array): boolean => {
    switch (answer) {
      case "get/accepted": {
        const got = answerFrom(payload);
        return got.token !== undefined && gets.resolve(got.token, got);
      }
      case "update/accepted": {
        const update = answerFrom(payload);
        // Only the station writes reported: where somebody else did, what the cloud has is unknown.
        const isForeign = update.reported !== undefined && update.token !== reportToken;
        const isTold = tell(
          isForeign ? versions.missed(update.version) : versions.accepted(update.version, update.desired),
        );
        return (update.token !== undefined && updates.resolve(update.token, update)) || isTold;
      }
      case "get/rejected":
        return reject(gets, "get the shadow", payload);
      case "update/rejected":
        return reject(updates, "update the shadow", payload);
      case "update/delta":
        return onDelta(versionFrom(payload));
      case "delete/accepted":
        return tell(versions.missed(versionFrom(payload)));
    }
  };

  mqtt.onMessage((topic, payload) => {
    const answer = topics.answerOf(topic);
    const jobAnswer = jobTopics.answerOf(topic);
    const path = ownPath(station, topic);
    if (!answer && !jobAnswer && !path) return log("warn", "mqtt-stray-message", { topic });
    try {
      const isClaimed = answer
        ? route(answer, payload)
        : jobAnswer
          ? jobs.route(jobAnswer, payload)
          : own.route(path ?? [], payload);
      if (!isClaimed) log("debug", "mqtt-message-unclaimed", { topic });
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      log("warn", "mqtt-message-malformed", { topic, bytes: payload.length, error: error.message });
    }
  });

  mqtt.onClosed((reason) => {
    cancelPatience();
    const error = new CloudError("reconnect", `connection closed: ${reason}`);
    gets.rejectAll(error);
    updates.rejectAll(error);
    jobs.end(error);
  });

  return {
    publish: (message) => own.publish(message).catch(withPolicyHint),
    getTwin: async (known): Promise<TwinDocuments> => {
      const clientToken = nextToken();
      const shadow = await ask(gets, clientToken, "get the shadow", () => send(topics.get, { clientToken }));
      return {
        desired: versions.fetched(shadow.version, shadow.desired ?? {}, known),
        reported: { ...shadow.reported, $version: shadow.version },
      };
    },
    report: async (patch: JsonObject) => {
      const clientToken = nextToken();
      reportToken = clientToken;
      // Without `version`: only the station writes reported, and what the cloud desires meanwhile is no conflict.
      const request = { state: { reported: patch }, clientToken };
      return ask(updates, clientToken, "update the shadow", () => send(topics.update, request));
    },
    onDesired: (listener) => desired.listen(({ patch, basis }) => listener(patch, basis)),
    // Both sides share the document's 8 KB; metadata isn't counted.
    reportBytesMax: () => TWIN_BYTES_MAX - versions.desiredBytes,
    onCommand: (listener) => {
      own.onCommand(listener);
      jobs.listen(listener);
    },
    onLedger: own.onLedger,
    onClosed: (listener) => mqtt.onClosed(listener),
    use: () => mqtt.use(),
    close: own.close,
  };
}

/** What isn't allowed isn't refused: the connection is closed without a word (developer guide, "Policy actions"). */
function withPolicyHint(error: unknown): never {
  if (!(error instanceof CloudError) || error.next !== "reconnect") throw error;
  throw new CloudError(
    "reconnect",
    `${error.message}; if this comes at each message, the thing's policy doesn't allow iot:Publish to its topic`,
    { cause: error },
  );
}

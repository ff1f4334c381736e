/** A local AWS IoT Core as the far side of the clouds' conformance suite. */
import type { CommandAnswer, Message } from "@pump-station/agent/cloud/cloud.ts";
import type { FarSide } from "@pump-station/agent/testing/far-side.ts";
import { LANES, type Lane, propertiesFromBag, topicParts } from "@pump-station/agent/wire/topics.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { AwsCloud } from "../aws-cloud.ts";
import type { ShadowId } from "../shadow-service.ts";

export function createAwsFarSide(aws: AwsCloud, station: string, name?: string): FarSide {
  const id: ShadowId = { thing: station, name };
  const messages: Message[] = [];
  const reports: JsonObject[] = [];
  const answers = new Map<string, (answer: CommandAnswer) => void>();
  const decode = (payload: Uint8Array) => JSON.parse(new TextDecoder().decode(payload)) as JsonObject;
  let online: boolean | undefined;
  let refuseReports: string | undefined;

  aws.events.onEvent((event) => {
    if (event.kind !== "message") return;
    const [room = "", what = "", rid = ""] = topicParts(event.topic)?.path ?? [];
    if (event.topic.endsWith("/shadow/update"))
      reports.push((decode(event.payload)["state"] as JsonObject)["reported"] as JsonObject);
    else if (room === "alive") online = decode(event.payload)["online"] === true;
    else if (room === "command") answers.get(rid)?.(decode(event.payload) as unknown as CommandAnswer);
    else if (isLane(room)) messages.push({ lane: room, properties: propertiesFromBag(what), payload: event.payload });
  });
  // A shadow at version 1, as the suite expects a twin.
  aws.setDesired(id, {});

  /** The version at which desired last changed. */
  let desiredAt = 1;
  const setDesired = (patch: JsonObject, through: "mqtt" | "unheard"): void => {
    aws.setDesired(id, patch, { through });
    desiredAt = aws.shadow(id)?.version ?? 0;
  };

  return {
    messages,
    reports,
    get online() {
      return online;
    },
    twin: {
      documents: () => {
        const { state, version = 0 } = aws.shadow(id) ?? { state: {}, version: 0 };
        // Who has nothing yet takes the shadow's version for both.
        return { desired: { ...state.desired, $version: version }, reported: { ...state.reported, $version: version } };
      },
      setDesired: (patch) => {
        setDesired(patch, "unheard");
        return { ...patch, $version: desiredAt };
      },
      report: () => {
        throw new Error("the station reports by itself");
      },
      recreate: (desired) => aws.recreateShadow(id, desired),
    },
    setDesired: (patch) => setDesired(patch, "mqtt"),
    setDesiredUnheard: (patch) => setDesired(patch, "unheard"),
    call: ({ id: callId, ...call }) =>
      new Promise((resolve) => {
        answers.set(callId, resolve);
        aws.publish(`ps/1/${station}/command/call/${callId}`, new TextEncoder().encode(JSON.stringify(call)));
      }),
    sendLedger: (payload) => aws.publish(`ps/1/${station}/ledger`, payload),
    get silent() {
      return aws.faults.shadowSilent;
    },
    set silent(isSilent) {
      aws.faults.shadowSilent = isSilent;
    },
    get refuseReports() {
      return refuseReports;
    },
    set refuseReports(text) {
      refuseReports = text;
      aws.faults.rejectShadow = text === undefined ? undefined : { code: 413, message: text };
    },
  };
}

const isLane = (name: string): name is Lane => (LANES as readonly string[]).includes(name);

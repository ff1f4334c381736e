/** What a device's PUBLISH does: telemetry, twin, method answers. */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { IPublishPacket } from "mqtt-packet";
import type { Admitted } from "./authentication.ts";
import type { Device } from "./devices.ts";
import { errorBody, ServiceError } from "./errors.ts";
import type { HubHappening } from "./events.ts";
import type { Operation } from "./faults.ts";
import { TELEMETRY_BYTES_MAX } from "./limits.ts";
import type { Answer, HubParts } from "./parts.ts";
import { bagBytes, type PropertyBag } from "./property-bag.ts";
import { parsePublication, twinAnswerTopic } from "./topics.ts";

export interface Incoming {
  readonly on: Operation;
  /** What is metered. */
  readonly bytes: number;
  /** Does it; returns the answer. */
  readonly carryOut: () => Answer;
  /** The answer that says no; undefined: the connection ends. */
  readonly refuse: (status: number, body: "json" | "empty", reason: string) => Answer | undefined;
}

/** Returns what a PUBLISH asks for, or a sentence that says why it ends the connection. */
export function incomingOf(hub: HubParts, admitted: Admitted, packet: IPublishPacket): Incoming | string {
  const publication = parsePublication(packet.topic, admitted.device.id);
  if (typeof publication === "string") return publication;
  const payload = Buffer.from(packet.payload);
  switch (publication.kind) {
    case "telemetry":
      return telemetry(hub, admitted, publication.bag, { ...packet, payload });
    case "twin-get":
      return twinGet(hub, admitted, publication.rid, packet);
    case "twin-report":
      return twinReport(hub, admitted, publication.rid, { ...packet, payload });
    case "method-answer":
      return {
        on: "method-answer",
        bytes: payload.length,
        carryOut: () => {
          answerMethod(hub, admitted.device.id, publication.rid, publication.status, payload);
          return puback(packet);
        },
        refuse: () => undefined,
      };
  }
}

interface Sent {
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

function telemetry(
  hub: HubParts,
  admitted: Admitted,
  bag: PropertyBag,
  packet: IPublishPacket & Sent,
): Incoming | string {
  const bytes = packet.payload.length + bagBytes(bag);
  if (bytes > TELEMETRY_BYTES_MAX) return `a message of ${bytes} bytes; ${TELEMETRY_BYTES_MAX} are allowed`;
  return {
    on: "telemetry",
    bytes,
    carryOut: () => {
      hub.events.add(admitted.device.id, telemetryOf(hub, admitted, bag, packet, false));
      return puback(packet);
    },
    refuse: () => undefined,
  };
}

/** The event that a back end reads, with what the hub stamps on it. */
export function telemetryOf(
  hub: HubParts,
  { device, auth }: Admitted,
  bag: PropertyBag,
  { payload, retain }: Sent,
  isWill: boolean,
): HubHappening {
  const method = { scope: "device", type: auth, issuer: auth === "sas" ? "iothub" : "external" };
  return {
    kind: "telemetry",
    payload: new Uint8Array(payload),
    // RETAIN retains nothing; it arrives as a property.
    properties: { ...bag.properties, ...(retain && { "mqtt-retain": "true" }) },
    system: {
      ...bag.system,
      "iothub-connection-device-id": device.id,
      "iothub-connection-auth-generation-id": device.generationId,
      "iothub-connection-auth-method": JSON.stringify(method),
      "iothub-enqueuedtime": new Date(hub.nowMs()).toISOString(),
      "iothub-message-source": "Telemetry",
      ...(device.modelId !== undefined && { "dt-dataschema": device.modelId }),
      ...(isWill && { "iothub-MessageType": "Will" }),
    },
    bytes: payload.length + bagBytes(bag),
  };
}

function twinGet(hub: HubParts, { device }: Admitted, rid: string, packet: IPublishPacket): Incoming {
  const document = (): string => JSON.stringify(device.twin.document());
  return {
    on: "twin-get",
    bytes: Buffer.byteLength(document()),
    carryOut: () => {
      hub.events.add(device.id, { kind: "twin-read", status: 200 });
      return [...puback(packet), ...twinAnswer(device, twinAnswerTopic(200, rid), document())];
    },
    refuse: (status, body, reason) => {
      hub.events.add(device.id, { kind: "twin-read", status });
      return [...puback(packet), ...refusal(hub, device, { rid, status, body, reason })];
    },
  };
}

function twinReport(hub: HubParts, { device }: Admitted, rid: string, packet: IPublishPacket & Sent): Incoming {
  const refuse = (status: number, body: "json" | "empty", reason: string): Answer => {
    hub.events.add(device.id, { kind: "reported", status, reason });
    return [...puback(packet), ...refusal(hub, device, { rid, status, body, reason })];
  };
  return {
    on: "twin-report",
    bytes: packet.payload.length,
    carryOut: () => {
      try {
        const patch = patchOf(packet.payload);
        const version = device.twin.report(patch);
        hub.events.add(device.id, { kind: "reported", status: 204, version, patch });
        return [...puback(packet), ...twinAnswer(device, twinAnswerTopic(204, rid, version), "")];
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        return refuse(error.status, "json", error.message);
      }
    },
    refuse,
  };
}

function patchOf(payload: Uint8Array): JsonObject {
  let json: Json;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as Json;
  } catch (error) {
    throw new ServiceError(400, 400004, `the patch is no JSON: ${String(error)}`);
  }
  if (!isObject(json)) throw new ServiceError(400, 400004, "the patch is no JSON object");
  return json;
}

/** Azure's codes for what a device may be told; others are a status and 001. */
const CODES: Readonly<Record<number, number>> = { 400: 400004, 403: 403002, 429: 429001, 503: 503003 };

interface No {
  readonly rid: string;
  readonly status: number;
  readonly body: "json" | "empty";
  readonly reason: string;
}

function refusal(hub: HubParts, device: Device, { rid, status, body, reason }: No): Answer {
  const text = body === "empty" ? "" : errorBody(status, CODES[status] ?? status * 1_000 + 1, reason, hub.nowMs());
  return twinAnswer(device, twinAnswerTopic(status, rid), text);
}

/** Who hasn't subscribed to answers gets none. */
function twinAnswer({ subscriptions }: Device, topic: string, payload: string): Answer {
  if (!subscriptions.has("twin-answers")) return [];
  return [{ cmd: "publish", topic, payload: Buffer.from(payload), qos: 0, dup: false, retain: false }];
}

function answerMethod(hub: HubParts, device: string, rid: string, status: number, payload: Uint8Array): void {
  try {
    const isWaitedFor = hub.methods.answer(device, rid, status, payload);
    if (!isWaitedFor)
      hub.events.add(device, { kind: "method", name: `$rid=${rid}`, status, reason: "nobody waits for it" });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    hub.events.add(device, { kind: "method", name: `$rid=${rid}`, status: error.status, reason: error.message });
  }
}

const puback = ({ qos, messageId }: IPublishPacket): Answer =>
  qos === 1 ? [{ cmd: "puback", messageId: messageId ?? 0 }] : [];

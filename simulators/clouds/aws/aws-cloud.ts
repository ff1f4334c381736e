/**
 * A local AWS IoT Core: message broker, shadow service, and what a cloud team does with them. A pure state machine:
 * packets come through `accept`, time through the injected clock; in memory it runs for simulated months, over TLS
 * through `simulators/host/`. The README beside says what it checks and what it doesn't.
 */
import type { Json, JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { Chance, Clock, Timers } from "@pump-station/agent/world.ts";
import type { PacketLink, PacketReceiver } from "../azure/link.ts";
import { createBroker } from "./broker.ts";
import { createEventLog, type EventLog } from "./events.ts";
import { type Faults, noFaults, takeOne } from "./faults.ts";
import { createJobService, type JobRequest, jobRequestFrom } from "./job-service.ts";
import type { Jobs } from "./jobs.ts";
import { SHADOW_REQUESTS_IN_FLIGHT_MAX } from "./limits.ts";
import { createMeter, type Meter, shadowUnitsOf } from "./metering.ts";
import type { Principal } from "./policy.ts";
import type { Provisioning } from "./provisioning.ts";
import type { Shadow } from "./shadow.ts";
import {
  createShadowService,
  type Publication,
  type ShadowId,
  type ShadowRequest,
  shadowRequestFrom,
} from "./shadow-service.ts";

export interface AwsCloud {
  /** `principal`: whose client certificate the connection has; undefined: none that is known. */
  accept(link: PacketLink, principal: Principal): PacketReceiver;
  readonly shadow: (id: ShadowId) => Shadow | undefined;
  /** As the service's REST interface has it: the answer, and what things hear of it. */
  shadowRequest(
    request: ShadowRequest,
    body: Uint8Array,
    through?: Through,
  ): { isRefused: boolean; answer: JsonObject };
  /** Throws Error with the refusal. */
  setDesired(id: ShadowId, patch: JsonObject | null, options?: SetDesired): void;
  deleteShadow(id: ShadowId): void;
  /** Gone and made anew at version 1 with this desired state, and nobody told the thing. */
  recreateShadow(id: ShadowId, desired: JsonObject): void;
  publish(topic: string, payload: Uint8Array): void;
  /** `ps/1/{thing}/command/call/{id}`; resolves with the payload of its answer. Rejects after `withinMs`. */
  call(thing: string, command: JsonObject, withinMs: number): Promise<JsonObject>;
  cut(thing: string): void;
  /** The link stays, and carries nothing any more, either way. */
  freeze(thing: string): void;
  forgetSession(thing: string): void;
  readonly connected: readonly string[];
  readonly jobs: Jobs;
  readonly events: EventLog;
  readonly faults: Faults;
  readonly meter: Meter;
}

/** "rest": as over HTTPS, of which the guide promises a delta only. "unheard": no message at all. */
export type Through = "mqtt" | "rest" | "unheard";

export interface SetDesired {
  /** Default: "mqtt". */
  readonly through?: Through;
  /** 409 unless the shadow is at this version. */
  readonly version?: number;
}

export function createAwsCloud(deps: {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  /** Fleet provisioning; without it there is none. */
  readonly provisioning?: Provisioning;
}): AwsCloud {
  const { clock, timers } = deps;
  const faults = noFaults();
  const meter = createMeter();
  const events = createEventLog(clock);
  const shadows = createShadowService(clock);
  const inFlight = new Map<string, number>();

  const send = (publications: readonly Publication[]): void => {
    for (const { topic, payload } of publications) broker.publish(topic, payload);
  };

  /** Answers wait as long as deliveries do; more than ten that wait are too many. */
  const onShadow = (thing: string, request: ShadowRequest, payload: Uint8Array): void => {
    const waiting = (inFlight.get(thing) ?? 0) + 1;
    inFlight.set(thing, waiting);
    timers.after(faults.delayMs, () => inFlight.set(thing, (inFlight.get(thing) ?? 1) - 1));
    if (faults.shadowSilent) return;
    if (faults.rejectShadow) return send(shadows.refuse(request, payload, faults.rejectShadow));
    if (faults.throttle || takeOne(faults, "throttleRequests") || waiting > SHADOW_REQUESTS_IN_FLIGHT_MAX)
      return send(shadows.refuse(request, payload, { code: 429, message: "Too Many Requests" }));
    meter.shadowOperations += shadowUnitsOf(payload);
    send(shadows.request(request, payload));
  };

  const jobService = createJobService({
    ...deps,
    wallMs: () => clock.wallMs(),
    notify: ({ topic, payload }) => broker.publish(topic, payload),
  });

  const onJob = (thing: string, request: JobRequest, payload: Uint8Array): void => {
    if (faults.jobsSilent) return;
    const { topic, payload: answer } = faults.throttle
      ? jobService.refuse(request, payload, "RequestThrottled", "Too Many Requests")
      : jobService.request(request, payload);
    broker.answer(thing, topic, answer);
  };

  const broker = createBroker({
    ...deps,
    faults,
    meter,
    events,
    renewals: () => (deps.provisioning?.mayRenew ? [...deps.provisioning.templates.keys()] : []),
    onPublish: (thing, topic, payload, clientId) => {
      // After the acknowledgement, as from a service behind the broker.
      const request = shadowRequestFrom(topic);
      if (request) queueMicrotask(() => onShadow(thing, request, payload));
      const jobRequest = jobRequestFrom(topic);
      if (jobRequest) queueMicrotask(() => onJob(thing, jobRequest, payload));
      const provisioned = deps.provisioning?.answer(topic, payload);
      // Who hasn't subscribed before it asked may not hear the answer.
      void provisioned?.then((answer) =>
        broker.answer(clientId, answer.topic, answer.payload, { isSubscribedOnly: true }),
      );
      return provisioned !== undefined || request !== undefined || jobRequest !== undefined || !faults.throttle;
    },
  });

  const shadowRequest: AwsCloud["shadowRequest"] = (request, body, through = "rest") => {
    const publications = shadows.request(request, body);
    const answer = publications.find(({ topic }) => /\/(accepted|rejected)$/.test(topic));
    const isRefused = answer?.topic.endsWith("/rejected") ?? true;
    meter.shadowOperations += shadowUnitsOf(body);
    if (through === "mqtt" && request.operation !== "get") send(publications);
    // A refusal over HTTPS is its caller's alone, and so is what was asked for.
    else if (through === "rest" && !isRefused)
      send(publications.filter((each) => each !== answer || request.operation === "delete"));
    return { isRefused, answer: answer ? objectFrom(answer.payload) : {} };
  };

  const update = (id: ShadowId, request: JsonObject, through: Through): void => {
    const { isRefused, answer } = shadowRequest({ ...id, operation: "update" }, bytesFrom(request), through);
    if (isRefused) throw new Error(JSON.stringify(answer));
  };

  return {
    accept: broker.accept,
    shadow: shadows.shadow,
    shadowRequest,
    setDesired: (id, patch, { through = "mqtt", version } = {}) =>
      update(id, { state: { desired: patch }, ...(version !== undefined && { version }) }, through),
    deleteShadow: (id) => void shadowRequest({ ...id, operation: "delete" }, new Uint8Array(), "mqtt"),
    recreateShadow: (id, desired) => {
      shadows.forget(id);
      update(id, { state: { desired } }, "unheard");
    },
    publish: (topic, payload) => broker.publish(topic, payload),
    call: (thing, command, withinMs) =>
      new Promise((resolve, reject) => {
        const id = Buffer.from(deps.chance.bytes(8)).toString("hex");
        const finish = (act: () => void): void => {
          stop();
          cancel();
          act();
        };
        const stop = events.onEvent((event) => {
          if (event.kind !== "message" || event.topic !== `ps/1/${thing}/command/answer/${id}`) return;
          finish(() => resolve(objectFrom(event.payload)));
        });
        const cancel = timers.after(withinMs, () =>
          finish(() => reject(new Error(`command ${id} to ${thing}: no answer within ${withinMs} ms`))),
        );
        broker.publish(`ps/1/${thing}/command/call/${id}`, bytesFrom(command));
      }),
    cut: (thing) => broker.cut(thing, "cut by the service API"),
    freeze: (thing) => broker.freeze(thing),
    forgetSession: (thing) => broker.forgetSession(thing),
    get connected() {
      return broker.connected;
    },
    jobs: jobService.jobs,
    events,
    faults,
    meter,
  };
}

const bytesFrom = (value: Json): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const objectFrom = (payload: Uint8Array): JsonObject => JSON.parse(new TextDecoder().decode(payload)) as JsonObject;

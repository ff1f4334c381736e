/**
 * Device Provisioning Service over MQTT, three topics (Azure: "Communicate with your DPS using the MQTT protocol"):
 *
 *   subscribe  $dps/registrations/res/#            answers: $dps/registrations/res/{status}/?$rid={rid}[&retry-after={s}]
 *   publish    $dps/registrations/PUT/iotdps-register/?$rid={rid}                        JSON {registrationId, payload?}
 *   publish    $dps/registrations/GET/iotdps-get-operationstatus/?$rid={rid}&operationId={id}     again while it says 202
 *
 * 200: JSON {status: "assigned", registrationState: {assignedHub, deviceId}}; "failed" and "disabled" say why.
 */
import { CONNECT_TIMEOUT_MS, PUBLISH_DEADLINE_MS } from "../../limits.ts";
import type { Chance, MqttClients, MqttConnection, MqttOptions, Timers } from "../../world.ts";
import { CloudError } from "../cloud.ts";
import { objectFrom, PayloadError } from "../payloads.ts";
import { createReplies, type Replies } from "../replies.ts";

export interface Assignment {
  /** "my-hub.azure-devices.net", with a port where it isn't 8883. */
  readonly hub: string;
  readonly device: string;
}

export interface ProvisioningDeps {
  readonly clients: MqttClients;
  readonly timers: Timers;
  readonly chance: Chance;
}

export interface Registration {
  readonly scope: string;
  readonly registration: string;
  readonly modelId?: string;
  /** Where, and with what: all but who, which is said here. */
  readonly options: Omit<MqttOptions, "clientId" | "username" | "keepAliveS" | "connectTimeoutMs">;
}

const API = "api-version=2019-03-31";
const ANSWER = /^\$dps\/registrations\/res\/(\d{3})\/\?(.*)$/;
/** The service says how long to wait, some seconds; whatever it says, within these. */
const WAIT_S = { least: 1, usual: 3, most: 60 };
/** Assigning takes seconds; a minute when a custom allocation decides. */
const ASKS_MAX = 60;
const KEEP_ALIVE_S = 120;

interface Answer {
  readonly status: number;
  readonly retryAfterS: number | undefined;
  readonly payload: Uint8Array;
}

/** Throws CloudError. */
export async function register(deps: ProvisioningDeps, ask: Registration, signal: AbortSignal): Promise<Assignment> {
  const mqtt = await connect(deps, ask, signal);
  const abort = (): void => void mqtt.close();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const replies = createReplies<Answer>(deps);
    mqtt.onMessage((topic, payload) => hear(replies, topic, payload));
    mqtt.onClosed((reason) => replies.rejectAll(new CloudError("retry", `provisioning: connection closed: ${reason}`)));
    await mqtt.subscribe(["$dps/registrations/res/#"]);
    return await untilAssigned(deps, ask, createRequest(mqtt, replies), signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CloudError) throw error;
    throw new CloudError("retry", `provisioning: ${String(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", abort);
    await mqtt.close();
  }
}

async function connect({ clients }: ProvisioningDeps, ask: Registration, signal: AbortSignal): Promise<MqttConnection> {
  const { scope, registration, options } = ask;
  try {
    const username = `${scope}/registrations/${registration}/${API}`;
    const timing = { keepAliveS: KEEP_ALIVE_S, connectTimeoutMs: CONNECT_TIMEOUT_MS };
    return await clients.connect({ ...options, ...timing, clientId: registration, username }, signal);
  } catch (error) {
    signal.throwIfAborted();
    const refused = error instanceof Error && "code" in error && error.code === "refused";
    const text = error instanceof Error ? error.message : String(error);
    const why = refused ? `the provisioning service refuses ${registration} in ${scope}: ` : "";
    throw new CloudError(refused ? "reprovision" : "retry", `${why}${text}`, { cause: error });
  }
}

function hear(replies: Replies<Answer>, topic: string, payload: Uint8Array): void {
  const [, status, query] = ANSWER.exec(topic) ?? [];
  if (status === undefined) return;
  const facts = new URLSearchParams(query);
  const retryAfter = Number(facts.get("retry-after") ?? Number.NaN);
  const retryAfterS = Number.isFinite(retryAfter) ? retryAfter : undefined;
  replies.resolve(facts.get("$rid") ?? "", { status: Number(status), retryAfterS, payload });
}

type Request = (topic: string, query: string, payload: string) => Promise<Answer>;

function createRequest(mqtt: MqttConnection, replies: Replies<Answer>): Request {
  let rid = 0;
  return async (topic, query, payload) => {
    const id = String(++rid);
    const answer = replies.expect(id, "provisioning", PUBLISH_DEADLINE_MS);
    const sent = mqtt.publish(`$dps/registrations/${topic}/?$rid=${id}${query}`, new TextEncoder().encode(payload), {
      deadlineMs: PUBLISH_DEADLINE_MS,
    });
    // The answer may overtake the acknowledgement; without either the request has failed.
    sent.catch((error: unknown) =>
      replies.reject(id, error instanceof CloudError ? error : new CloudError("retry", String(error))),
    );
    return answer;
  };
}

async function untilAssigned(
  deps: ProvisioningDeps,
  ask: Registration,
  request: Request,
  signal: AbortSignal,
): Promise<Assignment> {
  const { registration, modelId } = ask;
  const first = { registrationId: registration, ...(modelId !== undefined && { payload: { modelId } }) };
  let answer = await request("PUT/iotdps-register", "", JSON.stringify(first));
  for (let asked = 0; asked < ASKS_MAX; asked++) {
    const body = bodyOf(answer);
    if (answer.status !== 202) return assignmentIn(answer, body, deps.chance);
    const operation = body["operationId"];
    if (typeof operation !== "string") throw new CloudError("retry", "provisioning: an answer without operationId");
    const waitS = Math.min(WAIT_S.most, Math.max(WAIT_S.least, answer.retryAfterS ?? WAIT_S.usual));
    await deps.timers.sleep(waitS * 1000, signal);
    answer = await request("GET/iotdps-get-operationstatus", `&operationId=${encodeURIComponent(operation)}`, "");
  }
  throw new CloudError("retry", `provisioning: ${registration} isn't assigned after ${ASKS_MAX} questions`);
}

function bodyOf({ payload }: Answer): Readonly<Record<string, unknown>> {
  if (payload.length === 0) return {};
  try {
    return objectFrom(payload);
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    throw new CloudError("retry", `provisioning: ${error.message}`, { cause: error });
  }
}

function assignmentIn(
  { status, retryAfterS }: Answer,
  body: Readonly<Record<string, unknown>>,
  chance: Chance,
): Assignment {
  const state = isRecord(body["registrationState"]) ? body["registrationState"] : {};
  const [hub, device] = [state["assignedHub"], state["deviceId"]];
  if (status === 200 && body["status"] === "assigned" && typeof hub === "string" && typeof device === "string")
    return { hub, device };
  const why = state["errorMessage"] ?? body["message"] ?? body["status"] ?? "";
  const isDisabled = body["status"] === "disabled";
  const whose = isDisabled ? "; the enrolment of this station is disabled there" : "";
  const text =
    `provisioning: the service says ${status} ${typeof why === "string" ? why.slice(0, 200) : ""}${whose}`.trim();
  if (status === 429) {
    const afterMs = (Math.max(retryAfterS ?? 30, 5) + chance.fraction() * 30) * 1000;
    throw new CloudError("retry-after", text, { afterMs: Math.round(afterMs) });
  }
  throw new CloudError(status >= 500 ? "retry" : "reprovision", text);
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

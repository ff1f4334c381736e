/**
 * What a cloud team does with AWS IoT Core, and what its bad days do, as JSON over HTTP. The first three are as in AWS's
 * own data plane API; the others are ours.
 *
 *   GET    /things/{thing}/shadow[?name=SHADOW]          the document
 *   POST   /things/{thing}/shadow[?name=…][&through=mqtt] {state: {desired: …}, version?}; over REST unless through=mqtt
 *   DELETE /things/{thing}/shadow[?name=…]
 *   POST   /topics/{topic}                               any JSON, to whoever subscribed
 *   GET    /things                                       [{thing, isConnected}]
 *   POST   /things/{thing}                               registers it
 *   POST   /things/{thing}/command                       {device?, command, arguments?, expiresMs?} → its answer
 *   POST   /things/{thing}/cut | forget-session | deactivate
 *   POST   /things/{thing}/recreate-shadow[?name=…]      desired, at version 1, and nobody is told
 *   …      /jobs, /things/{thing}/jobs                   as in AWS's control plane: job-api.ts
 *   …      /provisioning-templates, /certificates, /claims: provisioning-api.ts
 *   GET    /events[?since=NUMBER]
 *   GET    /meter                                        what would be on the bill
 *   GET    /faults                                       PATCH /faults changes some of them
 */
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { ApiError, objectFrom } from "./api-error.ts";
import type { AwsCloud } from "./aws-cloud.ts";
import type { NumberedEvent } from "./events.ts";
import { noFaults } from "./faults.ts";
import { createJobApi } from "./job-api.ts";
import type { Provisioning } from "./provisioning.ts";
import { createProvisioningApi, PROVISIONING_ROOMS, principalsOf } from "./provisioning-api.ts";
import type { Things } from "./things.ts";

export interface ApiRequest {
  readonly method: string;
  /** With its query, as it was asked for. */
  readonly url: string;
  readonly body: string;
}
export interface ApiResponse {
  readonly status: number;
  readonly json: unknown;
}

export type ServiceApi = (request: ApiRequest) => Promise<ApiResponse>;

/** A command's answer is waited for so long unless it expires earlier. */
const ANSWER_WITHIN_MS = 60_000;
const OK: ApiResponse = { status: 200, json: {} };

export interface Call {
  readonly method: string;
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly body: string;
}

export function createServiceApi(deps: {
  readonly aws: AwsCloud;
  readonly things: Things;
  readonly provisioning?: Provisioning;
}): ServiceApi {
  const { aws, things, provisioning } = deps;
  const onJobs = createJobApi({ aws, things });
  const onProvisioning = provisioning && createProvisioningApi({ provisioning, things });

  const top = async (call: Call): Promise<ApiResponse> => {
    const [room, thing] = call.path;
    const what = `${call.method} ${room}`;
    if (room === "jobs" || (room === "things" && call.path[2] === "jobs")) return onJobs(call);
    if (onProvisioning && PROVISIONING_ROOMS.includes(room ?? "")) return onProvisioning(call);
    if (room === "things" && thing !== undefined) return onThing(call, thing);
    if (what === "GET things")
      return {
        status: 200,
        json: things.list().map((name) => ({ thing: name, isConnected: aws.connected.includes(name) })),
      };
    if (what === "POST topics") return publish(call);
    if (what === "GET events")
      return { status: 200, json: aws.events.since(Number(call.query.get("since") ?? 0)).map(eventJson) };
    if (what === "GET meter") return { status: 200, json: aws.meter };
    if (what === "GET faults") return { status: 200, json: aws.faults };
    if (what === "PATCH faults") return changeFaults(objectFrom(call.body));
    throw new ApiError(404, `${call.method} /${call.path.join("/")}: there is nothing here`);
  };

  const onThing = async (call: Call, thing: string): Promise<ApiResponse> => {
    const { path, query, method, body } = call;
    const id = { thing, name: query.get("name") ?? undefined };
    const what = path[2] ?? "";
    if (what === "shadow") return onShadow(call, thing);
    if (what === "principals" && method === "GET") return principalsOf(things, thing);
    if (method !== "POST") throw new ApiError(405, `${method} /things/${thing}/${what}: only POST`);
    switch (what) {
      case "":
        things.register(thing);
        return OK;
      case "command":
        return { status: 200, json: await aws.call(thing, objectFrom(body), ANSWER_WITHIN_MS) };
      case "cut":
        aws.cut(thing);
        return OK;
      case "forget-session":
        aws.forgetSession(thing);
        return OK;
      case "deactivate":
        things.deactivate(thing);
        aws.cut(thing);
        return OK;
      case "recreate-shadow":
        aws.recreateShadow(id, objectFrom(body));
        return OK;
      default:
        throw new ApiError(404, `/things/${thing}/${what}: there is nothing here`);
    }
  };

  const onShadow = ({ method, query, body }: Call, thing: string): ApiResponse => {
    const operation = { GET: "get", POST: "update", DELETE: "delete" }[method];
    if (operation === undefined) throw new ApiError(405, `${method}: GET, POST or DELETE`);
    const through = query.get("through") === "mqtt" ? "mqtt" : "rest";
    const request = {
      thing,
      name: query.get("name") ?? undefined,
      operation: operation as "get" | "update" | "delete",
    };
    const { isRefused, answer } = aws.shadowRequest(request, new TextEncoder().encode(body), through);
    return { status: isRefused ? Number(answer["code"]) : 200, json: answer };
  };

  const publish = ({ path, body }: Call): ApiResponse => {
    aws.publish(path.slice(1).join("/"), new TextEncoder().encode(body));
    return OK;
  };

  const changeFaults = (change: JsonObject): ApiResponse => {
    const known: Record<string, unknown> = { ...noFaults(), rejectShadow: null, refuseConnect: null };
    for (const [name, value] of Object.entries(change)) {
      if (!(name in known)) throw new ApiError(400, `no fault "${name}": ${Object.keys(known).join(", ")}`);
      const isOff = value === null;
      if (!isOff && known[name] !== null && typeof value !== typeof known[name])
        throw new ApiError(
          400,
          `fault "${name}": expected a ${typeof known[name]}, ${JSON.stringify(known[name])} is off`,
        );
      Object.assign(aws.faults, { [name]: isOff ? (known[name] ?? undefined) : value });
    }
    return { status: 200, json: aws.faults };
  };

  return async ({ method, url, body }) => {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    try {
      return await top({
        method,
        path: pathname.split("/").slice(1).map(decodeURIComponent),
        query: searchParams,
        body,
      });
    } catch (error) {
      const status = error instanceof ApiError ? error.status : error instanceof URIError ? 400 : 504;
      const type = error instanceof ApiError && error.type !== undefined ? { type: error.type } : {};
      return { status, json: { error: error instanceof Error ? error.message : String(error), ...type } };
    }
  };
}

/** Bytes as text where they are JSON, else in base64. */
function eventJson(event: NumberedEvent): object {
  if (event.kind !== "message") return event;
  const { payload, ...rest } = event;
  try {
    return { ...rest, json: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as unknown };
  } catch {
    return { ...rest, base64: Buffer.from(payload).toString("base64") };
  }
}

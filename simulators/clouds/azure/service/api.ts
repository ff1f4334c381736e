/**
 * The service's side over HTTP: Azure's own routes where Azure has them (a client that leaves out the service token
 * works), and `/local/…` for what only a local hub can do. Pure: a request in, an answer out.
 */
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { Dps } from "../dps.ts";
import { ServiceError } from "../errors.ts";
import type { Fault } from "../faults.ts";
import type { AzureHub } from "../hub.ts";
import { enrolmentRoutes } from "./enrolment-routes.ts";
import { PAGE } from "./page.ts";
import { parseQuery } from "./query.ts";
import { bodyOf, deviceAuthOf, REQUESTS } from "./requests.ts";
import { deviceView, eventView, twinView } from "./views.ts";

export interface ApiRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly ifMatch?: string;
  readonly body: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly type: "application/json" | "text/html";
  readonly etag?: string;
  readonly body: string;
}

/** A route's result: JSON with status 200, or what is said otherwise. */
export interface RouteAnswer {
  readonly status?: number;
  readonly etag?: string;
  readonly json: unknown;
}

export interface RouteCall {
  /** The path's variable parts, decoded. */
  readonly names: readonly string[];
  readonly query: URLSearchParams;
  readonly ifMatch: string | undefined;
  readonly body: string;
}

export type Route = readonly [
  method: string,
  path: RegExp,
  run: (call: RouteCall) => RouteAnswer | Promise<RouteAnswer>,
];
export type ServiceApi = (request: ApiRequest) => Promise<ApiAnswer>;

const EVENTS_AT_ONCE = 500;

export function createServiceApi(deps: { readonly hub: AzureHub; readonly dps?: Dps }): ServiceApi {
  const routes = [
    ...deviceRoutes(deps.hub),
    ...twinRoutes(deps.hub),
    ...localRoutes(deps.hub),
    ...(deps.dps ? enrolmentRoutes(deps.dps) : []),
  ];
  return async ({ method, url, ifMatch, body }) => {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    if (method === "GET" && pathname === "/") return { status: 200, type: "text/html", body: PAGE };
    try {
      const found = routes.filter(([, path]) => path.test(pathname));
      const route = found.find(([verb]) => verb === method);
      if (!route)
        throw new ServiceError(found.length > 0 ? 405 : 404, 404000, `${method} ${pathname}: there is no such thing`);
      const names = (route[1].exec(pathname)?.slice(1) ?? []).map((part) => decodeURIComponent(part));
      const { status = 200, etag, json } = await route[2]({ names, query: searchParams, ifMatch, body });
      return { status, type: "application/json", ...(etag && { etag: `"${etag}"` }), body: JSON.stringify(json) };
    } catch (error) {
      const known =
        error instanceof ServiceError
          ? error
          : new ServiceError(error instanceof URIError ? 400 : 500, 500001, String(error));
      const json = { Message: known.message, errorCode: known.code };
      return { status: known.status, type: "application/json", body: JSON.stringify(json) };
    }
  };
}

const deviceRoutes = (hub: AzureHub): readonly Route[] => [
  ["GET", /^\/devices$/, () => ({ json: hub.devices.list().map((device) => deviceView(hub, device)) })],
  ["GET", /^\/devices\/([^/]+)$/, ({ names: [id = ""] }) => ({ json: deviceView(hub, hub.devices.get(id)) })],
  [
    "PUT",
    /^\/devices\/([^/]+)$/,
    ({ names: [id = ""], body }) => {
      const said = bodyOf(REQUESTS.device, body);
      const auth = deviceAuthOf(said.authentication);
      const known = hub.devices.find(id);
      if (known && auth) known.auth = auth;
      if (!known) hub.addDevice(id, auth);
      if (said.status) hub.setEnabled(id, said.status === "enabled");
      return { json: deviceView(hub, hub.devices.get(id)) };
    },
  ],
  [
    "DELETE",
    /^\/devices\/([^/]+)$/,
    ({ names: [id = ""] }) => {
      hub.removeDevice(id);
      return { json: {} };
    },
  ],
  [
    "POST",
    /^\/devices\/query$/,
    ({ body }) => {
      const fits = parseQuery(bodyOf(REQUESTS.query, body).query);
      return {
        json: hub.devices
          .list()
          .map((device) => twinView(hub, device))
          .filter(fits),
      };
    },
  ],
  [
    "POST",
    /^\/devices\/([^/]+)\/messages\/deviceBound$/i,
    ({ names: [id = ""], body }) => {
      const { text, base64, messageId, properties, expiresInSeconds } = bodyOf(REQUESTS.message, body);
      const payload = base64 === undefined ? Buffer.from(text ?? "") : Buffer.from(base64, "base64");
      const sent = hub.sendToDevice(id, {
        payload: new Uint8Array(payload),
        ...(messageId !== undefined && { messageId }),
        ...(properties && { properties }),
        ...(expiresInSeconds !== undefined && { lifeMs: expiresInSeconds * 1_000 }),
      });
      return { status: 201, json: { messageId: sent } };
    },
  ],
];

const twinRoutes = (hub: AzureHub): readonly Route[] => {
  const answer = (id: string): RouteAnswer => {
    const view = twinView(hub, hub.devices.get(id));
    return { json: view, etag: hub.twin(id).etag };
  };
  const write =
    (how: "setDesired" | "replaceDesired"): Route[2] =>
    ({ names: [id = ""], ifMatch, body }) => {
      const { tags, properties } = bodyOf(REQUESTS.twin, body);
      const options = ifMatch === undefined ? {} : { ifMatch };
      // The second write would find the etag changed by the first.
      if (tags) hub.setTags(id, tags, options);
      if (properties?.desired) hub[how](id, withoutMarks(properties.desired), tags ? {} : options);
      return answer(id);
    };
  return [
    ["GET", /^\/twins\/([^/]+)$/, ({ names: [id = ""] }) => answer(id)],
    ["PATCH", /^\/twins\/([^/]+)$/, write("setDesired")],
    ["PUT", /^\/twins\/([^/]+)$/, write("replaceDesired")],
    [
      "POST",
      /^\/twins\/([^/]+)\/methods$/,
      async ({ names: [id = ""], body }) => {
        const said = bodyOf(REQUESTS.method, body);
        const { responseTimeoutInSeconds, connectTimeoutInSeconds } = said;
        const json = await hub.invokeMethod(id, {
          name: said.methodName,
          payload: said.payload ?? null,
          ...(responseTimeoutInSeconds !== undefined && { responseTimeoutS: responseTimeoutInSeconds }),
          ...(connectTimeoutInSeconds !== undefined && { connectTimeoutS: connectTimeoutInSeconds }),
        });
        return { json };
      },
    ],
  ];
};

/** What a client has read and sends back whole. */
function withoutMarks(properties: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => key !== "$metadata" && key !== "$version"));
}

const localRoutes = (hub: AzureHub): readonly Route[] => [
  [
    "GET",
    /^\/local\/events$/,
    ({ query }) => {
      const [device, kind] = [query.get("device"), query.get("kind")];
      const since = Number(query.get("since") ?? 0);
      const events = hub.events
        .since(Number.isFinite(since) ? since : 0)
        .filter((event) => (device === null || event.device === device) && (kind === null || event.kind === kind));
      return { json: { last: hub.events.last, events: events.slice(0, EVENTS_AT_ONCE).map(eventView) } };
    },
  ],
  ["GET", /^\/local\/usage$/, () => ({ json: hub.usage() })],
  ["GET", /^\/local\/faults$/, () => ({ json: hub.faults.list() })],
  // The schema yields what the type says; only its spelling of "left out" differs.
  [
    "POST",
    /^\/local\/faults$/,
    ({ body }) => ({ status: 201, json: { id: hub.faults.add(bodyOf(REQUESTS.fault, body) as Fault) } }),
  ],
  [
    "DELETE",
    /^\/local\/faults$/,
    () => {
      hub.faults.clear();
      return { json: {} };
    },
  ],
  [
    "DELETE",
    /^\/local\/faults\/(\d+)$/,
    ({ names: [id = ""] }) => {
      if (!hub.faults.remove(Number(id))) throw new ServiceError(404, 404000, `there is no fault ${id}`);
      return { json: {} };
    },
  ],
  [
    "POST",
    /^\/local\/hub$/,
    ({ body }) => {
      const { away, skewMs, useUp, rates } = bodyOf(REQUESTS.knobs, body);
      if (away !== undefined) hub.setAway(away);
      if (skewMs !== undefined) hub.setSkew(skewMs);
      if (useUp !== undefined) hub.useUp(useUp);
      if (rates) hub.setRates(Object.fromEntries(Object.entries(rates).filter(([, rate]) => rate !== undefined)));
      return { json: {} };
    },
  ],
  [
    "POST",
    /^\/local\/devices\/([^/]+)\/disconnect$/,
    ({ names: [id = ""], body }) => ({
      json: { wasConnected: hub.disconnect(id, bodyOf(REQUESTS.disconnect, body).how ?? "fin") },
    }),
  ],
  [
    "POST",
    /^\/local\/devices\/([^/]+)\/forget-session$/,
    ({ names: [id = ""] }) => {
      hub.forgetSession(id);
      return { json: {} };
    },
  ],
  [
    "POST",
    /^\/local\/devices\/([^/]+)\/recreate-twin$/,
    ({ names: [id = ""], body }) => {
      const { desired, version } = bodyOf(REQUESTS.recreate, body);
      hub.recreateTwin(id, { ...(desired && { desired }), ...(version !== undefined && { version }) });
      return { json: {} };
    },
  ],
];

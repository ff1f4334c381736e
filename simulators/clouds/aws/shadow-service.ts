/**
 * The shadow service behind the broker: requests on `$aws/things/{thing}/shadow[/name/{shadow}]/{get|update|delete}`
 * become publications on the topics of their answers. What a thing lacks is made at its first update.
 */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { DELETED_VERSION_KEPT_MS } from "./limits.ts";
import { type Refusal, type Shadow, shadowDocument, updateShadow } from "./shadow.ts";

export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface ShadowId {
  readonly thing: string;
  /** undefined: the classic one. */
  readonly name?: string | undefined;
}

export interface ShadowRequest extends ShadowId {
  readonly operation: "get" | "update" | "delete";
}

export interface ShadowService {
  /** What goes out because of it. */
  request(request: ShadowRequest, payload: Uint8Array): Publication[];
  /** …when it is refused before it is looked at. */
  refuse(request: ShadowRequest, payload: Uint8Array, refusal: Refusal): Publication[];
  readonly shadow: (id: ShadowId) => Shadow | undefined;
  /** As if it had been deleted two days ago: the next one begins at version 1. Tells nobody. */
  forget(id: ShadowId): void;
}

const TOPIC = /^\$aws\/things\/([^/]+)\/shadow\/(?:name\/([^/]+)\/)?(get|update|delete)$/;

/** undefined when it is no request to the shadow service. */
export function shadowRequestFrom(topic: string): ShadowRequest | undefined {
  const [, thing, name, operation] = TOPIC.exec(topic) ?? [];
  if (thing === undefined || operation === undefined) return undefined;
  return { thing, name, operation: operation as ShadowRequest["operation"] };
}

export const shadowRoot = ({ thing, name }: ShadowId): string =>
  `$aws/things/${thing}/shadow${name === undefined ? "" : `/name/${name}`}`;

export function createShadowService(deps: { readonly wallMs: () => number }): ShadowService {
  const shadows = new Map<string, Shadow>();
  const deleted = new Map<string, { readonly version: number; readonly atMs: number }>();
  const seconds = (): number => Math.floor(deps.wallMs() / 1000);

  const lastVersion = (root: string): number => {
    const grave = deleted.get(root);
    return grave && deps.wallMs() - grave.atMs < DELETED_VERSION_KEPT_MS ? grave.version : 0;
  };

  const respond = (request: ShadowRequest, payload: Uint8Array): Publication[] => {
    const root = shadowRoot(request);
    const body = bodyFrom(payload);
    const answer = answersTo(root, request.operation, tokenIn(body));
    const shadow = shadows.get(root);
    if (request.operation !== "update" && !shadow) return answer.rejected(noShadow(request));
    if (request.operation === "get" && shadow) return [answer.accepted(shadowDocument(shadow, seconds()))];
    if (request.operation === "delete" && shadow) {
      shadows.delete(root);
      deleted.set(root, { version: shadow.version, atMs: deps.wallMs() });
      return [answer.accepted({ version: shadow.version, timestamp: seconds() })];
    }
    if (!body) return answer.rejected({ code: 400, message: "Invalid JSON" });
    const update = updateShadow(shadow, body, seconds(), lastVersion(root));
    if ("code" in update) return answer.rejected(update);
    shadows.set(root, update.shadow);
    return [
      answer.accepted(update.accepted),
      ...(update.delta ? [answer.on("delta", update.delta)] : []),
      answer.on("documents", update.documents),
    ];
  };

  const answersTo = (root: string, operation: string, token: Json | undefined) => {
    const on = (what: string, document: JsonObject): Publication => ({
      topic: `${root}/${operation}/${what}`,
      payload: new TextEncoder().encode(
        JSON.stringify({ ...document, ...(token !== undefined && { clientToken: token }) }),
      ),
    });
    return {
      on,
      accepted: (document: JsonObject) => on("accepted", document),
      rejected: ({ code, message }: Refusal) => [on("rejected", { code, message, timestamp: seconds() })],
    };
  };

  return {
    request: respond,
    refuse: (request, payload, refusal) =>
      answersTo(shadowRoot(request), request.operation, tokenIn(bodyFrom(payload))).rejected(refusal),
    shadow: (id) => shadows.get(shadowRoot(id)),
    forget: (id) => {
      shadows.delete(shadowRoot(id));
      deleted.delete(shadowRoot(id));
    },
  };
}

const noShadow = ({ thing, name }: ShadowId): Refusal => ({
  code: 404,
  message:
    name === undefined ? `No shadow exists with name: '${thing}'` : `No shadow exists with name: '${thing}~${name}'`,
});

const bodyFrom = (payload: Uint8Array): JsonObject | undefined => {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const tokenIn = (body: JsonObject | undefined): Json | undefined => {
  const token = body?.["clientToken"];
  return typeof token === "string" ? token : undefined;
};

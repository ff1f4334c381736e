/** The HTTP API of contract.ts, and the page. Listening is the caller's. */
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Bridge } from "../bridge.ts";
import { HTTP_BODY_BYTES_MAX, HTTP_CONNECTIONS_MAX, WRONG_TOKENS_PER_MINUTE_MAX } from "../limits.ts";
import { TwinError, type TwinRefusal } from "../twin/validate.ts";
import type { Clock, Log, Timers } from "../world.ts";
import { addCommandRoutes, addFileRoutes } from "./command-routes.ts";
import { ApiError, type ApiErrorCode } from "./errors.ts";
import { addEventRoutes } from "./events.ts";
import { addPageRoutes, type Page } from "./page.ts";
import { addReadRoutes } from "./read-routes.ts";
import { addWriteRoutes } from "./write-routes.ts";

export type ApiBridge = Pick<
  Bridge,
  "store" | "credentials" | "tokens" | "revoke" | "twins" | "commands" | "live" | "summaryOf" | "isOnline"
>;

export interface ApiDeps {
  readonly bridge: ApiBridge;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly version: string;
  readonly page: Page;
  /** Whether an Authorization header may write. */
  readonly mayWrite: (authorization: string | undefined) => boolean;
  /** Host names under which this server is called, lower case; undefined: any (it listens beyond loopback). */
  readonly hostNames: readonly string[] | undefined;
}

export function createApi(deps: ApiDeps): FastifyInstance {
  const app = fastify({
    bodyLimit: HTTP_BODY_BYTES_MAX,
    requestTimeout: 10_000,
    // Streams of events never end by themselves.
    forceCloseConnections: true,
    onProtoPoisoning: "error",
    onConstructorPoisoning: "ignore",
    // Addresses that can't be decoded never reach the handlers below; they get the same guards and the same shape.
    frameworkErrors: (error, request, reply) => {
      setSecurityHeaders(reply);
      answerError(deps.log, error, request, reply);
    },
  });
  app.server.maxConnections = HTTP_CONNECTIONS_MAX;
  const guard = createWriteGuard(deps);
  app.addContentTypeParser(
    "application/merge-patch+json",
    { parseAs: "string" },
    app.getDefaultJsonParser("error", "ignore"),
  );
  app.addHook("onRequest", async (request, reply) => {
    setSecurityHeaders(reply);
    checkHost(request, deps.hostNames);
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => answerError(deps.log, error, request, reply));
  app.setNotFoundHandler(() => {
    throw new ApiError(404, "not-found", "no such address", "the addresses stand in the API's documentation");
  });
  addReadRoutes(app, deps);
  addWriteRoutes(app, deps, guard);
  addCommandRoutes(app, deps, guard);
  addFileRoutes(app, deps, guard);
  addEventRoutes(app, deps);
  addPageRoutes(app, deps.page);
  return app;
}

function setSecurityHeaders(reply: FastifyReply): void {
  void reply.headers({
    "content-security-policy":
      "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
  });
}

/** A web page elsewhere can make its own name point to 127.0.0.1 (DNS rebinding); it can't change the Host header. */
function checkHost(request: FastifyRequest, hostNames: readonly string[] | undefined): void {
  if (hostNames === undefined || hostNames.includes(request.hostname.toLowerCase().replace(/^\[|\]$/g, ""))) return;
  throw new ApiError(400, "host", `this server isn't "${request.hostname}"`, "call it by the address it listens on");
}

/** Throws ApiError 401, or 429 once an address has guessed too often within a minute. */
function createWriteGuard({ clock, mayWrite, log }: ApiDeps): (request: FastifyRequest) => Promise<void> {
  let minute = 0;
  const wrong = new Map<string, number>();
  return async (request) => {
    const now = Math.floor(clock.monotonicMs() / 60_000);
    if (now !== minute) wrong.clear();
    minute = now;
    const guesses = wrong.get(request.ip) ?? 0;
    if (guesses >= WRONG_TOKENS_PER_MINUTE_MAX) {
      throw new ApiError(429, "too-many-attempts", "too many wrong tokens", "wait a minute");
    }
    if (mayWrite(request.headers.authorization)) return;
    // No guess: any web page can make a browser send such a request, and must not lock the owner out.
    if (request.headers.authorization !== undefined) wrong.set(request.ip, guesses + 1);
    log("warn", "api-unauthorized", { from: request.ip, method: request.method, url: request.url });
    throw new ApiError(
      401,
      "unauthorized",
      "writing needs the token",
      'send "Authorization: Bearer TOKEN"; the token was printed at the first start and stands in the file "token" of the data folder',
    );
  };
}

const TWIN_STATUS: Record<TwinRefusal, ApiErrorCode> = {
  "not-an-object": 400,
  key: 400,
  depth: 400,
  size: 413,
  conflict: 409,
};

function answerError(
  log: Log,
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof ApiError) {
    const { statusCode, error: code, message, advice } = error;
    return reply.code(statusCode).send({ error: code, message, ...(advice !== undefined && { advice }) });
  }
  if (error instanceof TwinError) {
    return reply.code(TWIN_STATUS[error.reason]).send({ error: `twin-${error.reason}`, message: error.message });
  }
  const status = "statusCode" in error ? (error.statusCode ?? 500) : 500;
  // The server's own 414, 415 and the like; the contract has 400 for them.
  if (status < 500)
    return reply.code(status === 413 ? 413 : 400).send({ error: "bad-request", message: error.message });
  log("error", "api-failed", { method: request.method, url: request.url, error });
  return reply.code(500).send({ error: "internal", message: "the bridge failed on this request; its log says why" });
}

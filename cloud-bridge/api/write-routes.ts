import { STATION_NAME } from "@pump-station/agent/wire/topics.ts";
import type { Json } from "@pump-station/agent/wire/twin-document.ts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import { ENROLMENT_TOKEN_LIFE_MS_DEFAULT } from "../limits.ts";
import { ApiError } from "./errors.ts";
import { checked, knownStation } from "./read-routes.ts";
import type { ApiDeps } from "./server.ts";

const NEW_STATION = z.strictObject({
  station: z.string().regex(STATION_NAME, "1 to 64 of a-z, 0-9 and -, neither first nor last a -"),
  enrol: z.literal(true).optional(),
});

export function addWriteRoutes(
  app: FastifyInstance,
  { bridge, clock, log }: ApiDeps,
  guard: (request: FastifyRequest) => Promise<void>,
): void {
  // Before the body is read.
  const onRequest = guard;

  app.post("/api/stations", { onRequest }, async ({ body }, reply) => {
    const { station, enrol } = checked(NEW_STATION, body);
    const atMs = clock.wallMs();
    const added = enrol
      ? await bridge.tokens.add(station, atMs, ENROLMENT_TOKEN_LIFE_MS_DEFAULT)
      : withPassword(station, await bridge.credentials.add(station, atMs));
    if (added === undefined) {
      throw new ApiError(
        409,
        "station-exists",
        `there is a station "${station}" already`,
        "never reuse another station's name",
      );
    }
    log("info", "station-added", { station });
    bridge.live.touch(station);
    return reply.code(201).send(added);
  });

  app.post("/api/stations/:station/token", { onRequest }, async ({ params }, reply) => {
    const { station } = await knownStation(bridge, params);
    const token = await bridge.tokens.renew(station, clock.wallMs(), ENROLMENT_TOKEN_LIFE_MS_DEFAULT);
    log("info", "station-token-made", { station, until: token?.until });
    bridge.live.touch(station);
    return reply.code(201).send(token);
  });

  app.post("/api/stations/:station/revoke", { onRequest }, async ({ params }) => {
    const { station } = await knownStation(bridge, params);
    await bridge.revoke(station);
    log("warn", "station-revoked", { station });
    bridge.live.touch(station);
    return knownStation(bridge, params);
  });

  app.patch("/api/stations/:station/twin/desired", { onRequest }, async ({ params, body, headers }) => {
    const { station } = await knownStation(bridge, params);
    return bridge.twins.patchDesired(station, body as Json | undefined, versionFrom(headers["if-match"]));
  });
}

const withPassword = (station: string, password: string | undefined) =>
  password === undefined ? undefined : { station, password };

/** `If-Match: "7"`. Throws ApiError 400 when it isn't a version. */
function versionFrom(header: string | undefined): number | undefined {
  if (header === undefined || header === "*") return undefined;
  const version = /^"(\d{1,15})"$/.exec(header)?.[1];
  if (version === undefined) throw new ApiError(400, "if-match", `If-Match is ${header}, not a version like "7"`);
  return Number(version);
}

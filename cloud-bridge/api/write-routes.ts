import { STATION_NAME } from "@pump-station/agent/wire/topics.ts";
import type { Json } from "@pump-station/agent/wire/twin-document.ts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import { ApiError } from "./errors.ts";
import { checked, knownStation } from "./read-routes.ts";
import type { ApiDeps } from "./server.ts";

const NEW_STATION = z.strictObject({
  station: z.string().regex(STATION_NAME, "1 to 64 of a-z, 0-9 and -, neither first nor last a -"),
});

export function addWriteRoutes(
  app: FastifyInstance,
  { bridge, clock, log }: ApiDeps,
  guard: (request: FastifyRequest) => Promise<void>,
): void {
  // Before the body is read.
  const onRequest = guard;

  app.post("/api/stations", { onRequest }, async ({ body }, reply) => {
    const { station } = checked(NEW_STATION, body);
    const password = await bridge.credentials.add(station, clock.wallMs());
    if (password === undefined) {
      throw new ApiError(
        409,
        "station-exists",
        `there is a station "${station}" already`,
        "never reuse another station's name",
      );
    }
    log("info", "station-added", { station });
    bridge.live.touch(station);
    return reply.code(201).send({ station, password });
  });

  app.patch("/api/stations/:station/twin/desired", { onRequest }, async ({ params, body, headers }) => {
    const { station } = await knownStation(bridge, params);
    return bridge.twins.patchDesired(station, body as Json | undefined, versionFrom(headers["if-match"]));
  });
}

/** `If-Match: "7"`. Throws ApiError 400 when it isn't a version. */
function versionFrom(header: string | undefined): number | undefined {
  if (header === undefined || header === "*") return undefined;
  const version = /^"(\d{1,15})"$/.exec(header)?.[1];
  if (version === undefined) throw new ApiError(400, "if-match", `If-Match is ${header}, not a version like "7"`);
  return Number(version);
}

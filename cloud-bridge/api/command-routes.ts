/** Commands: to a station or a device of it, now, or as soon as it listens. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import { COMMAND_WAIT_MS_MAX } from "../limits.ts";
import { UNANSWERED } from "../route/waiting-commands.ts";
import type { WaitingCommand } from "./contract.ts";
import { ApiError } from "./errors.ts";
import { checked, knownStation, STATION } from "./read-routes.ts";
import type { ApiDeps } from "./server.ts";

const NAME = z.string().min(1).max(64);
const COMMAND = z.strictObject({
  device: NAME.optional(),
  command: NAME,
  arguments: z.record(NAME, z.json()).optional(),
  by: NAME.optional(),
  expires: z.number().int().optional(),
});
const ONE = STATION.extend({ id: NAME });

export function addCommandRoutes(
  app: FastifyInstance,
  { bridge, clock }: ApiDeps,
  guard: (request: FastifyRequest) => Promise<void>,
): void {
  // Before the body is read.
  const onRequest = guard;

  app.post("/api/stations/:station/command", { onRequest }, async ({ params, body }, reply) => {
    const { station } = await knownStation(bridge, params);
    const { expires, ...asked } = checked(COMMAND, body);
    if (expires !== undefined) checkLife(expires - clock.wallMs());
    const outcome = await bridge.commands.call(station, withoutUndefined(asked), expires);
    switch (outcome.done) {
      case "answered":
        return outcome.answer;
      case "waits":
        return reply.code(202).send(outcome.waiting);
      case "offline":
        throw new ApiError(
          409,
          "station-offline",
          `${station} is not connected`,
          'try again when it is, or let the command wait: {"expires": ms since 1970}',
        );
      case "too-many":
        throw new ApiError(
          429,
          "too-many-commands",
          "too many commands wait for their answers",
          "try again in half a minute",
        );
      case "unanswered":
        return { status: 504, text: UNANSWERED };
    }
  });

  app.get("/api/stations/:station/commands", async ({ params }) =>
    bridge.commands.waiting((await knownStation(bridge, params)).station),
  );

  app.get("/api/stations/:station/commands/:id", async ({ params }) => {
    const { station } = await knownStation(bridge, params);
    return known(bridge.commands.waiting(station), checked(ONE, params).id);
  });

  app.delete("/api/stations/:station/commands/:id", { onRequest }, async ({ params }) => {
    const { station } = await knownStation(bridge, params);
    const { id } = checked(ONE, params);
    if (await bridge.commands.cancel(station, id)) return known(bridge.commands.waiting(station), id);
    const { state } = known(bridge.commands.waiting(station), id);
    throw new ApiError(409, "command-not-waiting", `command ${id} can't be cancelled: it is ${state}`);
  });
}

/** What stations have sent as files. They tell much of a station: reading them needs the token, too. */
export function addFileRoutes(
  app: FastifyInstance,
  { bridge }: ApiDeps,
  guard: (request: FastifyRequest) => Promise<void>,
): void {
  const onRequest = guard;

  app.get("/api/stations/:station/files", { onRequest }, async ({ params }) =>
    bridge.store.files((await knownStation(bridge, params)).station),
  );
  app.get("/api/stations/:station/files/:id", { onRequest }, async ({ params }, reply) => {
    const { station } = await knownStation(bridge, params);
    const { id } = checked(ONE, params);
    const body = await bridge.store.file(station, id);
    if (!body) throw new ApiError(404, "unknown-file", `${station} has sent no file ${id}`);
    return reply.type("application/octet-stream").send(Buffer.from(body));
  });
}

function checkLife(ms: number): void {
  if (ms > 0 && ms <= COMMAND_WAIT_MS_MAX) return;
  throw new ApiError(
    400,
    "bad-request",
    ms > 0 ? "expires: more than a day ahead" : "expires: is over already",
    "ms since 1970, at most a day ahead: what shall be for longer is a setting",
  );
}

function known(all: readonly WaitingCommand[], id: string): WaitingCommand {
  const found = all.find((one) => one.id === id);
  if (!found) throw new ApiError(404, "unknown-command", `no command ${id} waits or waited`);
  return found;
}

const withoutUndefined = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };

import type { FastifyInstance } from "fastify";
import * as z from "zod";
import {
  LIST_LIMIT_DEFAULT,
  LIST_LIMIT_MAX,
  READINGS_LIMIT_DEFAULT,
  READINGS_LIMIT_MAX,
  TIME_MS_MAX,
} from "../limits.ts";
import type { StationSummary } from "./contract.ts";
import { ApiError, unknownStation } from "./errors.ts";
import type { ApiDeps } from "./server.ts";

const NAME = z.string().min(1).max(64);
const TIME = z.coerce.number().int().min(-TIME_MS_MAX).max(TIME_MS_MAX);
const limit = (standard: number, max: number) => z.coerce.number().int().min(1).max(max).default(standard);

const READINGS = z.strictObject({
  device: NAME,
  channel: NAME.optional(),
  from: TIME.default(-TIME_MS_MAX),
  to: TIME.default(TIME_MS_MAX),
  limit: limit(READINGS_LIMIT_DEFAULT, READINGS_LIMIT_MAX),
  order: z.enum(["asc", "desc"]).default("asc"),
});
const LIST = z.strictObject({ limit: limit(LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX) });
const QUARANTINE = LIST.extend({ station: NAME.optional() });
export const STATION = z.object({ station: NAME });

export function addReadRoutes(app: FastifyInstance, { bridge, version }: ApiDeps): void {
  const { store } = bridge;

  app.get("/api/health", async () => ({ status: "ok", version, ...(await store.figures()) }));

  app.get("/api/stations", async () =>
    (await store.stations()).map((station) => ({ ...station, online: bridge.isOnline(station.station) })),
  );
  app.get("/api/stations/:station", async ({ params }) => knownStation(bridge, params));

  app.get("/api/stations/:station/streams", async ({ params }) =>
    store.streams((await knownStation(bridge, params)).station),
  );
  app.get("/api/stations/:station/readings", async ({ params, query }) => {
    const { station } = await knownStation(bridge, params);
    const { device, channel, from, to, limit, order } = checked(READINGS, query);
    const asked = { station, device, ...(channel !== undefined && { channel }), fromMs: from, toMs: to, limit, order };
    const readings = await store.readings(asked);
    if (readings) return readings;
    const what = channel === undefined ? `device "${device}"` : `channel "${channel}" of device "${device}"`;
    throw new ApiError(404, "unknown-stream", `${station} has no ${what}`, `GET /api/stations/${station}/streams`);
  });
  app.get("/api/stations/:station/alarms", async ({ params, query }) =>
    store.alarms((await knownStation(bridge, params)).station, checked(LIST, query).limit),
  );
  app.get("/api/stations/:station/journal", async ({ params, query }) =>
    store.journal((await knownStation(bridge, params)).station, checked(LIST, query).limit),
  );
  app.get("/api/stations/:station/ledger", async ({ params }) =>
    store.ledger({ station: (await knownStation(bridge, params)).station }),
  );
  app.get("/api/stations/:station/twin", async ({ params }) =>
    bridge.twins.twin((await knownStation(bridge, params)).station),
  );
  app.get("/api/quarantine", async ({ query }) => {
    const { station, limit } = checked(QUARANTINE, query);
    return store.quarantine(station, limit);
  });
}

/** Throws ApiError 404. */
export async function knownStation(bridge: ApiDeps["bridge"], params: unknown): Promise<StationSummary> {
  const { station } = checked(STATION, params);
  const summary = await bridge.summaryOf(station);
  if (!summary) throw unknownStation(station);
  return summary;
}

/** Throws ApiError 400 that names each wrong part. */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": "));
  throw new ApiError(400, "bad-request", problems.join("; "));
}

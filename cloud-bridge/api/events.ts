/** Server-sent events (WHATWG HTML, 9.2). A listener that can't keep up is cut off and reads the rest through the API. */
import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { EVENT_CLIENT_BYTES_MAX, EVENT_CLIENTS_MAX, EVENT_HEARTBEAT_MS } from "../limits.ts";
import type { LiveEvent } from "../route/live.ts";
import { ApiError } from "./errors.ts";
import { checked } from "./read-routes.ts";
import type { ApiDeps } from "./server.ts";

const QUERY = z.strictObject({ station: z.string().min(1).max(64).optional() });

export function addEventRoutes(app: FastifyInstance, { bridge, timers, log }: ApiDeps): void {
  const open = new Set<ServerResponse>();
  app.addHook("onClose", async () => {
    for (const response of open) response.destroy();
  });

  app.get("/api/events", async (request, reply) => {
    const { station } = checked(QUERY, request.query);
    if (open.size >= EVENT_CLIENTS_MAX) {
      throw new ApiError(429, "too-many-listeners", `${EVENT_CLIENTS_MAX} listeners already`, "close another page");
    }
    const headers = Object.entries(reply.getHeaders());
    reply.hijack();
    const response = reply.raw;
    for (const [name, value] of headers) if (value !== undefined) response.setHeader(name, value);
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    open.add(response);

    const write = (text: string): void => {
      response.write(text);
      if (response.writableLength <= EVENT_CLIENT_BYTES_MAX) return;
      log("warn", "events-listener-too-slow", { from: request.ip, bytes: response.writableLength });
      response.destroy();
    };
    write("retry: 2000\n\n");
    const unlisten = bridge.live.listen(station, (event) => write(eventText(event)));
    let cancelHeartbeat = (): void => undefined;
    const heartbeat = (): void => {
      cancelHeartbeat = timers.after(EVENT_HEARTBEAT_MS, () => {
        write(":\n\n");
        heartbeat();
      });
    };
    heartbeat();
    response.on("error", (error) => log("debug", "events-listener-failed", { error }));
    response.on("close", () => {
      unlisten();
      cancelHeartbeat();
      open.delete(response);
    });
  });
}

/** JSON holds no line break, so that one data line is enough. */
const eventText = ({ event, data }: LiveEvent): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

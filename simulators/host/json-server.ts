/** HTTP on loopback for a service API: one request in, JSON out. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServiceApi } from "../clouds/aws/service-api.ts";

/** A shadow has 8 KB; a message 128 KB. */
const BODY_BYTES_MAX = 256 * 1024;

export interface JsonServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function serveJson(api: ServiceApi, port: number): Promise<JsonServer> {
  const server = createServer((request, response) => {
    void answer(api, request).then(({ status, json }) => {
      response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
      response.end(`${JSON.stringify(json)}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(api: ServiceApi, request: IncomingMessage): Promise<{ status: number; json: unknown }> {
  // A page in a browser may call loopback, too; none of them is a client of this.
  if (request.headers.origin !== undefined) return { status: 403, json: { error: "not for pages of a browser" } };
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Uint8Array>) {
      bytes += part.length;
      if (bytes > BODY_BYTES_MAX) return { status: 413, json: { error: `more than ${BODY_BYTES_MAX} bytes` } };
      parts.push(part);
    }
  } catch (error) {
    return { status: 400, json: { error: String(error) } };
  }
  const body = Buffer.concat(parts).toString("utf8");
  return api({ method: request.method ?? "GET", url: request.url ?? "/", body });
}

/** HTTP on loopback for a local cloud's service API and its page: one request in, one answer out. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { ApiAnswer, ServiceApi } from "../clouds/azure/service/api.ts";

/** A method's payload has 128 KB, a cloud-to-device message 64 KB, as base64 a third more. */
const BODY_BYTES_MAX = 256 * 1024;

export interface ServiceServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function serveService(api: ServiceApi, options: { host?: string; port: number }): Promise<ServiceServer> {
  const { host = "127.0.0.1", port } = options;
  const server = createServer((request, response) => {
    void answer(api, request, host).then(({ status, type, etag, body }) => {
      response.writeHead(status, {
        "content-type": `${type}; charset=utf-8`,
        "cache-control": "no-store",
        ...(etag !== undefined && { etag }),
      });
      response.end(body);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(api: ServiceApi, request: IncomingMessage, host: string): Promise<ApiAnswer> {
  const stranger = strangerIn(request, host);
  if (stranger !== undefined) return refusal(403, stranger);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Uint8Array>) {
      bytes += part.length;
      if (bytes > BODY_BYTES_MAX) return refusal(413, `more than ${BODY_BYTES_MAX} bytes`);
      parts.push(part);
    }
  } catch (error) {
    return refusal(400, String(error));
  }
  const ifMatch = request.headers["if-match"];
  return api({
    method: request.method ?? "GET",
    url: request.url ?? "/",
    body: Buffer.concat(parts).toString("utf8"),
    ...(ifMatch !== undefined && { ifMatch }),
  });
}

/** A page of somewhere else may call loopback too, directly or by a name of its own that points here. */
function strangerIn({ headers }: IncomingMessage, host: string): string | undefined {
  const isLoopback = host === "127.0.0.1" || host === "::1" || host === "localhost";
  const [name = ""] = (headers.host ?? "").split(/:\d+$/);
  if (isLoopback && !["localhost", "127.0.0.1", "[::1]"].includes(name)) return `this is localhost, not ${name}`;
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host ?? ""}`)
    return `pages of ${headers.origin} have no business here`;
  return undefined;
}

const refusal = (status: number, message: string): ApiAnswer => ({
  status,
  type: "application/json",
  body: JSON.stringify({ Message: message }),
});

import { READY_WITHIN_MS } from "../limits.ts";
import type { Http } from "../world.ts";

export const fetchHttp: Http = {
  request: async (method, url, { token, body } = {}) => {
    try {
      const response = await fetch(url, {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(READY_WITHIN_MS),
      });
      const text = await response.text();
      return { status: response.status, json: text === "" ? null : (JSON.parse(text) as unknown) };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new Error(`${method} ${url}: ${cause}`, { cause: error });
    }
  },
};

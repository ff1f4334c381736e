/** The HTTP API as calls. Every failure is an ApiProblem with words for a person. */
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type {
  AlarmEntry,
  LedgerEntry,
  QuarantineEntry,
  Readings,
  StationSummary,
  Stream,
  Twin,
} from "../api/contract.ts";
import { ROWS_MAX } from "./series.ts";

export interface Api {
  stations(): Promise<readonly StationSummary[]>;
  streams(station: string): Promise<readonly Stream[]>;
  /** The newest readings of a device since `from`, ms since 1970; at most ROWS_MAX. */
  readings(station: string, device: string, from: number): Promise<Readings>;
  alarms(station: string): Promise<readonly AlarmEntry[]>;
  ledger(station: string): Promise<readonly LedgerEntry[]>;
  quarantine(station: string): Promise<readonly QuarantineEntry[]>;
  twin(station: string): Promise<Twin>;
  setDesired(station: string, patch: JsonObject, token: string): Promise<Twin>;
}

export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  /** HTTP status; 0: the bridge could not be reached. */
  readonly status: number;
  constructor(status: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.status = status;
  }
}

export const problemText = (problem: unknown): string =>
  problem instanceof Error ? problem.message : `Something unexpected: ${String(problem)}`;

type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

export function createApi(deps: { readonly fetch: Fetch }): Api {
  const get = <T>(path: string): Promise<T> => ask<T>(deps.fetch, path);
  const of = (station: string): string => `api/stations/${encodeURIComponent(station)}`;
  return {
    stations: () => get("api/stations"),
    streams: (station) => get(`${of(station)}/streams`),
    readings: (station, device, from) => {
      const query = new URLSearchParams({ device, from: String(from), order: "desc", limit: String(ROWS_MAX) });
      return get(`${of(station)}/readings?${query}`);
    },
    alarms: (station) => get(`${of(station)}/alarms?limit=200`),
    ledger: (station) => get(`${of(station)}/ledger`),
    quarantine: (station) => get(`api/quarantine?station=${encodeURIComponent(station)}&limit=20`),
    twin: (station) => get(`${of(station)}/twin`),
    setDesired: (station, patch, token) =>
      ask<Twin>(deps.fetch, `${of(station)}/twin/desired`, {
        method: "PATCH",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify(patch),
      }),
  };
}

/** Throws ApiProblem. The server is our own bridge, so that the shape of a good answer is its contract. */
async function ask<T>(fetch: Fetch, path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    throw new ApiProblem(0, "The bridge can't be reached.", { cause });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new ApiProblem(response.status, wordsOf(response.status, body));
  if (body === undefined) throw new ApiProblem(response.status, `${path}: the bridge's answer is not JSON.`);
  return body as T;
}

/** The bridge's own words (message, advice), else what the status means. */
function wordsOf(status: number, body: unknown): string {
  const { message, advice } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const said = [message, advice].filter((part) => typeof part === "string" && part !== "").join(" ");
  return said || (STATUS_WORDS[status] ?? `The bridge answered ${status}.`);
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  400: "The bridge refused this as not valid.",
  401: "The bridge didn't accept this access token.",
  404: "The bridge doesn't know this.",
  409: "Someone else changed this in the meantime.",
  413: "This is too large.",
  429: "Too many requests; try again in a minute.",
};

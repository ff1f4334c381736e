/** The cloud bridge as a demonstration uses it: over its HTTP API, as anybody would. */
import type {
  AlarmEntry,
  LedgerEntry,
  Readings,
  StationSummary,
  Twin,
} from "@pump-station/cloud-bridge/api/contract.ts";
import type { Http } from "../world.ts";

export interface BridgeApi {
  readonly url: string;
  /** Its MQTT password; undefined: it is registered already, and its password was shown then. */
  register(station: string): Promise<string | undefined>;
  station(station: string): Promise<StationSummary>;
  readings(station: string, device: string, query?: Readonly<Record<string, string | number>>): Promise<Readings>;
  /** The newest, at most 1,000. */
  alarms(station: string): Promise<readonly AlarmEntry[]>;
  ledger(station: string): Promise<readonly LedgerEntry[]>;
  twin(station: string): Promise<Twin>;
  setDesired(station: string, patch: object): Promise<Twin>;
}

/** Throws Error "GET http://… : 404 not-found …". */
export function createBridgeApi(http: Http, url: string, token: string): BridgeApi {
  const call = async (method: "GET" | "POST" | "PATCH", path: string, body?: unknown): Promise<unknown> => {
    const { status, json } = await http.request(method, url + path, body === undefined ? {} : { token, body });
    if (status >= 400) throw new Error(`${method} ${url}${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  };
  const of = (station: string) => `/api/stations/${encodeURIComponent(station)}`;
  return {
    url,
    register: async (station) => {
      const { status, json } = await http.request("POST", `${url}/api/stations`, { token, body: { station } });
      if (status === 409) return undefined;
      if (status !== 201) throw new Error(`register ${station} at ${url}: ${status} ${JSON.stringify(json)}`);
      return (json as { password: string }).password;
    },
    station: async (station) => (await call("GET", of(station))) as StationSummary,
    readings: async (station, device, query = {}) => {
      const parameters = new URLSearchParams({ device, ...mapValues(query, String) });
      return (await call("GET", `${of(station)}/readings?${parameters.toString()}`)) as Readings;
    },
    alarms: async (station) => (await call("GET", `${of(station)}/alarms?limit=1000`)) as readonly AlarmEntry[],
    ledger: async (station) => (await call("GET", `${of(station)}/ledger`)) as readonly LedgerEntry[],
    twin: async (station) => (await call("GET", `${of(station)}/twin`)) as Twin,
    setDesired: async (station, patch) => (await call("PATCH", `${of(station)}/twin/desired`, patch)) as Twin,
  };
}

const mapValues = (record: Readonly<Record<string, string | number>>, convert: (value: string | number) => string) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value)]));

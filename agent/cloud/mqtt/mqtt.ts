/**
 * The plain MQTT dialect: `wire/topics.ts` spoken over an MqttConnection. MQTT 3.1.1, QoS 1, clean session: what a
 * durable session would keep (desired patches, receipts) is fetched by GET on every connect or sent again by the bridge.
 */
import { BUILD_DATE_MS, CONNECT_TIMEOUT_MS } from "../../limits.ts";
import { STATION_NAME, topicsOf } from "../../wire/topics.ts";
import type { Chance, Clock, Log, MqttClients, MqttConnection, MqttOptions, Timers } from "../../world.ts";
import { type Cloud, CloudError } from "../cloud.ts";
import type { Credentials } from "../credentials.ts";
import { fixedKeepAlive, type KeepAlive } from "../keep-alive.ts";
import { createMqttCloudConnection } from "./connection.ts";
import { createKeptConnection } from "./kept-connection.ts";

export interface MqttCloudDeps {
  readonly clients: MqttClients;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  /** Asked at each connect; default: none. */
  readonly credentials?: () => Credentials;
}

export interface MqttCloudConfig {
  /** mqtts://host:port */
  readonly url: string;
  /** Also the client id, and the user name unless one is given. */
  readonly station: string;
  readonly username?: string;
  /** Default: a ping after 60 s. */
  readonly keepAlive?: KeepAlive;
  readonly connectTimeoutMs?: number;
}

const KEEP_ALIVE_DEFAULT = fixedKeepAlive(60);
const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Throws RangeError when the station's name can't be a topic level. */
export function createMqttCloud(deps: MqttCloudDeps, config: MqttCloudConfig): Cloud {
  if (!STATION_NAME.test(config.station)) throw new RangeError(`station name: ${JSON.stringify(config.station)}`);
  const topics = topicsOf(config.station);
  const { keepAlive = KEEP_ALIVE_DEFAULT } = config;

  return {
    connect: async (signal) => {
      const options = {
        ...mqttOptionsFrom(config, topics.alive, keepAlive.announceS()),
        ...tlsOptionsFrom(deps.credentials?.() ?? {}),
        ...judgedBy(deps.clock),
      };
      const mqtt = createKeptConnection(deps, await connectOnce(deps.clients, options, signal), keepAlive);
      const abort = () => void mqtt.close();
      signal.addEventListener("abort", abort, { once: true });
      try {
        // Listening comes before subscribing: a broker may deliver together with its SUBACK.
        const connection = createMqttCloudConnection({ ...deps, mqtt }, config.station);
        await mqtt.subscribe(topics.down);
        await mqtt.publish(topics.alive, json(birth(deps.clock)), { retain: true, deadlineMs: CONNECT_TIMEOUT_MS });
        signal.throwIfAborted();
        return connection;
      } catch (error) {
        await mqtt.close();
        signal.throwIfAborted();
        if (error instanceof CloudError) throw error;
        throw new CloudError("retry", `open the session with ${config.url}: ${textOf(error)}`, { cause: error });
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
  };
}

const mqttOptionsFrom = (config: MqttCloudConfig, aliveTopic: string, keepAliveS: number): MqttOptions => ({
  url: config.url,
  clientId: config.station,
  username: config.username ?? config.station,
  keepAliveS,
  connectTimeoutMs: config.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
  will: { topic: aliveTopic, payload: json({ online: false }), retain: true },
});

const tlsOptionsFrom = ({ ca, password, certificate, privateKey }: Credentials): Partial<MqttOptions> => ({
  ...(ca !== undefined && { ca }),
  ...(password && { password }),
  ...(certificate !== undefined && { cert: certificate }),
  ...(privateKey && { key: privateKey }),
});

/** Certificates are judged by the system's clock only when something vouches for it. */
const judgedBy = (clock: Clock): Pick<MqttOptions, "notBeforeMs"> =>
  clock.isWallTrusted() ? {} : { notBeforeMs: Math.max(BUILD_DATE_MS, clock.wallMs()) };

/** `since` only from a clock that something vouches for. */
const birth = (clock: Clock): object =>
  clock.isWallTrusted() ? { online: true, since: clock.wallMs() } : { online: true };

async function connectOnce(clients: MqttClients, options: MqttOptions, signal: AbortSignal): Promise<MqttConnection> {
  try {
    return await clients.connect(options, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CloudError) throw error;
    const refused = error instanceof Error && "code" in error && error.code === "refused";
    throw new CloudError(refused ? "reprovision" : "retry", `connect to ${options.url}: ${textOf(error)}`, {
      cause: error,
    });
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

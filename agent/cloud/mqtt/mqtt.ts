/**
 * The plain MQTT dialect: `wire/topics.ts` spoken over an MqttConnection. QoS 1, clean session (in MQTT 5: a session that
 * ends with its connection): what a durable session would keep (desired patches, receipts) is fetched by GET on every
 * connect or sent again by the bridge.
 */
import { CONNECT_TIMEOUT_MS } from "../../limits.ts";
import { STATION_NAME, topicsOf } from "../../wire/topics.ts";
import type { Cloud } from "../cloud.ts";
import { fixedKeepAlive, type KeepAlive } from "../keep-alive.ts";
import { openSession, type SessionDeps } from "../session.ts";
import { createMqttCloudConnection } from "./connection.ts";

export type MqttCloudDeps = SessionDeps;

export interface MqttCloudConfig {
  /** mqtts://host:port */
  readonly url: string;
  /** Also the client id, and the user name unless one is given. */
  readonly station: string;
  readonly username?: string;
  /** Default: a ping after 60 s. */
  readonly keepAlive?: KeepAlive;
  readonly connectTimeoutMs?: number;
  /** Default: 3.1.1. */
  readonly version?: 5;
}

const KEEP_ALIVE_DEFAULT = fixedKeepAlive(60);

/** Throws RangeError when the station's name can't be a topic level. */
export function createMqttCloud(deps: MqttCloudDeps, config: MqttCloudConfig): Cloud {
  const { url, station } = config;
  if (!STATION_NAME.test(station)) throw new RangeError(`station name: ${JSON.stringify(station)}`);
  const topics = topicsOf(station);
  const plan = {
    options: {
      url,
      clientId: station,
      username: config.username ?? station,
      connectTimeoutMs: config.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      ...(config.version !== undefined && { version: config.version }),
    },
    keepAlive: config.keepAlive ?? KEEP_ALIVE_DEFAULT,
    subscriptions: topics.down,
    aliveTopic: topics.alive,
  };
  return {
    connect: (signal) =>
      openSession(deps, plan, (mqtt) => createMqttCloudConnection({ ...deps, mqtt }, station), signal),
  };
}

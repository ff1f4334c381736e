/**
 * The AWS IoT Core dialect: MQTT with X.509 client certificates, QoS 1, clean session (AWS bills what a session keeps
 * twice, and replays it slowly; a GET at each connect costs less). Client id = thing = station, as policies want it
 * (`${iot:Connection.Thing.ThingName}`). Desired and reported are the two sides of a device shadow; messages, commands,
 * ledger and birth go over our own topics, which the thing's policy has to allow: `ps/1/{station}/#`. Commands also come
 * as AWS IoT jobs, where the policy allows their topics.
 */
import { CONNECT_TIMEOUT_MS } from "../../limits.ts";
import { STATION_NAME, topicsOf } from "../../wire/topics.ts";
import type { Cloud } from "../cloud.ts";
import { fixedKeepAlive, type KeepAlive } from "../keep-alive.ts";
import { openSession, type SessionDeps } from "../session.ts";
import { createAwsConnection } from "./connection.ts";
import { createJobsGate } from "./jobs-gate.ts";
import { SHADOW_NAME, shadowTopicsOf } from "./shadow-topics.ts";

export interface AwsCloudConfig {
  /** abc-ats.iot.eu-central-1.amazonaws.com */
  readonly host: string;
  readonly port: number;
  readonly station: string;
  /** undefined: the classic shadow. */
  readonly shadow?: string;
  readonly keepAlive?: KeepAlive;
  readonly connectTimeoutMs?: number;
}

/** On the port of HTTPS the protocol is asked for by this name (developer guide, "Protocols, port mappings"); not on 8883. */
const ALPN = "x-amzn-mqtt-ca";
const HTTPS_PORT = 443;

export const awsPlace = ({ host, port }: { readonly host: string; readonly port: number }) => ({
  url: `mqtts://${host}:${port}`,
  ...(port === HTTPS_PORT && { alpn: ALPN }),
});

/** Throws RangeError when station or shadow can't be named so. */
export function createAwsIotCoreCloud(deps: SessionDeps, config: AwsCloudConfig): Cloud {
  const { station, shadow } = config;
  if (!STATION_NAME.test(station)) throw new RangeError(`station name: ${JSON.stringify(station)}`);
  if (shadow !== undefined && !SHADOW_NAME.test(shadow)) throw new RangeError(`shadow: ${JSON.stringify(shadow)}`);
  const own = topicsOf(station);
  const jobsGate = createJobsGate(deps);
  const plan = {
    options: {
      ...awsPlace(config),
      clientId: station,
      connectTimeoutMs: config.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    },
    keepAlive: config.keepAlive ?? fixedKeepAlive(60),
    // Eight: as many as one SUBSCRIBE may hold.
    subscriptions: [...shadowTopicsOf(station, shadow).down, own.commandCall("+"), own.ledger],
    aliveTopic: own.alive,
  };
  return {
    connect: (signal) =>
      openSession(deps, plan, (mqtt) => createAwsConnection({ ...deps, mqtt, jobsGate }, { station, shadow }), signal),
  };
}

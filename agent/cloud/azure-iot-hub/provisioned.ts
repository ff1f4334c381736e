/**
 * A hub that a provisioning service chose. The choice is kept: the service is asked again only when the hub doesn't know
 * the station any more, or couldn't be reached ten times (Azure: "Device reconnection", each registration is billed).
 */
import { BUILD_DATE_MS } from "../../limits.ts";
import type { MqttClients } from "../../world.ts";
import { hubAt } from "../address.ts";
import { type Cloud, CloudError } from "../cloud.ts";
import type { Credentials } from "../credentials.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { type AzureDeps, createAzureHubCloud } from "./azure-iot-hub.ts";
import { type Assignment, type Registration, register } from "./provisioning.ts";
import { type AccessKey, derivedKey, readAccessKey, tokenFor } from "./shared-access.ts";

export interface ProvisionedDeps extends AzureDeps {
  readonly clients: MqttClients;
  /** On the medium, with its check. */
  readonly assignment: { load(): Assignment | undefined; save(assignment: Assignment): void };
}

export interface ProvisionedConfig {
  readonly host: string;
  readonly port: number;
  readonly scope: string;
  /** The registration id. */
  readonly station: string;
  readonly keyOf: "device" | "group";
  readonly keepAlive: KeepAlive;
  readonly tokenLifeMs: number;
}

const FAILURES_MAX = 10;
/** For the seconds that a registration takes; for a clock that nobody vouches for see azure-iot-hub.ts. */
const TOKEN_LIFE_MS = 3_600_000;
const UNCLOCKED_LIFE_MS = 366 * 86_400_000;

export function createProvisionedCloud(deps: ProvisionedDeps, config: ProvisionedConfig): Cloud {
  let known = deps.assignment.load();
  let hub = known && hubCloud(known);
  let failures = 0;
  let isStale = false;

  function hubCloud({ hub: address, device }: Assignment): Cloud {
    return createAzureHubCloud(deps, {
      ...hubAt(address),
      device,
      keepAlive: config.keepAlive,
      tokenLifeMs: config.tokenLifeMs,
      deviceKey: (key) => deviceKeyOf(key, config),
      onRefused: () => {
        isStale = true;
      },
    });
  }

  const provision = async (signal: AbortSignal): Promise<Cloud> => {
    // Whatever the service says: until then, the hub that is known gets its chances again.
    isStale = false;
    failures = 0;
    const assigned = await register(deps, registrationFrom(deps, config), signal);
    deps.log("info", "hub-assigned", { hub: assigned.hub, device: assigned.device, was: known?.hub });
    keep(assigned);
    return (hub = hubCloud(assigned));
  };

  const keep = (assigned: Assignment): void => {
    known = assigned;
    try {
      deps.assignment.save(assigned);
    } catch (error) {
      // A full disk costs a registration at the next start, not the connection.
      deps.log("error", "hub-assignment-not-saved", { error: String(error) });
    }
  };

  return {
    connect: async (signal) => {
      const to = hub === undefined || isStale || failures >= FAILURES_MAX ? await provision(signal) : hub;
      try {
        const connection = await to.connect(signal);
        failures = 0;
        return connection;
      } catch (error) {
        failures++;
        throw error;
      }
    },
  };
}

function registrationFrom(deps: ProvisionedDeps, config: ProvisionedConfig): Registration {
  const { clock } = deps;
  const { ca, certificate, privateKey, ...others } = deps.credentials();
  const { id: modelId } = deps.model();
  const { scope, station } = config;
  const resource = `${scope}/registrations/${station}`;
  const untilMs = clock.wallMs() + (clock.isWallTrusted() ? TOKEN_LIFE_MS : UNCLOCKED_LIFE_MS);
  const key = certificate === undefined ? deviceKeyOf(keyIn(others), config) : undefined;
  return {
    scope,
    registration: station,
    ...(modelId !== undefined && { modelId }),
    options: {
      url: `mqtts://${config.host}:${config.port}`,
      ...(ca !== undefined && { ca }),
      ...(key && { password: tokenFor({ resource, key: key.key, untilMs, policy: "registration" }) }),
      ...(certificate !== undefined && { cert: certificate }),
      ...(privateKey && { key: privateKey }),
      ...(!clock.isWallTrusted() && { notBeforeMs: Math.max(BUILD_DATE_MS, clock.wallMs()) }),
    },
  };
}

const deviceKeyOf = ({ key }: AccessKey, { keyOf, station }: ProvisionedConfig): AccessKey => ({
  key: keyOf === "group" ? derivedKey(key, station) : key,
});

function keyIn({ accessKey }: Credentials): AccessKey {
  const read = accessKey ? readAccessKey(accessKey.reveal()) : "it is missing, and so is a certificate-file";
  if (typeof read === "string") throw new CloudError("stop", `access-key-file: ${read}`);
  return read;
}

/** The dialect that the configuration's `cloud:` line names. */

import type { HubClients } from "../world.ts";
import type { CloudAddress } from "./address.ts";
import { createAwsIotCoreCloud } from "./aws-iot-core/aws-iot-core.ts";
import { createAzureHubCloud, type PlugAndPlay } from "./azure-iot-hub/azure-iot-hub.ts";
import { createProvisionedCloud, type ProvisionedDeps } from "./azure-iot-hub/provisioned.ts";
import type { Cloud } from "./cloud.ts";
import type { Credentials } from "./credentials.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { createMqttCloud, type MqttCloudDeps } from "./mqtt/mqtt.ts";

export type CloudDeps = MqttCloudDeps & {
  /** As they are now. */
  readonly credentials: () => Credentials;
  readonly hubs: HubClients;
  /** What the running description is to a cloud that knows models. */
  readonly model: () => PlugAndPlay;
  /** The hub that a provisioning service chose. */
  readonly assignment: ProvisionedDeps["assignment"];
};

export interface ChosenCloud {
  readonly address: CloudAddress;
  /** The cloud's device id. */
  readonly station: string;
  /** Default: the station. */
  readonly user?: string;
  readonly keepAlive: KeepAlive;
  /** Plain MQTT; default: 3.1.1. */
  readonly mqttVersion?: "3.1.1" | "5";
  /** Azure: for how long a token holds. */
  readonly tokenLifeMs: number;
  /** Azure: whose key the access-key-file holds. */
  readonly keyOf: "device" | "group";
}

export function createChosenCloud(deps: CloudDeps, chosen: ChosenCloud): Cloud {
  const { address, station, user, keepAlive, tokenLifeMs, keyOf } = chosen;
  switch (address.dialect) {
    case "mqtt":
      return createMqttCloud(deps, {
        url: address.url,
        station,
        keepAlive,
        ...(user !== undefined && { username: user }),
        ...(chosen.mqttVersion === "5" && { version: 5 }),
      });
    case "azure-iot-hub":
      return createAzureHubCloud(deps, { ...address, device: station, keepAlive, tokenLifeMs });
    case "azure-dps":
      return createProvisionedCloud(deps, { ...address, station, keyOf, keepAlive, tokenLifeMs });
    case "aws-iot-core": {
      const { host, port, shadow } = address;
      return createAwsIotCoreCloud(deps, { host, port, station, keepAlive, ...(shadow !== undefined && { shadow }) });
    }
  }
}

/** The dialect that the configuration's `cloud:` line names. */
import type { CloudAddress } from "./address.ts";
import type { Cloud } from "./cloud.ts";
import type { Credentials } from "./credentials.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { createMqttCloud, type MqttCloudDeps } from "./mqtt/mqtt.ts";

export type CloudDeps = MqttCloudDeps & {
  /** As they are now. */
  readonly credentials: () => Credentials;
};

export interface ChosenCloud {
  readonly address: CloudAddress;
  /** The cloud's device id. */
  readonly station: string;
  /** Default: the station. */
  readonly user?: string;
  readonly keepAlive: KeepAlive;
}

export function createChosenCloud(deps: CloudDeps, { address, station, user, keepAlive }: ChosenCloud): Cloud {
  switch (address.dialect) {
    case "mqtt":
      return createMqttCloud(deps, {
        url: address.url,
        station,
        keepAlive,
        ...(user !== undefined && { username: user }),
      });
  }
}

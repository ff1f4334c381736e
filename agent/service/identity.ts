/** Joins the identity with the machine: its file in the data folder, its keys, the token where agent.yaml says it is. */
import type { AgentPlaces } from "../agent-deps.ts";
import { CloudError } from "../cloud/cloud.ts";
import type { AgentConfig } from "../config.ts";
import { createMqttEnrolment, type Enrolment, type EnrolmentDeps } from "../identity/enrolment.ts";
import { createIdentity, type Identity } from "../identity/identity.ts";
import type { KeptIdentity } from "../identity/kept.ts";
import { createKeyMaker } from "../linux/keys.ts";
import { createTokenFile } from "../linux/token-file.ts";
import { createStateStore } from "../state/state-store.ts";
import type { Files, Log, MqttClients } from "../world.ts";

export type ServiceIdentityDeps = Omit<EnrolmentDeps, "clients"> & {
  readonly log: Log;
  readonly files: Files;
  readonly mqtt: MqttClients;
};

export interface Configured {
  readonly config: AgentConfig;
  readonly places: AgentPlaces;
  /** Where agent.yaml lies. */
  readonly folder: string;
}

export function createServiceIdentity(deps: ServiceIdentityDeps, { config, places, folder }: Configured): Identity {
  const given = places.credentials?.() ?? {};
  const { station, cloud } = config;
  const file = config["enrolment-token-file"];
  const tokenFile = file === undefined ? undefined : createTokenFile(deps, file, folder);
  return createIdentity(
    {
      ...deps,
      keys: createKeyMaker(),
      enrolment: enrolmentWith(deps, config, given.ca),
      document: createStateStore(deps, `${places.data}/state`).document<KeptIdentity>("identity", { isSecret: true }),
      token: () => tokenFile?.read(),
      onTokenUsed: () => tokenFile?.remove(),
    },
    { station, cloud: cloud.text, given },
  );
}

function enrolmentWith(deps: ServiceIdentityDeps, { cloud, station }: AgentConfig, ca: string | undefined): Enrolment {
  switch (cloud.dialect) {
    case "mqtt": {
      const where = { url: cloud.url, station, ...(ca !== undefined && { ca }) };
      return createMqttEnrolment({ ...deps, clients: deps.mqtt }, where);
    }
    default:
      return notHere;
  }
}

const elsewhere = (): Promise<never> =>
  Promise.reject(new CloudError("stop", "this cloud gives certificates in its own way, not for a token of the bridge"));
const notHere: Enrolment = { ask: elsewhere, tryOut: elsewhere, description: elsewhere };

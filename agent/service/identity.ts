/** Joins the identity with the machine: its file in the data folder, its keys, the token where agent.yaml says it is. */
import type { AgentPlaces } from "../agent-deps.ts";
import { CloudError } from "../cloud/cloud.ts";
import type { AgentConfig } from "../config.ts";
import {
  type CertificateProof,
  createMqttEnrolment,
  type Enrolment,
  type EnrolmentDeps,
} from "../identity/enrolment.ts";
import { createFleetProvisioning } from "../identity/fleet-provisioning.ts";
import { createIdentity, type Identity } from "../identity/identity.ts";
import type { KeptIdentity } from "../identity/kept.ts";
import { boardSerial } from "../linux/board-serial.ts";
import { createKeyMaker } from "../linux/connections/keys.ts";
import { readSecret, readText } from "../linux/credential-files.ts";
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
  const claim = claimFrom(deps, config, folder);
  return createIdentity(
    {
      ...deps,
      keys: createKeyMaker(),
      enrolment: enrolmentWith(deps, config, given.ca, claim),
      document: createStateStore(deps, `${places.data}/state`).document<KeptIdentity>("identity", { isSecret: true }),
      token: () => tokenFile?.read(),
      onTokenUsed: () => tokenFile?.remove(),
      claim,
    },
    { station, cloud: cloud.text, given: () => places.credentials?.() ?? {} },
  );
}

function enrolmentWith(
  deps: ServiceIdentityDeps,
  config: AgentConfig,
  ca: string | undefined,
  claim: () => CertificateProof | undefined,
): Enrolment {
  const { cloud, station } = config;
  const template = config["provisioning-template"];
  const trusted = ca === undefined ? {} : { ca };
  if (cloud.dialect === "mqtt")
    return createMqttEnrolment({ ...deps, clients: deps.mqtt }, { url: cloud.url, station, ...trusted });
  if (cloud.dialect !== "aws-iot-core" || template === undefined) return notHere;
  const parameters = parametersFrom(config["provisioning-parameters"], station);
  return createFleetProvisioning(
    { ...deps, clients: deps.mqtt },
    { ...cloud, station, ...trusted, template, parameters, claim },
  );
}

/** {station} and {serial} stand for this board's. */
const parametersFrom = (written: Readonly<Record<string, string>>, station: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(written).map(([name, text]) => [
      name,
      text.replaceAll("{station}", station).replaceAll("{serial}", () => boardSerial()),
    ]),
  );

/** Read each time it is needed, which is once in years; a claim that can't be read is none, and that is said. */
function claimFrom(deps: ServiceIdentityDeps, config: AgentConfig, folder: string): () => CertificateProof | undefined {
  const { "claim-certificate-file": certificate, "claim-private-key-file": privateKey } = config;
  let saidBefore = "";
  return () => {
    if (certificate === undefined || privateKey === undefined) return undefined;
    try {
      return {
        certificate: readText(certificate, folder),
        privateKey: readSecret(privateKey, folder),
      };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== saidBefore) deps.log("error", "claim-unusable", { error: text });
      saidBefore = text;
      return undefined;
    }
  };
}

const elsewhere = (): Promise<never> =>
  Promise.reject(new CloudError("stop", "this cloud gives certificates in its own way, not for a token of the bridge"));
const notHere: Enrolment = { ask: elsewhere, tryOut: elsewhere, description: elsewhere };

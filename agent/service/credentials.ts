/**
 * The files that say who the station is. Read anew whenever they are asked for: a password that was mended or a
 * certificate that somebody else renewed counts from the next connection on, without a restart.
 */
import { readAccessKey } from "../cloud/azure-iot-hub/shared-access.ts";
import type { Credentials } from "../cloud/credentials.ts";
import { type AgentConfig, ConfigError } from "../config.ts";
import { readSecret, readText } from "../linux/credential-files.ts";
import type { Secret } from "../world.ts";

/** Throws ConfigError, or what the file system says, when they can't be read at the start. */
export function createCredentialFiles(config: AgentConfig, folder: string): () => Credentials {
  let known = credentialsFrom(config, folder);
  return () => {
    try {
      known = credentialsFrom(config, folder);
    } catch {
      // Somebody is just replacing them, or has taken them away: those that were good are tried, and the cloud decides.
    }
    return known;
  };
}

function credentialsFrom(config: AgentConfig, folder: string): Credentials {
  const { ca, "certificate-file": certificate, "private-key-file": privateKey, "password-file": password } = config;
  const accessKey = config["access-key-file"];
  if ((certificate === undefined) !== (privateKey === undefined)) {
    throw new ConfigError("certificate-file and private-key-file go together: give both, or none");
  }
  if (certificate !== undefined && config["enrolment-token-file"] !== undefined) {
    throw new ConfigError("enrolment-token-file: this station has a certificate-file already; give one of the two");
  }
  return {
    ...(ca !== undefined && { ca: readText(ca, folder) }),
    ...(password !== undefined && { password: readSecret(password, folder) }),
    ...(accessKey !== undefined && { accessKey: readAzureKey(accessKey, config.station, folder) }),
    ...(certificate !== undefined && { certificate: readText(certificate, folder) }),
    ...(privateKey !== undefined && { privateKey: readSecret(privateKey, folder) }),
  };
}

/** Said at the start rather than at the first refusal of a cloud that tells no reasons. */
function readAzureKey(name: string, station: string, folder: string): Secret {
  const secret = readSecret(name, folder);
  const key = readAccessKey(secret.reveal());
  if (typeof key === "string") throw new ConfigError(`access-key-file ${name}: ${key}`);
  if (key.device !== undefined && key.device !== station) {
    throw new ConfigError(
      `access-key-file ${name}: it is the key of ${key.device}, and agent.yaml says station: ${station}`,
    );
  }
  return secret;
}

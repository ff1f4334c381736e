/**
 * What a person has to do in the cloud when a spare has taken a dead board's place: our bridge refuses the old board by
 * itself, the others go by what their registries say. With the commands, and the ids that they want.
 *
 * AWS: "Within a few minutes of updating a certificate from the ACTIVE state to any other state, AWS IoT disconnects all
 * devices that used that certificate" (API reference, UpdateCertificate). Azure: docs/azure-iot-hub.md, A spare board.
 */
import { X509Certificate } from "node:crypto";
import type { AgentConfig } from "../config.ts";

/** Lines without an end. `shown`: this board's certificate, PEM; undefined: it shows an access key. */
export function replacedText(config: AgentConfig, shown: string | undefined): string {
  const { station, cloud } = config;
  if (cloud.dialect === "mqtt") return `The board that was ${station} before is refused from now on.`;
  const open = `The board that was ${station} before is still let in, until you do this:`;
  if (cloud.dialect === "aws-iot-core") return [open, ...onAws(config, shown)].join("\n");
  return [open, ...(shown === undefined ? keyOnAzure(config) : certificateOnAzure(config, shown))].join("\n");
}

/** Why there is nothing to enrol with; undefined: this board can get a certificate. */
export function notEnrolledHere({ cloud, station, ...config }: AgentConfig): string | undefined {
  if (cloud.dialect === "mqtt" || config["provisioning-template"] !== undefined) return undefined;
  if (cloud.dialect === "aws-iot-core")
    return `there is nothing to enrol: ${station} shows certificate-file. For AWS to give it a certificate: claim-certificate-file, claim-private-key-file and provisioning-template (docs/aws-iot-core.md)`;
  const shown = config["access-key-file"] === undefined ? "certificate-file" : "access-key-file";
  return `there is nothing to enrol: on Azure ${station} shows what agent.yaml names (${shown}), and no token. Just start the agent (docs/azure-iot-hub.md)`;
}

function onAws({ station }: AgentConfig, shown: string | undefined): string[] {
  return [
    ...(shown === undefined ? [] : [`  keep:        ${idOf(shown)} (this board's)`]),
    `  the others:  aws iot list-thing-principals --thing-name ${station}        the end of each ARN is an ID`,
    "  for each:    aws iot update-certificate --new-status INACTIVE --certificate-id ID",
  ];
}

function keyOnAzure({ station, cloud, ...config }: AgentConfig): string[] {
  const file = config["access-key-file"] ?? "access-key-file";
  if (config["access-key-of"] === "group")
    return [
      `  It has the key of the whole enrolment group (${file}): whoever has that can be any station of the group.`,
      "  Give the group another key, and that to all its stations; or each station a key of its own (access-key-of: device).",
    ];
  const again = `  then put the new primary key into ${file} here, and start the agent`;
  if (cloud.dialect === "azure-dps")
    return [
      `  give the enrolment of ${station} other keys in the provisioning service, and delete the device ${station} in its hub`,
      again,
    ];
  return [
    `  az iot hub device-identity renew-key --hub-name ${hubOf(cloud)} --device-id ${station} --key-type both`,
    again,
  ];
}

function certificateOnAzure({ station, cloud }: AgentConfig, pem: string): string[] {
  const { fingerprint, fingerprint256 } = new X509Certificate(pem);
  const [sha1, sha256] = [fingerprint, fingerprint256].map((text) => text.replaceAll(":", ""));
  return [
    `  this board shows the certificate ${sha256} (SHA-256), ${sha1} (SHA-1)`,
    "  where the hub knows the station by its certificate, let it be this one alone:",
    `  az iot hub device-identity update --hub-name ${hubOf(cloud)} --device-id ${station} --primary-thumbprint ${sha256} --secondary-thumbprint ${sha256}`,
    "  where it knows it by its authority, the dead board's opens it until it ends: docs/azure-iot-hub.md, A spare board",
  ];
}

const hubOf = (cloud: AgentConfig["cloud"]): string =>
  cloud.dialect === "azure-iot-hub" ? (cloud.name.split(".")[0] ?? cloud.name) : "HUB";

/** AWS's certificate id is the SHA-256 of the certificate's DER. */
const idOf = (pem: string): string => new X509Certificate(pem).fingerprint256.replaceAll(":", "").toLowerCase();

/**
 * `pump-station-cloud azure`: a hub, a provisioning service and their service API until it is told to stop. What the
 * hub keeps lives in memory; keys and certificates lie in the folder, so that a connection string stays good.
 */
import { createHash } from "node:crypto";
import type { Chance, Clock, Files, Timers } from "@pump-station/agent/world.ts";
import type { ServerCertificate } from "@pump-station/cloud-bridge/host/certificates.ts";
import { createDps } from "../clouds/azure/dps.ts";
import { createAzureHub } from "../clouds/azure/hub.ts";
import type { PacketServer } from "../clouds/azure/link.ts";
import { deriveDeviceKey } from "../clouds/azure/sas.ts";
import { createServiceApi, type ServiceApi } from "../clouds/azure/service/api.ts";
import type { Tier } from "../clouds/azure/tiers.ts";

interface Port {
  readonly port: number;
  close(): Promise<void>;
}

export interface AzureCloudDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly files: Pick<Files, "read" | "writeDurably">;
  /** Made in the folder at the first start, with `ca.pem` beside it. */
  readonly loadServer: (folder: string, hosts: readonly string[]) => Promise<ServerCertificate>;
  readonly serveTls: (
    server: PacketServer,
    options: { cert: string; key: string; host: string; port: number },
  ) => Promise<Port>;
  readonly serveService: (api: ServiceApi, options: { port: number }) => Promise<Port>;
  readonly say: (line: string) => void;
}

export interface AzureCloudOptions {
  readonly devices: readonly string[];
  readonly folder: string;
  /** Where devices connect to: loopback unless they are other machines. */
  readonly listen: string;
  /** The name by which devices find this machine; it stands in the certificate. */
  readonly hostName: string;
  readonly mqttPort: number;
  readonly dpsPort: number;
  readonly httpPort: number;
  readonly tier: Tier;
  readonly units: number;
  /** PEM files: who may sign device certificates. */
  readonly authorities: readonly string[];
}

/** In the connection string's faithful form; nobody looks it up. */
const HUB_NAME = "local-hub.azure-devices.net";
const ID_SCOPE = "0ne00LOCAL";

export async function runAzureCloud(
  deps: AzureCloudDeps,
  options: AzureCloudOptions,
  signal: AbortSignal,
): Promise<void> {
  const { folder, hostName, listen } = options;
  const certificateAuthorities = options.authorities.map((path) => readText(deps, path));
  const { cert, key } = await deps.loadServer(folder, [...new Set([hostName, "localhost", "127.0.0.1"])]);
  const groupKey = keyIn(deps, `${folder}/group-key`);
  const { tier, units } = options;
  const hub = createAzureHub(deps, { hostNames: [HUB_NAME], certificateAuthorities, tier, units });
  for (const id of options.devices) {
    // Derived, so that a connection string is the same after a restart.
    const [primaryKey, secondaryKey] = [deriveDeviceKey(groupKey, id), deriveDeviceKey(groupKey, `${id} secondary`)];
    hub.addDevice(id, { type: "sas", primaryKey, secondaryKey });
  }
  const open: Port[] = [];
  try {
    const mqtt = await deps.serveTls(hub, { cert, key, host: listen, port: options.mqttPort });
    open.push(mqtt);
    for (const name of [hostName, "localhost", "127.0.0.1"])
      for (const port of ["", `:${mqtt.port}`]) hub.answerTo(`${name}${port}`);
    const dps = createDps(deps, { idScope: ID_SCOPE, hubs: [{ hub, address: `${hostName}:${mqtt.port}` }] });
    dps.enrol({ name: "stations", isGroup: true, auth: groupAuth(groupKey) });
    const dpsPort = await deps.serveTls(dps, { cert, key, host: listen, port: options.dpsPort });
    open.push(dpsPort);
    const service = await deps.serveService(createServiceApi({ hub, dps }), { port: options.httpPort });
    open.push(service);
    for (const line of introduction(options, { mqtt: mqtt.port, dps: dpsPort.port, http: service.port, groupKey }))
      deps.say(line);
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  } finally {
    for (const port of open) await port.close();
  }
}

const groupAuth = (primaryKey: string) => ({
  type: "sas" as const,
  primaryKey,
  secondaryKey: createHash("sha256").update(primaryKey).digest("base64"),
});

function introduction(
  { devices, folder, hostName }: AzureCloudOptions,
  at: { mqtt: number; dps: number; http: number; groupKey: string },
): readonly string[] {
  const here = `${hostName}:${at.mqtt}`;
  return [
    ...devices.flatMap((id) => [
      `${id}`,
      `  HostName=${here};DeviceId=${id};SharedAccessKey=${deriveDeviceKey(at.groupKey, id)}`,
    ]),
    "",
    `trust     ${folder}/ca.pem`,
    `          Node: NODE_EXTRA_CA_CERTS=${folder}/ca.pem    Python: server_verification_cert=open(…).read()`,
    "          C# and Java: add it to the machine's or the JVM's trusted certificates; the README says how",
    `an agent  cloud: azure-iot-hub://${here}`,
    `          ca: ${folder}/ca.pem, access-key-file: a file with the SharedAccessKey, mode 0600`,
    `DPS       ${hostName}:${at.dps}, id scope ${ID_SCOPE}, group "stations" with the key in ${folder}/group-key`,
    `page      http://localhost:${at.http}/    service API: the same address (README.md in simulators/clouds)`,
    "",
    "What devices are told lives until Ctrl-C; keys and certificates stay in the folder.",
  ];
}

function readText({ files }: AzureCloudDeps, path: string): string {
  const bytes = files.read(path);
  if (!bytes) throw new Error(`read ${path}: there is no such file`);
  return new TextDecoder().decode(bytes);
}

/** Base64 of 32 bytes; made at the first start, for its owner alone. */
function keyIn({ files, chance }: AzureCloudDeps, path: string): string {
  const known = files.read(path);
  if (known) return new TextDecoder().decode(known).trim();
  const key = Buffer.from(chance.bytes(32)).toString("base64");
  files.writeDurably(path, new TextEncoder().encode(`${key}\n`), 0o600);
  return key;
}

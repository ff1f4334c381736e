/**
 * `pump-station-cloud azure`: a hub, a provisioning service and their service API until it is told to stop. What the
 * hub keeps lives in memory; keys and certificates lie in the folder, so that a connection string stays good.
 */
import { createHash } from "node:crypto";
import type { Chance, Clock, Files, Timers } from "@pump-station/agent/world.ts";
import type { ServerCertificate } from "@pump-station/cloud-bridge/host/certificates.ts";
import { createDps } from "../clouds/azure/dps.ts";
import type { LinkedHub } from "../clouds/azure/dps-allocation.ts";
import { createFrontDoor } from "../clouds/azure/front-door.ts";
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
  readonly httpPort: number;
  readonly tier: Tier;
  readonly units: number;
  /** PEM files: who may sign device certificates. */
  readonly authorities: readonly string[];
}

/** In the connection string's faithful form; nobody looks it up. */
const HUB_NAME = "local-hub.azure-devices.net";
const ID_SCOPE = "0ne00LOCAL";
const MQTT_PORT = 8_883;

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
    const places: LinkedHub[] = [];
    // Azure's own asks for 3 s; nobody is served sooner by waiting here.
    const dps = createDps(deps, { idScope: ID_SCOPE, hubs: places, retryAfterS: 1 });
    dps.enrol({ name: "stations", isGroup: true, auth: groupAuth(groupKey) });
    const door = createFrontDoor(deps, { hub, dps });
    const mqtt = await deps.serveTls(door, { cert, key, host: listen, port: options.mqttPort });
    open.push(mqtt);
    // The port is known only now: it may have been left to the machine.
    places.push({ hub, address: placeOf(hostName, mqtt.port) });
    for (const name of [hostName, "localhost", "127.0.0.1"]) {
      hub.answerTo(name);
      hub.answerTo(`${name}:${mqtt.port}`);
    }
    const service = await deps.serveService(createServiceApi({ hub, dps }), { port: options.httpPort });
    open.push(service);
    const place = placeOf(hostName, mqtt.port);
    for (const line of introduction(options, { place, http: service.port, groupKey })) deps.say(line);
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

/** MQTT's own port is left out: most SDKs know no other, and take the name alone. */
const placeOf = (hostName: string, port: number): string => (port === MQTT_PORT ? hostName : `${hostName}:${port}`);

function introduction(
  { devices, folder }: AzureCloudOptions,
  { place, http, groupKey }: { readonly place: string; readonly http: number; readonly groupKey: string },
): readonly string[] {
  return [
    ...devices.flatMap((id) => [
      id,
      `  HostName=${place};DeviceId=${id};SharedAccessKey=${deriveDeviceKey(groupKey, id)}`,
    ]),
    "",
    ...(place.includes(":") ? ["Only Node's SDK takes a port in the name; the others need --mqtt-port 8883.", ""] : []),
    `trust     ${folder}/ca.pem`,
    `          Node: NODE_EXTRA_CA_CERTS=${folder}/ca.pem    Python: server_verification_cert=open(…).read()`,
    "          C# and Java: add it to the trusted certificates; simulators/clouds/README.md says how",
    `an agent  cloud: azure-iot-hub://${place}`,
    `          ca: ${folder}/ca.pem, access-key-file: a file with the SharedAccessKey, mode 0600`,
    `DPS       ${place}, id scope ${ID_SCOPE}; any device with the key of group "stations" in ${folder}/group-key`,
    `page      http://localhost:${http}/    service API: the same address`,
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

/** `pump-station-cloud aws`: a local AWS IoT Core on loopback, until the signal; its certificates lie in a folder. */
import { join } from "node:path";
import type { Chance, Clock, Timers } from "@pump-station/agent/world.ts";
import type { Files } from "@pump-station/cloud-bridge/world.ts";
import { createAwsCloud } from "../clouds/aws/aws-cloud.ts";
import { createServiceApi, type ServiceApi } from "../clouds/aws/service-api.ts";
import { createThings, withCertificates } from "../clouds/aws/things.ts";
import type { PacketServer } from "../clouds/azure/link.ts";

export interface AwsCloudDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly files: Files;
  /** The authority and the server's certificate in a folder, made when they aren't there. */
  readonly loadServer: (
    folder: string,
  ) => Promise<{ readonly ca: string; readonly cert: string; readonly key: string }>;
  readonly issueClient: (
    folder: string,
    thing: string,
  ) => Promise<{ readonly certificate: string; readonly key: string }>;
  readonly serveTls: (server: PacketServer, options: { cert: string; key: string; port: number }) => Promise<Serving>;
  readonly serveJson: (api: ServiceApi, port: number) => Promise<Serving>;
  readonly say: (line: string) => void;
}
interface Serving {
  readonly port: number;
  close(): Promise<void>;
}

export interface AwsCloudOptions {
  readonly things: readonly string[];
  readonly folder: string;
  /** 0: any. */
  readonly mqttPort: number;
  readonly httpPort: number;
}

export async function runAwsCloud(deps: AwsCloudDeps, options: AwsCloudOptions, signal: AbortSignal): Promise<void> {
  const { ca, cert, key } = await deps.loadServer(options.folder);
  const aws = createAwsCloud(deps);
  const things = createThings(deps.clock, [ca]);
  const mqtt = await deps.serveTls(withCertificates(aws, things), { cert, key, port: options.mqttPort });
  const http = await deps.serveJson(createServiceApi({ aws, things }), options.httpPort);
  deps.say(`AWS IoT Core, local: localhost:${mqtt.port} (MQTT 3.1.1 over TLS with client certificates)`);
  deps.say(`service API: http://localhost:${http.port} (simulators/clouds/aws/README.md)`);
  for (const thing of options.things) {
    things.register(thing);
    await ensureCertificate(deps, options.folder, thing);
    for (const line of configurationOf(thing, options.folder, mqtt.port)) deps.say(line);
  }
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await mqtt.close();
  await http.close();
}

/** Kept between runs, so that a configured agent goes on working. */
async function ensureCertificate({ files, issueClient }: AwsCloudDeps, folder: string, thing: string): Promise<void> {
  if (files.read(join(folder, `${thing}.pem`)) && files.read(join(folder, `${thing}-key.pem`))) return;
  const { certificate, key } = await issueClient(folder, thing);
  files.writeDurably(join(folder, `${thing}-key.pem`), new TextEncoder().encode(key), 0o600);
  files.writeDurably(join(folder, `${thing}.pem`), new TextEncoder().encode(certificate), 0o644);
}

const configurationOf = (thing: string, folder: string, port: number): string[] => [
  "",
  `thing ${thing}, in an agent's agent.yaml:`,
  `  station: ${thing}`,
  `  cloud: aws-iot-core://localhost:${port}`,
  `  ca: ${join(folder, "ca.pem")}`,
  `  certificate-file: ${join(folder, `${thing}.pem`)}`,
  `  private-key-file: ${join(folder, `${thing}-key.pem`)}`,
];

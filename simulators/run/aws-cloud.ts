/** `pump-station-cloud aws`: a local AWS IoT Core on loopback, until the signal; its certificates lie in a folder. */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import type { Chance, Clock, Timers } from "@pump-station/agent/world.ts";
import type { Files } from "@pump-station/cloud-bridge/world.ts";
import { createAwsCloud } from "../clouds/aws/aws-cloud.ts";
import { DEFAULT_TEMPLATE, defaultTemplate } from "../clouds/aws/default-template.ts";
import { createProvisioning, type IssuedCertificate, type Provisioning } from "../clouds/aws/provisioning.ts";
import { createServiceApi, type ServiceApi } from "../clouds/aws/service-api.ts";
import { type Certificate, certificateId, createThings, type Things, withCertificates } from "../clouds/aws/things.ts";
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
  readonly issueForRequest: (folder: string, csr: string) => Promise<IssuedCertificate>;
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
  /** A claim certificate for fleet provisioning is made, and a template. */
  readonly hasClaim: boolean;
  readonly folder: string;
  /** 0: any. */
  readonly mqttPort: number;
  readonly httpPort: number;
}

export async function runAwsCloud(deps: AwsCloudDeps, options: AwsCloudOptions, signal: AbortSignal): Promise<void> {
  const { ca, cert, key } = await deps.loadServer(options.folder);
  const things = createThings(deps.clock, [ca]);
  recallCertificates(deps, options.folder, things);
  const provisioning = createProvisioning({
    ...deps,
    things,
    issue: (csr) => deps.issueForRequest(options.folder, csr),
  });
  const aws = createAwsCloud({ ...deps, provisioning });
  const mqtt = await deps.serveTls(withCertificates(aws, things), { cert, key, port: options.mqttPort });
  const http = await deps.serveJson(createServiceApi({ aws, things, provisioning }), options.httpPort);
  deps.say(`AWS IoT Core, local: localhost:${mqtt.port} (MQTT 3.1.1 over TLS with client certificates)`);
  deps.say(`service API: http://localhost:${http.port} (simulators/clouds/aws/README.md)`);
  for (const thing of options.things) {
    things.register(thing);
    const id = await ensureCertificate(deps, options.folder, thing);
    things.certificates.set(id, { status: "ACTIVE", ...things.certificates.get(id), thing });
    for (const line of configurationOf(thing, options.folder, mqtt.port)) deps.say(line);
  }
  if (options.hasClaim) await offerClaim(deps, options.folder, mqtt.port, { things, provisioning });
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  keepCertificates(deps, options.folder, things);
  await mqtt.close();
  await http.close();
}

/** Kept between runs, so that a configured agent goes on working. Resolves with the certificate's id. */
async function ensureCertificate({ files, issueClient }: AwsCloudDeps, folder: string, thing: string): Promise<string> {
  const [path, keyPath] = [join(folder, `${thing}.pem`), join(folder, `${thing}-key.pem`)];
  const kept = files.read(path);
  if (kept && files.read(keyPath)) return idOf(new TextDecoder().decode(kept));
  const { certificate, key } = await issueClient(folder, thing);
  files.writeDurably(keyPath, new TextEncoder().encode(key), 0o600);
  files.writeDurably(path, new TextEncoder().encode(certificate), 0o644);
  return idOf(certificate);
}

const idOf = (pem: string): string => certificateId([new X509Certificate(pem).raw]) ?? "";

/** Those that were given for requests are good after the next start, too; what was deactivated stays so. */
const CERTIFICATES = "certificates.json";

function recallCertificates({ files }: AwsCloudDeps, folder: string, things: Things): void {
  const kept = files.read(join(folder, CERTIFICATES));
  if (!kept) return;
  for (const [id, certificate] of JSON.parse(new TextDecoder().decode(kept)) as [string, Certificate][]) {
    things.certificates.set(id, certificate);
    if (certificate.thing !== undefined) things.register(certificate.thing);
  }
}

function keepCertificates({ files }: AwsCloudDeps, folder: string, { certificates }: Things): void {
  const given = [...certificates].filter(([, { status }]) => status !== "PENDING_ACTIVATION");
  files.writeDurably(join(folder, CERTIFICATES), new TextEncoder().encode(`${JSON.stringify(given)}\n`), 0o600);
}

const CLAIM = "claim";

async function offerClaim(
  deps: AwsCloudDeps,
  folder: string,
  port: number,
  { things, provisioning }: { readonly things: Things; readonly provisioning: Provisioning },
): Promise<void> {
  const id = await ensureCertificate(deps, folder, CLAIM);
  provisioning.templates.set(DEFAULT_TEMPLATE, { body: defaultTemplate(), isEnabled: true });
  things.certificates.set(id, { status: "ACTIVE", ...things.certificates.get(id), templates: [DEFAULT_TEMPLATE] });
  const lines = [
    "",
    "any station by fleet provisioning, in an agent's agent.yaml, then `pump-station enrol`:",
    "  station: NAME",
    `  cloud: aws-iot-core://localhost:${port}`,
    `  ca: ${join(folder, "ca.pem")}`,
    `  claim-certificate-file: ${join(folder, `${CLAIM}.pem`)}`,
    `  claim-private-key-file: ${join(folder, `${CLAIM}-key.pem`)}`,
    `  provisioning-template: ${DEFAULT_TEMPLATE}`,
  ];
  for (const line of lines) deps.say(line);
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

/** The three clouds for an idle day, each over real TLS: the built bridge, the local AWS IoT Core, the local Azure IoT Hub. */
import { execFileSync, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Credentials } from "@pump-station/agent/cloud/credentials.ts";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createClock } from "@pump-station/agent/linux/clock.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import { createMemoryFiles } from "@pump-station/agent/testing/memory-files.ts";
import { Secret } from "@pump-station/agent/world.ts";
import { loadServerCertificate } from "@pump-station/cloud-bridge/host/certificates.ts";
import { createAwsCloud } from "@pump-station/simulators/clouds/aws/aws-cloud.ts";
import { createThings, withCertificates } from "@pump-station/simulators/clouds/aws/things.ts";
import { createAzureHub } from "@pump-station/simulators/clouds/azure/hub.ts";
import { issueClientCertificate } from "@pump-station/simulators/host/thing-certificates.ts";
import { serveTls } from "@pump-station/simulators/host/tls-endpoint.ts";
import { programs, sleep } from "./rig.ts";

export interface IdleCloud {
  readonly port: number;
  /** Lines of agent.yaml for a station that comes in by this port. */
  lines(port: number): string;
  readonly credentials: Credentials;
  /** The station's link breaks, as a network breaks it. */
  cut(): void;
  close(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const HOSTS = ["localhost", "127.0.0.1"];

export async function bridgeCloud(station: string, folder: string): Promise<IdleCloud> {
  const data = join(folder, "bridge");
  mkdirSync(data);
  const added = execFileSync(process.execPath, [programs.bridge, "station", "add", station, "--data", data]);
  const { password } = JSON.parse(added.toString()) as { password: string };
  const words = ["run", "--data", data, "--mqtt-port", "0", "--http-port", "0", "--log-level", "error"];
  const bridge = spawn(process.execPath, [programs.bridge, ...words], { stdio: "ignore" });
  const ready = join(data, "ready.json");
  for (let waitedMs = 0; !existsSync(ready); waitedMs += 50) {
    if (waitedMs > READY_WITHIN_MS) throw new Error(`the bridge isn't ready after ${READY_WITHIN_MS / 1000} s`);
    await sleep(50);
  }
  const { mqttPort } = JSON.parse(readFileSync(ready, "utf8")) as { mqttPort: number };
  return {
    port: mqttPort,
    lines: (port) => `cloud: mqtts://localhost:${port}\npassword-file: password`,
    credentials: { ca: readFileSync(join(data, "ca.pem"), "utf8"), password: new Secret(password) },
    cut: () => undefined,
    close: async () => {
      const ended = new Promise((resolve) => bridge.once("exit", resolve));
      bridge.kill("SIGTERM");
      await ended;
    },
  };
}

const deps = { clock: createClock({ trustClock: "always" }), timers: createTimers(), chance: createChance() };

async function certificates(station: string) {
  const making = { files: createMemoryFiles(), nowMs: deps.clock.wallMs() };
  const server = await loadServerCertificate(making, "/cloud", HOSTS);
  const client = await issueClientCertificate(making, "/cloud", station);
  const credentials = { ca: server.ca, certificate: client.certificate, privateKey: new Secret(client.key) };
  return { server, credentials };
}
const CERTIFICATE_LINES = "certificate-file: station.pem\nprivate-key-file: station.key";

export async function awsCloud(station: string): Promise<IdleCloud> {
  const { server, credentials } = await certificates(station);
  const aws = createAwsCloud(deps);
  const things = createThings(deps.clock, [server.ca]);
  things.register(station);
  const { port, close } = await serveTls(withCertificates(aws, things), {
    cert: server.cert,
    key: server.key,
    port: 0,
  });
  return {
    port,
    lines: (at) => `cloud: aws-iot-core://localhost:${at}\n${CERTIFICATE_LINES}`,
    credentials,
    cut: () => aws.cut(station),
    close,
  };
}

/** With the station's certificate by its thumbprint. */
export async function azureCloud(station: string): Promise<IdleCloud> {
  const { server, credentials } = await certificates(station);
  const hub = createAzureHub(deps, { hostNames: ["localhost"] });
  const { fingerprint256 } = new X509Certificate(credentials.certificate);
  hub.addDevice(station, { type: "self-signed", primaryThumbprint: fingerprint256.replaceAll(":", "") });
  const { port, close } = await serveTls(hub, { cert: server.cert, key: server.key, port: 0 });
  return {
    port,
    lines: (at) => {
      hub.answerTo(`localhost:${at}`);
      return `cloud: azure-iot-hub://localhost:${at}\n${CERTIFICATE_LINES}`;
    },
    credentials,
    cut: () => void hub.disconnect(station, "reset"),
    close,
  };
}

export const IDLE_CLOUDS = { mqtt: bridgeCloud, aws: awsCloud, azure: azureCloud } as const;
export type IdleDialect = keyof typeof IDLE_CLOUDS;

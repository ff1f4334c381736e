/** `pump-station-cloud`: local clouds, for agents and for any other program that speaks with the real ones. */
import { resolve } from "node:path";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createClock } from "@pump-station/agent/linux/clock.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import { STATION_NAME } from "@pump-station/agent/wire/topics.ts";
import { loadServerCertificate } from "@pump-station/cloud-bridge/host/certificates.ts";
import { createFiles } from "@pump-station/cloud-bridge/host/files.ts";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { serveJson } from "../host/json-server.ts";
import { serveService } from "../host/service-server.ts";
import { issueClientCertificate, issueForRequest } from "../host/thing-certificates.ts";
import { serveTls } from "../host/tls-endpoint.ts";
import { runAwsCloud } from "../run/aws-cloud.ts";
import { runAzureCloud } from "../run/azure-cloud.ts";
import { DEVICE_ID } from "./azure/limits.ts";
import { TIERS, type Tier } from "./azure/tiers.ts";

const EXIT = { failed: 1, usage: 64 } as const;
const clock = createClock({ trustClock: "always" });
const files = createFiles();
const now = () => ({ files, nowMs: clock.wallMs() });

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort(new Error(signal)));

function portFrom(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError("0 to 65535; 0: any");
  return port;
}

function unitsFrom(text: string): number {
  const units = Number(text);
  if (!Number.isInteger(units) || units < 1 || units > 200) throw new InvalidArgumentError("1 to 200");
  return units;
}

function tierFrom(text: string): Tier {
  const tier = TIERS.find((each) => each === text.toUpperCase());
  if (!tier) throw new InvalidArgumentError(`one of ${TIERS.join(", ")}`);
  return tier;
}

function devicesFrom(text: string, before: readonly string[] = []): readonly string[] {
  if (!DEVICE_ID.test(text)) throw new InvalidArgumentError("letters, digits and -.+%_#*?!(),:=@$', at most 128");
  return [...before, text];
}

function thingsFrom(text: string, before: readonly string[] = []): readonly string[] {
  if (!STATION_NAME.test(text)) throw new InvalidArgumentError("lower-case letters, digits and hyphens, at most 64");
  return [...before, text];
}

interface AwsArguments {
  readonly thing: readonly string[];
  readonly claim: boolean;
  readonly data: string;
  readonly mqttPort: number;
  readonly httpPort: number;
}

const program = new Command("pump-station-cloud").description("local clouds on this machine").exitOverride();

program
  .command("aws")
  .description("AWS IoT Core: broker, device shadows, client certificates, bad days by API; until Ctrl-C")
  .option("--thing <name>", "registered, with a certificate; may be said several times", thingsFrom, [])
  .option("--claim", "offer fleet provisioning: a claim certificate, and a template", false)
  .option("--data <folder>", "where certificates lie", ".pump-station-cloud/aws")
  .option("--mqtt-port <port>", "for things", portFrom, 8884)
  .option("--http-port <port>", "for the service API", portFrom, 8085)
  .action(async (said: AwsArguments) => {
    await runAwsCloud(
      {
        clock,
        timers: createTimers(),
        chance: createChance(),
        files,
        loadServer: (folder) => loadServerCertificate(now(), folder, ["localhost", "127.0.0.1"]),
        issueClient: (folder, thing) => issueClientCertificate(now(), folder, thing),
        issueForRequest: (folder, csr) => issueForRequest(now(), folder, csr),
        serveTls,
        serveJson,
        say: (line) => void process.stdout.write(`${line}\n`),
      },
      {
        things: said.thing,
        hasClaim: said.claim,
        folder: resolve(said.data),
        mqttPort: said.mqttPort,
        httpPort: said.httpPort,
      },
      stopping.signal,
    );
  });

interface AzureArguments {
  readonly device: readonly string[];
  readonly data: string;
  readonly listen: string;
  readonly hostName: string;
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly tier: Tier;
  readonly units: number;
  readonly authority: readonly string[];
}

program
  .command("azure")
  .description("Azure IoT Hub and its provisioning service (DPS), with a page and a service API; until Ctrl-C")
  .requiredOption("--device <id>", "registered, with a key of its own; may be said several times", devicesFrom)
  .option("--data <folder>", "where keys and certificates lie", ".pump-station-cloud/azure")
  .option("--mqtt-port <port>", "for devices; most SDKs know no other than 8883", portFrom, 8883)
  .option("--http-port <port>", "for the page and the service API, on this machine only", portFrom, 8086)
  .option("--tier <tier>", "whose limits hold: F1 (free), S1, S2, S3", tierFrom, "S1")
  .option("--units <n>", "how many units of it", unitsFrom, 1)
  .option(
    "--authority <file>",
    "may sign device certificates (PEM); may be said several times",
    (text: string, before: readonly string[]) => [...before, resolve(text)],
    [],
  )
  .option("--listen <address>", "0.0.0.0 lets other machines connect", "127.0.0.1")
  .option("--host-name <name>", "what devices call this machine", "localhost")
  .action(async ({ device, data, authority, ...said }: AzureArguments) => {
    await runAzureCloud(
      {
        clock,
        timers: createTimers(),
        chance: createChance(),
        files,
        loadServer: (folder, hosts) => loadServerCertificate(now(), folder, hosts),
        serveTls,
        serveService,
        say: (line) => void process.stdout.write(`${line}\n`),
      },
      { ...said, devices: device, folder: resolve(data), authorities: authority },
      stopping.signal,
    );
  });

try {
  await program.parseAsync();
} catch (error) {
  const isUsage = error instanceof CommanderError;
  process.exitCode = isUsage ? (error.exitCode === 0 ? 0 : EXIT.usage) : EXIT.failed;
  // Commander has said its own errors already.
  if (!isUsage) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}

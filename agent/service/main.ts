/** The service: joins the machine (`linux/`) with the agent. A file of its own, so that `check` needn't load it. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Agent, createAgent } from "../agent.ts";
import type { AgentPlaces } from "../agent-deps.ts";
import { EXIT } from "../cli/exit.ts";
import { readAccessKey } from "../cloud/azure-iot-hub/shared-access.ts";
import type { Credentials } from "../cloud/credentials.ts";
import { createLogRing } from "../commands/log-ring.ts";
import { type AgentConfig, ConfigError, parseConfig } from "../config.ts";
import { createControl } from "../control/control.ts";
import { keepApart } from "../identity/data-folder.ts";
import { createChance } from "../linux/chance.ts";
import { createClock } from "../linux/clock.ts";
import { createHubClients } from "../linux/connections/azure-iot.ts";
import { createDownloads } from "../linux/connections/downloads.ts";
import { createMqttClients } from "../linux/connections/mqtt.ts";
import { serveControl } from "../linux/control-socket.ts";
import { absolute, readSecret } from "../linux/credential-files.ts";
import { createFiles } from "../linux/files.ts";
import { lockFolder } from "../linux/folder-lock.ts";
import { exposedHeap, keepHeapSmall } from "../linux/heap-keeper.ts";
import { createLog } from "../linux/log.ts";
import { machineFacts } from "../linux/machine-facts.ts";
import { createNetwork } from "../linux/network.ts";
import { createLockedPorts } from "../linux/ports/port-lock.ts";
import { createPorts } from "../linux/ports/ports.ts";
import { createDatabases } from "../linux/sqlite.ts";
import { createTimers } from "../linux/timers.ts";
import { createZoneOffset } from "../linux/zone-files.ts";
import { type KnownTime, keepKnownTime } from "../state/known-time.ts";
import { createStateStore } from "../state/state-store.ts";
import type { Log, Secret } from "../world.ts";
import { createServiceIdentity } from "./identity.ts";

/** What closing takes at most: a write that is stuck, a farewell to a broker that is gone. */
const GHOST_MS = 10_000;

/** What the program knows of itself. */
export interface Program {
  readonly version: string;
  readonly catalogue: readonly string[];
}

/** Resolves with the exit code, after everything staged is committed and every port closed. */
export async function runService(configPath: string, program: Program): Promise<number> {
  const folder = dirname(resolve(configPath));
  const read = readConfig(configPath, folder, program);
  if (!read) return EXIT.configuration;
  const { config, places } = read;
  const sink = createLog({ level: config.log, journal: process.env["JOURNAL_STREAM"] !== undefined });
  const ring = createLogRing(sink, () => new Date().toISOString());
  const { log } = ring;
  const files = createFiles();
  const knownTime = createStateStore({ files, log }, `${places.data}/state`).document<KnownTime>("clock");
  const setFile = config["clock-set-file"];
  const clock = createClock({
    trustClock: config["trust-clock"],
    known: knownTime.load(),
    ...(setFile === undefined ? {} : { setFile: absolute(setFile, folder) }),
  });
  const timers = createTimers();
  const chance = createChance();
  // Before the buffer is opened: a second agent by mistake must not begin an epoch in the first one's file.
  const unlock = lockOrSay(log, places.data);
  const databases = createDatabases();
  keepApart({ files, databases, log }, { folder: places.data, station: config.station });
  const mqtt = createMqttClients({ log });
  const identity = createServiceIdentity({ clock, timers, chance, log, files, mqtt }, { config, places, folder });
  let handlers: Agent["handlers"] = {};
  const stopControl = await serveOrSay(log, absolute(config.control, folder), (line) =>
    createControl({ log, handlers })(line),
  );
  const agent = createAgent(
    {
      clock,
      timers,
      chance,
      log,
      files,
      databases,
      ports: createLockedPorts(createPorts({ clock, timers, log }), "an agent"),
      mqtt,
      identity,
      hubs: createHubClients({ log }),
      network: createNetwork(
        config["network-interface"] === undefined ? {} : { interface: config["network-interface"] },
      ),
      updates: {
        downloads: createDownloads({
          ca: () => places.credentials?.().ca,
          isPlainAllowed: config.downloads === "plain-too",
        }),
        trustedKeys: absolute(config["trusted-keys"], folder),
        ...(config.devices[0] !== undefined && { deviceFolder: absolute(config.devices[0], folder) }),
      },
      zoneOffset: createZoneOffset(),
      recentLog: () => ring.lines(),
      machine: () => machineFacts(places.data),
      resources: () => ({
        rssBytes: process.memoryUsage.rss(),
        cpuMs: Math.round(process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000),
      }),
    },
    config,
    places,
  );
  handlers = agent.handlers;
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)));
  log("info", "agent-started", {
    station: config.station,
    version: program.version,
    pid: process.pid,
    cloud: config.cloud.text,
  });
  const stopCollecting = keepHeapSmall(timers, exposedHeap());
  const stopKeeping = keepKnownTime({ clock, timers, log, document: knownTime });
  try {
    await agent.run(stop.signal);
  } catch (error) {
    log("error", "agent-failed", { error: error instanceof Error ? error.stack : String(error) });
    // Whatever still holds the process must not keep systemd from starting it anew.
    setTimeout(() => process.exit(EXIT.failed), GHOST_MS).unref();
    return EXIT.failed;
  } finally {
    stopKeeping();
    stopCollecting();
    await stopControl();
    unlock();
  }
  log("info", "agent-stopped", {});
  return EXIT.ok;
}

/** A folder that can't be locked (a full or read-only disk) costs the lock, not the readings. */
function lockOrSay(log: Log, folder: string): () => void {
  try {
    return lockFolder(folder);
  } catch (error) {
    // What the file system and SQLite say has a code; another agent that runs has none.
    if (!(error instanceof Error && "code" in error)) throw error;
    log("error", "data-folder-not-locked", { folder, error: error.message });
    return () => {};
  }
}

/** A socket that can't be made (a folder that isn't ours, a full disk) costs `pump-station status`, not the readings. */
async function serveOrSay(
  log: Log,
  path: string,
  answer: (line: string) => Promise<string>,
): Promise<() => Promise<void>> {
  try {
    return await serveControl(path, answer);
  } catch (error) {
    // What the file system says has a code; another agent that listens has none.
    if (!(error instanceof Error && "code" in error) || error.code === "EADDRINUSE") throw error;
    log("error", "control-socket-failed", { path, error: error.message });
    return async () => {};
  }
}

/** Says what is wrong on stderr; without a configuration no cloud can be asked for a better one (exit 78). */
export function readConfig(
  path: string,
  folder: string,
  program: Program,
): { config: AgentConfig; places: AgentPlaces } | undefined {
  try {
    if (!existsSync(path)) throw new ConfigError(missingConfig(path));
    const config = parseConfig(path, readFileSync(path, "utf8"));
    return { config, places: placesFrom(config, folder, program) };
  } catch (error) {
    const words =
      error instanceof ConfigError
        ? error.message
        : `${path}: ${error instanceof Error ? error.message : String(error)}`;
    process.stderr.write(`${words}\n`);
    return undefined;
  }
}

const missingConfig = (path: string): string =>
  `${path}: there is no such file. It says which station this is and which cloud it sends to; the wiring stands in the station file. Make it with:

sudo tee ${path} <<'YAML'
format: 1
station: my-station                       # the same name as in station.yaml
description: /etc/pump-station/station.yaml
devices: [/etc/pump-station/devices]
data: /var/lib/pump-station
cloud: mqtts://bridge.example:8883
ca: /etc/pump-station/ca.pem              # the bridge's ca.pem
password-file: mqtt-password              # printed by: pump-station-bridge station add NAME --data FOLDER
YAML

A station file to begin with: pump-station new station my-station. Another place: --config FILE`;

/** Paths in agent.yaml are relative to it. */
function placesFrom(config: AgentConfig, folder: string, program: Program): AgentPlaces {
  const credentials = credentialsFrom(config, folder);
  return {
    description: absolute(config.description, folder),
    deviceFolders: [...config.devices.map((path) => absolute(path, folder)), ...program.catalogue],
    catalogue: program.catalogue,
    data: absolute(config.data, folder),
    version: program.version,
    credentials: () => credentials,
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
    ...(ca !== undefined && { ca: readFileSync(absolute(ca, folder), "utf8") }),
    ...(password !== undefined && { password: readSecret(password, folder) }),
    ...(accessKey !== undefined && { accessKey: readAzureKey(accessKey, config.station, folder) }),
    ...(certificate !== undefined && { certificate: readFileSync(absolute(certificate, folder), "utf8") }),
    ...(privateKey !== undefined && { privateKey: readSecret(privateKey, folder) }),
  };
}

/** A name in systemd's credentials folder, or a file that only its owner may read. */
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

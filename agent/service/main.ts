/** The service: joins the machine (`linux/`) with the agent. A file of its own, so that `check` needn't load it. */
import { dirname, resolve } from "node:path";
import { type Agent, createAgent } from "../agent.ts";
import type { AgentDeps } from "../agent-deps.ts";
import { EXIT } from "../cli/exit.ts";
import { createLogRing, type LogRing } from "../commands/log-ring.ts";
import { createControl } from "../control/control.ts";
import { keepApart } from "../identity/data-folder.ts";
import { createChance } from "../linux/chance.ts";
import { createClock } from "../linux/clock.ts";
import { createHubClients } from "../linux/connections/azure-iot.ts";
import { createDownloads } from "../linux/connections/downloads.ts";
import { createMqttClients } from "../linux/connections/mqtt.ts";
import { serveControl } from "../linux/control-socket.ts";
import { absolute } from "../linux/credential-files.ts";
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
import { feedWatchdog, tellSystemd, watchdogPatienceMs } from "../linux/watchdog.ts";
import { createZoneOffset } from "../linux/zone-files.ts";
import { type KnownTime, keepKnownTime } from "../state/known-time.ts";
import { createStateStore, type StateDocument } from "../state/state-store.ts";
import type { UpdateSources } from "../updating.ts";
import type { Log } from "../world.ts";
import { type Program, readConfig } from "./configuration.ts";
import { type Configured, createServiceIdentity } from "./identity.ts";

/** What closing takes at most: a write that is stuck, a farewell to a broker that is gone. */
const GHOST_MS = 10_000;

/** Resolves with the exit code, after everything staged is committed and every port closed. */
export async function runService(configPath: string, program: Program): Promise<number> {
  const folder = dirname(resolve(configPath));
  const read = readConfig(configPath, folder, program);
  if (!read) return EXIT.configuration;
  const { config, places } = read;
  const sink = createLog({ level: config.log, journal: process.env["JOURNAL_STREAM"] !== undefined });
  const ring = createLogRing(sink, () => new Date().toISOString());
  const { log } = ring;
  // Before the buffer is opened: a second agent by mistake must not begin an epoch in the first one's file.
  const unlock = lockOrSay(log, places.data);
  const { deps, knownTime } = createWorld({ config, places, folder }, ring);
  let handlers: Agent["handlers"] = {};
  const stopControl = await serveOrSay(log, absolute(config.control, folder), (line) =>
    createControl({ log, handlers })(line),
  );
  const agent = createAgent(deps, config, places);
  handlers = agent.handlers;
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)));
  log("info", "agent-started", {
    station: config.station,
    version: program.version,
    pid: process.pid,
    cloud: config.cloud.text,
  });
  const stops = [
    feedWatchdog({ ...deps, tell: tellSystemd }, watchdogPatienceMs()),
    keepHeapSmall(deps.timers, exposedHeap()),
    keepKnownTime({ ...deps, document: knownTime }),
  ];
  try {
    await agent.run(stop.signal);
  } catch (error) {
    log("error", "agent-failed", { error: error instanceof Error ? error.stack : String(error) });
    // Whatever still holds the process must not keep systemd from starting it anew.
    setTimeout(() => process.exit(EXIT.failed), GHOST_MS).unref();
    return EXIT.failed;
  } finally {
    for (const end of stops) end();
    await stopControl();
    unlock();
  }
  log("info", "agent-stopped", {});
  return EXIT.ok;
}

interface World {
  readonly deps: AgentDeps;
  readonly knownTime: StateDocument<KnownTime>;
}

/** The machine as the agent sees it. Throws what keeps a data folder from being this station's. */
function createWorld(configured: Configured, ring: LogRing): World {
  const { log } = ring;
  const { config, places, folder } = configured;
  const files = createFiles();
  const knownTime = createStateStore({ files, log }, `${places.data}/state`).document<KnownTime>("clock");
  const setFile = config["clock-set-file"];
  const clock = createClock({
    trustClock: config["trust-clock"],
    known: knownTime.load(),
    ...(setFile === undefined ? {} : { setFile: absolute(setFile, folder) }),
  });
  const [timers, chance, databases, mqtt] = [
    createTimers(),
    createChance(),
    createDatabases({ isSoleOwner: true }),
    createMqttClients({ log }),
  ];
  keepApart({ files, databases, log }, { folder: places.data, station: config.station });
  const networkInterface = config["network-interface"];
  const deps: AgentDeps = {
    clock,
    timers,
    chance,
    log,
    files,
    databases,
    ports: createLockedPorts(createPorts({ clock, timers, log }), "an agent"),
    mqtt,
    identity: createServiceIdentity({ clock, timers, chance, log, files, mqtt }, configured),
    hubs: createHubClients({ log }),
    network: createNetwork(networkInterface === undefined ? {} : { interface: networkInterface }),
    updates: updateSources(configured),
    zoneOffset: createZoneOffset(),
    recentLog: () => ring.lines(),
    machine: () => machineFacts(places.data),
    resources: () => {
      const { user, system } = process.cpuUsage();
      return { rssBytes: process.memoryUsage.rss(), cpuMs: Math.round((user + system) / 1000) };
    },
  };
  return { deps, knownTime };
}

const updateSources = ({ config, places, folder }: Configured): UpdateSources => ({
  downloads: createDownloads({
    ca: () => places.credentials?.().ca,
    isPlainAllowed: config.downloads === "plain-too",
  }),
  trustedKeys: absolute(config["trusted-keys"], folder),
  ...(config.devices[0] !== undefined && { deviceFolder: absolute(config.devices[0], folder) }),
});

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

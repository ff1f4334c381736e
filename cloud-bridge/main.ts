/**
 * pump-station-bridge run | station add | token | revoke | list. Exit codes: 0, 1 failed, 64 usage, 78 configuration.
 * The data folder holds ca.pem (what stations trust), station-ca.pem (who signs their certificates), token (for writing
 * through the API), bridge.sqlite, ready.json.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { createApi } from "./api/server.ts";
import { createTokenCheck, loadToken } from "./auth/token.ts";
import { createBridge } from "./bridge.ts";
import { type Config, certificateNames, configFrom, DEFAULTS, hostNamesFor, isLoopback } from "./config.ts";
import { listenForStations } from "./host/aedes-broker.ts";
import { loadServerCertificate } from "./host/certificates.ts";
import { createChance, createClock, createTimers } from "./host/clock.ts";
import { createFiles } from "./host/files.ts";
import { lockFolder } from "./host/lock.ts";
import { createLog } from "./host/log.ts";
import { createDatabases } from "./host/sqlite.ts";
import { loadStationAuthority } from "./host/station-authority.ts";
import { CLOSE_DEADLINE_MS } from "./limits.ts";
import packageJson from "./package.json" with { type: "json" };
import { addStationCommands } from "./station-commands.ts";
import { createSqliteStore } from "./store/sqlite-store.ts";
import { UsageError } from "./usage-error.ts";

const EXIT = { failed: 1, usage: 64, configuration: 78 } as const;

/** Wrong before anything runs: named on stderr, exit 78. */
class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

const program = new Command("pump-station-bridge")
  .description("Takes what pump stations send, stores it, shows it, and steers them")
  .version(packageJson.version)
  .exitOverride();

program
  .command("run")
  .description("run the bridge")
  .requiredOption("--data <folder>", "where everything is kept; made when missing")
  .option("--mqtt-port <port>", "for stations, TLS; 0 takes any free one", DEFAULTS.mqttPort)
  .option("--http-port <port>", "for the API and the page; 0 takes any free one", DEFAULTS.httpPort)
  .option("--listen <address>", "address to listen on", DEFAULTS.listen)
  .option("--receipt-every <time>", "how often a station is told what is stored: 5s, 15min, 24h", DEFAULTS.receiptEvery)
  .option("--ask-after <time>", "how long a gap stands before a station is asked to fill it", DEFAULTS.askAfter)
  .option("--certificate-life <time>", "how long a station's certificate is good: 365d", DEFAULTS.certificateLife)
  .option("--renewal-grace <time>", "after its end it may ask for the next one for so long", DEFAULTS.renewalGrace)
  .option("--page <folder>", "the page's files", fileURLToPath(new URL("./web", import.meta.url)))
  .option("--log-level <level>", "debug, info, warn or error", DEFAULTS.logLevel)
  .action(async (options: unknown) => run(usable(() => configFrom(options), UsageError)));

addStationCommands(program, {
  clock: createClock(),
  chance: createChance(),
  out: (text) => void process.stdout.write(text),
  withStore: async (data, work) => {
    const isNew = !existsSync(storeFile(data));
    const store = usable(() => openStore(data), ConfigurationError);
    // Most likely a mistyped folder: the running bridge won't know the station.
    if (isNew) process.stderr.write(`pump-station-bridge: made a new store in ${resolve(data)}\n`);
    return work(store).finally(() => store.close());
  },
});

async function run(config: Config): Promise<void> {
  const { dataFolder, host } = config;
  const log = createLog(config.logLevel);
  const [clock, timers, chance, files] = [createClock(), createTimers(), createChance(), createFiles()];
  const readyFile = join(dataFolder, "ready.json");

  const unlock = usable(() => lockFolder(dataFolder), ConfigurationError);
  files.remove(readyFile);
  const token = usable(() => loadToken({ files, chance }, join(dataFolder, "token")), ConfigurationError);
  const now = { files, nowMs: clock.wallMs() };
  const authority = await loadStationAuthority(now, dataFolder, config.certificateLifeMs).catch(asConfiguration);
  const server = await loadServerCertificate(now, dataFolder, certificateNames(host)).catch(asConfiguration);
  const certificate = { ...server, stationCa: authority.pem };
  const store = usable(() => openStore(dataFolder), ConfigurationError);
  const bridge = await createBridge({
    clock,
    timers,
    chance,
    log,
    store,
    receiptEveryMs: config.receiptEveryMs,
    askAfterMs: config.askAfterMs,
    authority,
    renewalGraceMs: config.renewalGraceMs,
    listen: (handlers) => listenForStations({ certificate, host, port: config.mqttPort }, handlers, log),
  }).catch(asConfiguration);
  const api = createApi({
    bridge,
    clock,
    timers,
    log,
    version: packageJson.version,
    page: (name) => files.read(join(config.pageFolder, name)),
    mayWrite: createTokenCheck(token.value),
    hostNames: hostNamesFor(host),
  });
  await api.listen({ host, port: config.httpPort }).catch(asConfiguration);

  const address = api.server.address();
  const httpPort = typeof address === "object" && address !== null ? address.port : config.httpPort;
  const ready = { mqttPort: bridge.mqttPort, httpPort, pid: process.pid };
  closeOnSignal(async () => {
    files.remove(readyFile);
    await api.close();
    await bridge.close();
    await store.close();
    unlock();
  });
  files.writeDurably(readyFile, new TextEncoder().encode(`${JSON.stringify(ready)}\n`), 0o644);
  if (token.isNew)
    process.stderr.write(`Token for writing, shown this once and kept in ${dataFolder}/token: ${token.value}\n`);
  if (!isLoopback(host))
    log("warn", "http-not-encrypted", {
      listen: host,
      hint: "readings and token travel in the clear: put TLS in front",
    });
  log("info", "bridge-ready", { ...ready, listen: host, data: dataFolder, version: packageJson.version });

  function closeOnSignal(close: () => Promise<void>): void {
    let isClosing = false;
    const onSignal = (signal: string): void => {
      if (isClosing) return;
      isClosing = true;
      log("info", "bridge-closing", { signal });
      timers.after(CLOSE_DEADLINE_MS, () => {
        log("warn", "bridge-close-too-slow", { deadlineMs: CLOSE_DEADLINE_MS });
        process.exit(EXIT.failed);
      });
      close().then(
        () => process.exit(0),
        (error: unknown) => {
          log("error", "bridge-close-failed", { error });
          process.exit(EXIT.failed);
        },
      );
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  }
}

const storeFile = (dataFolder: string): string => join(dataFolder, "bridge.sqlite");

function openStore(dataFolder: string) {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  return createSqliteStore({ database: createDatabases().open(storeFile(dataFolder)) });
}

function usable<T>(work: () => T, Kind: typeof ConfigurationError | typeof UsageError): T {
  try {
    return work();
  } catch (error) {
    throw new Kind(messageOf(error), { cause: error });
  }
}

function asConfiguration(error: unknown): never {
  throw new ConfigurationError(messageOf(error), { cause: error });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  if (error instanceof UsageError) return EXIT.usage;
  return error instanceof ConfigurationError ? EXIT.configuration : EXIT.failed;
}

// The store holds password hashes; SQLite makes its files by the umask.
process.umask(0o077);
try {
  await program.parseAsync();
} catch (error) {
  // Commander has said its own errors already.
  if (!(error instanceof CommanderError)) process.stderr.write(`pump-station-bridge: ${messageOf(error)}\n`);
  process.exit(exitCodeOf(error));
}

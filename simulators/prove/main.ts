/**
 * The program behind `npm run prove`: kill | power | twin. Exit codes: 0 proven, 1 not proven or failed, 64 usage, 69 this
 * machine can't do it.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createClock } from "@pump-station/agent/linux/clock.ts";
import { createFiles } from "@pump-station/agent/linux/files.ts";
import { createLog } from "@pump-station/agent/linux/log.ts";
import { createDatabases } from "@pump-station/agent/linux/sqlite.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import { createDatabases as createBridgeDatabases } from "@pump-station/cloud-bridge/host/sqlite.ts";
import { Command, CommanderError } from "commander";
import { readOnlyDatabases } from "../host/database.ts";
import { textFiles } from "../host/files.ts";
import { freePort } from "../host/free-port.ts";
import { fetchHttp } from "../host/http.ts";
import { startMqttProxy } from "../host/mqtt-proxy.ts";
import { buildPowerCut, createPowerDisk, NotOnThisMachine } from "../host/power-disk.ts";
import { nodeProcesses } from "../host/processes.ts";
import { openTerminal } from "../host/pty.ts";
import { programsIn } from "../run/layout.ts";
import { proveKill } from "./kill/prove-kill.ts";
import { provePower } from "./power/prove-power.ts";
import { writeForEver } from "./power/writer.ts";
import { createAwsCloud } from "./twin/aws-cloud.ts";
import { createAzureCloud } from "./twin/azure-cloud.ts";
import type { CloudDeps } from "./twin/cloud.ts";
import { createMqttCloud } from "./twin/mqtt-cloud.ts";
import { proveTwin } from "./twin/prove-twin.ts";

const EXIT = { notProven: 1, usage: 64, unavailable: 69 } as const;
/** Bundled as dist/prove.mjs, with the other programs and the catalogue beside it. */
const DIST = dirname(fileURLToPath(import.meta.url));
const SEEDS = 1_000_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const deps = {
  clock: createClock({ trustClock: "always" }),
  timers: createTimers(),
  files: textFiles,
  agentFiles: createFiles(),
  databases: readOnlyDatabases,
  processes: nodeProcesses,
  http: fetchHttp,
  freePort,
  openTerminal,
  startMqttProxy,
  say,
  pid: process.pid,
  temporary: tmpdir(),
  kill: ({ pid }: { readonly pid: number }) => {
    try {
      process.kill(pid, "SIGKILL");
    } catch (cause) {
      throw new Error(`process ${pid} ended before it was killed; the logs in the proof's folder say why`, { cause });
    }
  },
};

const program = new Command("prove").description("proofs of the chain, by breaking it").exitOverride();

program
  .command("kill")
  .description("agent and bridge are killed at random while messages are lost, doubled and swallowed")
  .option("--kills <n>", "how often", "500")
  .option("--seed <n>", "of all random moments and faults; printed, so that a run can be sought again")
  .option("--programs <folder>", "where agent.mjs and cloud-bridge.mjs lie", DIST)
  .action(async (said: { kills: string; seed?: string; programs: string }) => {
    const root = mkdtempSync(join(tmpdir(), "ps-prove-"));
    const seed = said.seed === undefined ? Date.now() % SEEDS : wholeFrom("--seed", said.seed, 0);
    const kills = wholeFrom("--kills", said.kills, 4);
    say(`${kills} kills, seed ${seed}`);
    const programs = { ...programsIn(resolve(said.programs)), catalogue: join(DIST, "catalogue") };
    const isProven = await proveKill(deps, { kills, seed, programs, root });
    if (isProven) rmSync(root, { recursive: true, force: true });
    process.exitCode = isProven ? 0 : EXIT.notProven;
  });

program
  .command("power")
  .description("the power of the disk under the agent's buffer is cut while it writes (needs root, FUSE, loop devices)")
  .option("--cuts <n>", "how often", "150")
  .option("--seed <n>", "of all moments and of what each cut leaves")
  .option("--writer <bundle>", "a prove.mjs whose writer is used", fileURLToPath(import.meta.url))
  .action(async (said: { cuts: string; seed?: string; writer: string }) => {
    const seed = said.seed === undefined ? Date.now() % SEEDS : wholeFrom("--seed", said.seed, 0);
    const cuts = wholeFrom("--cuts", said.cuts, 1);
    const helper = join(DIST, "power-cut");
    buildPowerCut(join(DIST, "../tools/power-cut/power-cut.c"), helper);
    const root = mkdtempSync(join(tmpdir(), "ps-power-"));
    say(`${cuts} power cuts, seed ${seed}`);
    try {
      const createDisk = () => createPowerDisk({ root, helper });
      const agentDatabases = createDatabases();
      const isProven = await provePower(
        { ...deps, chance: createChance(), agentDatabases, createDisk },
        { cuts, seed, writer: resolve(said.writer), root },
      );
      process.exitCode = isProven ? 0 : EXIT.notProven;
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

const DIALECTS = {
  mqtt: (deps: CloudDeps) => createMqttCloud({ ...deps, database: createBridgeDatabases().open(":memory:") }),
  azure: async (deps: CloudDeps) => createAzureCloud(deps),
  aws: async (deps: CloudDeps) => createAwsCloud(deps),
} as const;
type Dialect = keyof typeof DIALECTS;

program
  .command("twin")
  .description("desired values change at random while everything goes wrong; then it gets quiet, and is judged")
  .option("--seeds <n>", "how many runs", "50")
  .option("--seed <n>", "of the first run", "1")
  .option("--dialect <name>", `${Object.keys(DIALECTS).join(" | ")} | all`, "all")
  .option("--enough <n>", "ends after so many runs that failed", "5")
  .option("--trace", "print all that happened in runs that fail")
  .action(async (said: { seeds: string; seed: string; dialect: string; enough: string; trace?: true }) => {
    const seeds = wholeFrom("--seeds", said.seeds, 1);
    const firstSeed = wholeFrom("--seed", said.seed, 0);
    const dialects = said.dialect === "all" ? (Object.keys(DIALECTS) as Dialect[]) : [dialectFrom(said.dialect)];
    const root = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ps-twin-"));
    const folderFor = (seed: number): string => mkdtempSync(join(root, `${seed}-`));
    const proofDeps = { agentDatabases: createDatabases(), folderFor, say, nowMs: () => deps.clock.bootMs() };
    let isProven = true;
    try {
      for (const dialect of dialects) {
        const enough = wholeFrom("--enough", said.enough, 1);
        const options = { dialect, seeds, firstSeed, enough, ...(said.trace && { isTraced: true }) };
        isProven = (await proveTwin({ ...proofDeps, createCloud: DIALECTS[dialect] }, options)) && isProven;
      }
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
    process.exitCode = isProven ? 0 : EXIT.notProven;
  });

/** Between two commits: so many a second that a cut falls into one, so few that a disk lasts ten cuts. */
const TURN_MS = 2;

program
  .command("power-writer", { hidden: true })
  .argument("<folder>")
  .action(async (folder: string) => {
    const { clock, timers } = deps;
    const print = (line: object) => say(JSON.stringify(line));
    const log = createLog({ level: "warn", journal: false });
    const databases = createDatabases({ isSoleOwner: true });
    await writeForEver({ clock, databases, chance: createChance(), log, print }, folder, () => timers.sleep(TURN_MS));
  });

class UsageError extends Error {
  override readonly name = "UsageError";
}

function dialectFrom(text: string): Dialect {
  if (Object.hasOwn(DIALECTS, text)) return text as Dialect;
  throw new UsageError(`--dialect ${text}: ${Object.keys(DIALECTS).join(", ")} or all`);
}

function wholeFrom(option: string, text: string, least: number): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < least)
    throw new UsageError(`${option} ${text}: a whole number from ${least}`);
  return number;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = EXIT.notProven;
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage;
  else if (error instanceof UsageError || error instanceof NotOnThisMachine) process.stderr.write(`${error.message}\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  if (error instanceof UsageError) process.exitCode = EXIT.usage;
  if (error instanceof NotOnThisMachine) process.exitCode = EXIT.unavailable;
}

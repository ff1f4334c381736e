/**
 * The command `pump-station`. Commander parses; each command is a file that declares itself and returns an exit code:
 * 0, 1 failed, 64 usage (sysexits EX_USAGE), 78 configuration (EX_CONFIG).
 */
import { Command, CommanderError } from "commander";
import { type AddCommand, type CliDeps, examples } from "./command.ts";
import { EXIT } from "./exit.ts";

/** In the order of the help. Each is loaded when it is called: who checks a file doesn't wait for what reads a port. */
const COMMANDS: ReadonlyMap<string, () => Promise<AddCommand>> = new Map([
  ["check", async () => (await import("./check.ts")).addCheck],
  ["edit", async () => (await import("./edit.ts")).addEdit],
  ["try", async () => (await import("./try.ts")).addTry],
  ["show", async () => (await import("./show.ts")).addShow],
  ["read", async () => (await import("./read.ts")).addRead],
  ["explain", async () => (await import("./explain.ts")).addExplain],
  ["scan", async () => (await import("./scan.ts")).addScan],
  ["record", async () => (await import("./record.ts")).addRecord],
  ["status", async () => (await import("./status.ts")).addStatus],
  ["buffer", async () => (await import("./buffer.ts")).addBuffer],
  ["metrics", async () => (await import("./metrics.ts")).addMetrics],
  ["send", async () => (await import("./send.ts")).addSend],
  ["onsite", async () => (await import("./onsite.ts")).addOnsite],
  ["audit", async () => (await import("./audit.ts")).addAudit],
  ["diagnostics", async () => (await import("./diagnostics.ts")).addDiagnostics],
  ["cost", async () => (await import("./cost.ts")).addCost],
  ["decode", async () => (await import("./decode.ts")).addDecode],
  ["describe", async () => (await import("./describe.ts")).addDescribe],
  ["pack", async () => (await import("./pack.ts")).addPack],
  ["new", async () => (await import("./new.ts")).addNew],
  ["enrol", async () => (await import("./enrol.ts")).addEnrol],
  ["adopt", async () => (await import("./enrol.ts")).addAdopt],
  ["run", async () => (await import("./run.ts")).addRun],
  ["completion", async () => (await import("./completion.ts")).addCompletion],
]);

/**
 * `args` are the words after the program's name. The command that is called; all of them for help, for the words that
 * Tab offers, and for a word that none has.
 */
export function commandsFor(args: readonly string[]): Promise<readonly AddCommand[]> {
  const called = COMMANDS.get(args[0] ?? "");
  return Promise.all((called ? [called] : [...COMMANDS.values()]).map((load) => load()));
}

/** Resolves with the exit code. */
export async function runCli<Deps extends Pick<CliDeps, "out" | "err" | "version">>(
  deps: Deps,
  args: readonly string[],
  commands: readonly AddCommand<Deps>[],
): Promise<number> {
  let code: number = EXIT.ok;
  const program = createProgram(deps);
  for (const add of commands)
    add(program, deps, async (ended) => {
      code = await ended;
    });
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    deps.err(`${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  }
}

const createProgram = (deps: Pick<CliDeps, "out" | "err" | "version">): Command =>
  new Command("pump-station")
    .description("Reads what is wired to this board, keeps it, and sends it to the cloud.")
    .version(deps.version)
    .exitOverride()
    .configureOutput({ writeOut: deps.out, writeErr: deps.err })
    .showHelpAfterError("(see: pump-station --help)")
    .addHelpText("after", HELP);

const HELP = examples(
  "pump-station check /etc/pump-station/station.yaml   before you drive home",
  "pump-station edit                                   change it; what turns out worse is taken back",
  "pump-station show pump                              what is asked, how often, and which file says so",
  "pump-station read climate.temperature --watch       breathe on the sensor and watch",
  "pump-station explain pump --live                    what the bytes mean, and why a value is what it is",
  "pump-station scan /dev/i2c-1                        who is on that bus?",
  "pump-station status                                 is everything well?",
  "pump-station onsite 2h                             you work here: the cloud moves nothing meanwhile",
  "pump-station send                                   don't wait for the next upload",
);

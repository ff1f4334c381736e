/**
 * The command `pump-station`. Commander parses; each command is a file that declares itself and returns an exit code:
 * 0, 1 failed, 64 usage (sysexits EX_USAGE), 78 configuration (EX_CONFIG).
 */
import { Command, CommanderError } from "commander";
import { addBuffer } from "./buffer.ts";
import { addCheck } from "./check.ts";
import { type AddCommand, type CliDeps, examples, type Finish } from "./command.ts";
import { addCompletion } from "./completion.ts";
import { addCost } from "./cost.ts";
import { addDescribe } from "./describe.ts";
import { addEdit } from "./edit.ts";
import { EXIT } from "./exit.ts";
import { addExplain } from "./explain.ts";
import { addNew } from "./new.ts";
import { addRead } from "./read.ts";
import { addRecord } from "./record.ts";
import { addRun } from "./run.ts";
import { addScan } from "./scan.ts";
import { addSend } from "./send.ts";
import { addShow } from "./show.ts";
import { addStatus } from "./status.ts";
import { addTry } from "./try.ts";

/** In the order of the help. */
const COMMANDS: readonly AddCommand[] = [
  addCheck,
  addEdit,
  addTry,
  addShow,
  addRead,
  addExplain,
  addScan,
  addRecord,
  addStatus,
  addBuffer,
  addSend,
  addCost,
  addDescribe,
  addNew,
  addRun,
  addCompletion,
];

/** Resolves with the exit code; `args` are the words after the program's name. */
export async function runCli(deps: CliDeps, args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = createProgram(deps, async (ended) => {
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

function createProgram(deps: CliDeps, finish: Finish): Command {
  const program = new Command("pump-station")
    .description("Reads what is wired to this board, keeps it, and sends it to the cloud.")
    .version(deps.version)
    .exitOverride()
    .configureOutput({ writeOut: deps.out, writeErr: deps.err })
    .showHelpAfterError("(see: pump-station --help)")
    .addHelpText("after", HELP);
  for (const add of COMMANDS) add(program, deps, finish);
  return program;
}

const HELP = examples(
  "pump-station check /etc/pump-station/station.yaml   before you drive home",
  "pump-station edit                                   change it; what turns out worse is taken back",
  "pump-station show pump                              what is asked, how often, and which file says so",
  "pump-station read climate.temperature --watch       breathe on the sensor and watch",
  "pump-station explain pump --live                    what the bytes mean, and why a value is what it is",
  "pump-station scan /dev/i2c-1                        who is on that bus?",
  "pump-station status                                 is everything well?",
  "pump-station send                                   don't wait for the next upload",
);

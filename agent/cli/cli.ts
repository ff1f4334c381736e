/**
 * The command `pump-station`. Commander parses; each command is a file that takes what it needs and returns an exit code:
 * 0, 1 failed, 64 usage (sysexits EX_USAGE), 78 configuration (EX_CONFIG).
 */
import { Command, CommanderError } from "commander";
import type { ControlClient } from "../control/client.ts";
import type { Files, Timers } from "../world.ts";
import { check } from "./check.ts";
import { EXIT } from "./exit.ts";
import { read } from "./read.ts";
import { send } from "./send.ts";
import { show } from "./show.ts";
import { status } from "./status.ts";

export interface CliDeps {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly colour: boolean;
  readonly files: Files;
  readonly timers: Timers;
  /** Device files that ship with the agent. */
  readonly catalogue: readonly string[];
  readonly version: string;
  readonly connectControl: (path: string) => Promise<ControlClient>;
  /** Runs the agent until it is told to stop; resolves with the exit code. */
  readonly run: (configPath: string) => Promise<number>;
}

const CONFIG = "/etc/pump-station/agent.yaml";
const SOCKET = "/run/pump-station/control.sock";

/** Resolves with the exit code; `args` are the words after the program's name. */
export async function runCli(deps: CliDeps, args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const run = (command: () => Promise<number>) => async () => {
    code = await command();
  };
  const program = createProgram(deps, run);
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    deps.err(`${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  }
}

function createProgram(deps: CliDeps, run: (command: () => Promise<number>) => () => Promise<void>): Command {
  const program = new Command("pump-station")
    .description("Reads what is wired to this board, keeps it, and sends it to the cloud.")
    .version(deps.version)
    .exitOverride()
    .configureOutput({ writeOut: deps.out, writeErr: deps.err })
    .showHelpAfterError("(see: pump-station --help)")
    .addHelpText("after", HELP);

  program
    .command("run")
    .description("run the agent (systemd does this)")
    .option("--config <file>", "agent.yaml", CONFIG)
    .action(async (options: { config: string }) => run(() => deps.run(options.config))());
  program
    .command("check")
    .description("find every problem of a station or device file, run the examples, say what would be read")
    .argument("<file...>", "station or device files")
    .option("--devices <folder...>", "folders with own device files", [])
    .option("--json", "for programs")
    .action(async (files: string[], options: { devices: string[]; json?: boolean }) =>
      run(async () => check(deps, files, { devices: options.devices, json: options.json ?? false }))(),
    );
  program
    .command("show")
    .description("what the description says, merged, and where each value comes from")
    .argument("[name]", "a device of the station, or a type of the catalogue")
    .option("--file <file>", "station file", "/etc/pump-station/station.yaml")
    .option("--devices <folder...>", "folders with own device files", [])
    .option("--json", "for programs")
    .action(async (name: string | undefined, options: { file: string; devices: string[]; json?: boolean }) =>
      run(async () => show(deps, name, { ...options, json: options.json ?? false }))(),
    );
  program
    .command("read")
    .description("newest values with their age, from the running agent")
    .argument("[device[.channel]]", "only this")
    .option("--watch", "again every second, until Ctrl-C")
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .action(async (what: string | undefined, options: { watch?: boolean; control: string; json?: boolean }) =>
      run(() =>
        read(deps, what, { watch: options.watch ?? false, control: options.control, json: options.json ?? false }),
      )(),
    );
  program
    .command("status")
    .description("how the station is: description, devices, waiting readings, uplink, cloud settings")
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .action(async (options: { control: string; json?: boolean }) =>
      run(() => status(deps, { control: options.control, json: options.json ?? false }))(),
    );
  program
    .command("send")
    .description("upload what waits now")
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .action(async (options: { control: string; json?: boolean }) =>
      run(() => send(deps, { control: options.control, json: options.json ?? false }))(),
    );
  return program;
}

const HELP = `
Examples:
  pump-station check /etc/pump-station/station.yaml   before you drive home
  pump-station show pump                              what is asked, how often, and which file says so
  pump-station read climate.temperature --watch       breathe on the sensor and watch
  pump-station status                                 is everything well?
  pump-station send                                   don't wait for the next upload`;

/** `pump-station diagnostics`: what somebody far away needs to see what is wrong, as one file. */
import { askAgent } from "../control/client.ts";
import { type AddCommand, type CliDeps, examples, SOCKET } from "./command.ts";
import { EXIT } from "./exit.ts";
import { spokenBytes } from "./table.ts";

export const addDiagnostics: AddCommand = (program, deps, finish) => {
  program
    .command("diagnostics")
    .description("one tar.gz of status, configuration without secrets, description, commands, log, machine")
    .requiredOption("-o, --output <file>", "where it is written")
    .option("--control <socket>", "the agent's socket", SOCKET)
    .addHelpText("after", examples("pump-station diagnostics -o /tmp/demo-lake.tar.gz"))
    .action((options: { output: string; control: string }) => finish(diagnostics(deps, options)));
};

async function diagnostics(
  deps: CliDeps,
  options: { readonly output: string; readonly control: string },
): Promise<number> {
  const packed = (await askAgent(deps.connectControl, options.control, "diagnostics")) as string;
  const bytes = Buffer.from(packed, "base64");
  deps.files.writeDurably(options.output, bytes);
  deps.out(`${options.output}: ${spokenBytes(bytes.length)}; look inside: tar tzf ${options.output}\n`);
  return EXIT.ok;
}

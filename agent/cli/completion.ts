/**
 * `pump-station completion bash|zsh`: prints a script for the shell. The script knows nothing: at each Tab it asks
 * `pump-station complete -- WORDS…`, so it stays right when commands, options and devices change.
 */
import { Argument, type Command } from "commander";
import { knownTypes, loadDescription } from "../description.ts";
import { type AddCommand, type CliDeps, deviceFolders, examples, STATION_FILE } from "./command.ts";
import { EXIT } from "./exit.ts";

export const addCompletion: AddCommand = (program, deps, finish) => {
  program
    .command("completion")
    .description("print what makes Tab complete commands, options, devices and channels")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh"]))
    .addHelpText(
      "after",
      examples(
        "pump-station completion bash > /etc/bash_completion.d/pump-station",
        'pump-station completion zsh > "${fpath[1]}/_pump-station"',
      ),
    )
    .action((shell: "bash" | "zsh") => {
      deps.out(SCRIPTS[shell]);
      return finish(EXIT.ok);
    });
  program
    .command("complete", { hidden: true })
    .argument("[words...]", "what stands after the program's name, the last one unfinished")
    .option("--file <file>", "station file", STATION_FILE)
    .action((words: string[], options: { file: string }) => {
      deps.out(
        candidates(program, words, () => namesOf(deps, options.file))
          .map((word) => `${word}\n`)
          .join(""),
      );
      return finish(EXIT.ok);
    });
};

interface Names {
  readonly devices: readonly string[];
  readonly channels: readonly string[];
  readonly types: readonly string[];
}

/** What could stand for the last word; nothing where a file belongs, which shells complete themselves. */
export function candidates(program: Command, words: readonly string[], names: () => Names): string[] {
  const last = words.at(-1) ?? "";
  const command = words.length > 1 ? program.commands.find((one) => one.name() === words[0]) : undefined;
  if (words.length <= 1)
    return beginning(
      last,
      visible(program).map((one) => one.name()),
    );
  if (!command) return [];
  if (last.startsWith("-"))
    return beginning(
      last,
      command.options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : [])),
    );
  const argument = command.registeredArguments[0];
  if (argument?.argChoices) return beginning(last, argument.argChoices);
  return beginning(last, namesFor(argument?.name() ?? "", names));
}

const visible = (program: Command): readonly Command[] => program.createHelp().visibleCommands(program);

const beginning = (start: string, words: readonly string[]): string[] =>
  words.filter((word) => word.startsWith(start)).sort();

function namesFor(argument: string, names: () => Names): readonly string[] {
  if (argument === "name") return [...names().devices, ...names().types];
  if (argument === "type") return names().types;
  if (argument === "device") return names().devices;
  return argument.startsWith("device") ? [...names().devices, ...names().channels] : [];
}

/** From the file, not from the agent: Tab must work at once, whether or not anything runs. */
function namesOf(deps: CliDeps, file: string): Names {
  const folders = deviceFolders(deps, file, []);
  const devices = loadDescription(deps.files, file, folders).station?.devices ?? [];
  return {
    devices: devices.map(({ name }) => name),
    channels: devices.flatMap(({ name, channels }) => channels.map((channel) => `${name}.${channel.name}`)),
    types: knownTypes(deps.files, folders),
  };
}

const SCRIPTS = {
  bash: `# Tab completion of pump-station for bash. Made by: pump-station completion bash
_pump_station() {
  local IFS=$'\\n'
  COMPREPLY=($(pump-station complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _pump_station pump-station
`,
  zsh: `#compdef pump-station
# Tab completion of pump-station for zsh. Made by: pump-station completion zsh
_pump_station() {
  local -a found
  found=("\${(@f)$(pump-station complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -- $found; else _files; fi
}
if [[ "$funcstack[1]" == "_pump-station" ]]; then _pump_station; else compdef _pump_station pump-station; fi
`,
} as const;

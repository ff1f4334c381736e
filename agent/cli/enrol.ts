/** `pump-station enrol`, `pump-station adopt`: who this board is, from its first day, or in the place of another. */
import { type AddCommand, CONFIG, examples } from "./command.ts";
import { EXIT } from "./exit.ts";

interface Options {
  readonly token?: string;
  readonly config: string;
}

const TOKEN = [
  "--token <token>",
  "printed by: pump-station-bridge station token NAME; not needed with a claim certificate (AWS)",
] as const;

export const addEnrol: AddCommand = (program, deps, finish) => {
  program
    .command("enrol")
    .description("make this board's key, and get the certificate by which the cloud knows it")
    .option(...TOKEN)
    .option("--config <file>", "agent.yaml", CONFIG)
    .addHelpText("after", examples("sudo pump-station enrol --token kX3…    while the agent is stopped"))
    .action((options: Options) => finish(deps.enrol(options)));
};

interface AdoptOptions {
  readonly token?: string;
  readonly description?: string;
  readonly config: string;
}

export const addAdopt: AddCommand = (program, deps, finish) => {
  program
    .command("adopt")
    .argument("<station>", "whose place this board takes; the board before it is refused from then on, for ever")
    .description("let this spare board take the place of a dead one, and run what that one ran")
    .option("--token <token>", `${TOKEN[1]}; without it, a board that is that station already fetches the description`)
    .option("--description <hash>", 'only this one, in place of what lies here; or "none"')
    .option("--config <file>", "agent.yaml", CONFIG)
    .addHelpText(
      "after",
      examples(
        "sudo pump-station adopt demo-lake --token kX3…    while the agent is stopped",
        "sudo pump-station adopt demo-lake                 again, for the description alone",
      ),
    )
    .action((adopt: string, options: AdoptOptions) => {
      const { description } = options;
      if (description === undefined || description === "none" || /^[0-9a-f]{64}$/.test(description))
        return finish(deps.enrol({ ...options, adopt }));
      deps.err('adopt: --description takes the 64 digits of a hash, or "none"\n');
      return finish(EXIT.usage);
    });
};

/** `pump-station run`: the agent itself. */
import { type AddCommand, CONFIG } from "./command.ts";

export const addRun: AddCommand = (program, deps, finish) => {
  program
    .command("run")
    .description("run the agent (systemd does this)")
    .option("--config <file>", "agent.yaml", CONFIG)
    .action((options: { config: string }) => finish(deps.run(options.config)));
};

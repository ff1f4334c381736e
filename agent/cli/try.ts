/** `pump-station try`, `keep`, `roll-back`: the trial of what is saved, without an editor. */
import { askAgent } from "../control/client.ts";
import { NO_TRIAL, type TrialAnswer } from "../going-live/status.ts";
import { type AddCommand, type CliDeps, examples, SOCKET } from "./command.ts";
import { EXIT } from "./exit.ts";
import { type FollowOptions, followTrial } from "./follow-trial.ts";
import { verdictText } from "./trial-text.ts";

type Flags = Partial<FollowOptions & { readonly keep: boolean }> & { readonly control: string };

/** All three. */
export const addTry: AddCommand = (program, deps, finish) => {
  program
    .command("try")
    .description("try the saved description again, also one that was rolled back")
    .option("--keep", "whatever comes of the trial")
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .addHelpText(
      "after",
      examples("pump-station try", "pump-station try --keep     the pump is not wired yet, take it"),
    )
    .action((options: Flags) => finish(tryNow(deps, { json: false, keep: false, ...options })));
  for (const how of ["keep", "roll-back"] as const) {
    program
      .command(how)
      .description(how === "keep" ? "keep what is on trial, now" : "go back to what ran before the trial, now")
      .option("--control <socket>", "the agent's socket", SOCKET)
      .option("--json", "for programs")
      .action((options: Flags) => finish(decide(deps, how, { json: false, ...options })));
  }
};

/** Also what was rolled back before. `keep`: whatever comes of it. */
export async function tryNow(deps: CliDeps, options: FollowOptions & { readonly keep: boolean }): Promise<number> {
  const answer = await askAgent(deps.connectControl, options.control, "try", { keep: options.keep });
  return followTrial(deps, answer as TrialAnswer, options);
}

export async function decide(deps: CliDeps, how: "keep" | "roll-back", options: FollowOptions): Promise<number> {
  let answer: TrialAnswer;
  try {
    answer = (await askAgent(deps.connectControl, options.control, how)) as TrialAnswer;
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    if (!options.json || !problem.includes(NO_TRIAL)) throw error;
    deps.out(`${JSON.stringify({ event: "no-trial", problem })}\n`);
    return EXIT.failed;
  }
  const words = answer.verdict ? verdictText(answer.path, answer.verdict) : "";
  deps.out(options.json ? `${JSON.stringify(answer.verdict)}\n` : `${words}\n`);
  return EXIT.ok;
}

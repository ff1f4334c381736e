/** Watches a trial from outside: the agent judges, this shows. Whoever stops watching changes nothing. */
import { askAgent } from "../control/client.ts";
import type { TrialAnswer } from "../going-live/status.ts";
import type { Desk } from "../world.ts";
import type { CliDeps } from "./command.ts";
import { EXIT } from "./exit.ts";
import { trialText, verdictOn, verdictText } from "./trial-text.ts";

export interface FollowOptions {
  readonly control: string;
  readonly json: boolean;
}

const LOOK_EVERY_MS = 1_000;
/** An agent that ended in the middle is started again by systemd, and knows the verdict. */
const PATIENCE_LOOKS = 60;

/** From the agent's answer to `try` to the verdict; resolves with the exit code: 0 when it runs, else 1. */
export async function followTrial(deps: CliDeps, first: TrialAnswer, options: FollowOptions): Promise<number> {
  const show = createShow(deps, options.json);
  const { path, fileHash, trial } = first;
  if (fileHash === null || trial?.hash !== fileHash) return settled(show, first);
  show.note(
    `Trying it for about ${Math.ceil(trial.leftMs / 60_000)} min; what ran before stays ready. Ctrl-C stops watching, not the trial.\nDecide yourself: pump-station keep, pump-station roll-back\n`,
  );
  let answer = first;
  for (;;) {
    const verdict = verdictOn(answer, fileHash);
    if (verdict) {
      show.end({ event: "verdict", path, ...verdict }, verdictText(path, verdict));
      return verdict.outcome === "kept" ? EXIT.ok : EXIT.failed;
    }
    if (answer.trial?.hash !== fileHash) {
      show.end(
        { event: "ended", path },
        `The trial ended without a verdict: ${path} was changed again. See: pump-station status`,
      );
      return EXIT.failed;
    }
    show.progress({ event: "trial", ...answer.trial }, trialText(answer.trial), progressKey(answer));
    await deps.timers.sleep(LOOK_EVERY_MS);
    answer = await asked(deps, options.control, show);
  }
}

/** No trial: it runs already, it is the first, it was kept by wish, or it can't run. */
function settled(show: Show, answer: TrialAnswer): number {
  const { path, fileHash, hash, problems } = answer;
  const verdict = fileHash === null ? undefined : verdictOn(answer, fileHash);
  const doesRun = fileHash !== null && fileHash === hash;
  if (verdict) show.end({ event: "verdict", path, ...verdict }, verdictText(path, verdict));
  else if (doesRun) show.end({ event: "runs", path }, `${path} runs.`);
  else
    show.end(
      { event: "refused", path, problems },
      `${path} does not run:\n${problems.map((line) => `  ${line}`).join("\n")}`,
    );
  return doesRun ? EXIT.ok : EXIT.failed;
}

async function asked(deps: CliDeps, control: string, show: Show): Promise<TrialAnswer> {
  for (let looks = 1; ; looks++) {
    try {
      return (await askAgent(deps.connectControl, control, "trial")) as TrialAnswer;
    } catch (error) {
      if (looks >= PATIENCE_LOOKS) {
        throw new Error("the agent no longer answers; what became of the trial: pump-station status", { cause: error });
      }
      show.progress({ event: "waiting" }, "the agent does not answer; waiting for it", "waiting");
      await deps.timers.sleep(LOOK_EVERY_MS);
    }
  }
}

/** What a line of a log that nobody watches is worth: a poll more, not a second less. */
const progressKey = ({ trial }: TrialAnswer): string =>
  JSON.stringify(trial?.devices.map(({ device, polls, good }) => [device, Math.min(polls, 10), good === polls]));

type Show = ReturnType<typeof createShow>;

/** One line that is written over on a terminal, a line per change elsewhere, an object per change for programs. */
function createShow({ out, desk }: CliDeps, json: boolean) {
  let isOpen = false;
  let last = "";
  // Once: each desk listens to the terminal.
  let terminal: Desk | undefined;
  const columns = (): number | undefined => (terminal ??= desk()).columns();
  return {
    note: (text: string): void => {
      if (!json) out(text);
    },
    progress: (event: object, text: string, key: string): void => {
      const width = json ? undefined : columns();
      if (width !== undefined) {
        const cut = text.length < width ? text : `${text.slice(0, Math.max(0, width - 2))}…`;
        out(`\r\u001b[K${cut}`);
        isOpen = true;
      } else if (key !== last) out(json ? `${JSON.stringify(event)}\n` : `${text}\n`);
      last = key;
    },
    end: (event: object, text: string): void => {
      terminal?.close();
      if (isOpen) out("\r\u001b[K");
      out(json ? `${JSON.stringify(event)}\n` : `${text}\n`);
    },
  };
}

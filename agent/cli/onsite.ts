/** `pump-station onsite`: somebody works at the station; the cloud moves nothing and pages nobody meanwhile. */
import type { OnSiteStatus } from "../commands/on-site.ts";
import { askAgent } from "../control/client.ts";
import { type AddCommand, type CliDeps, examples, SOCKET } from "./command.ts";
import { EXIT } from "./exit.ts";
import { spokenDuration } from "./table.ts";

interface OnsiteOptions {
  readonly control: string;
  readonly json?: boolean;
}

export const addOnsite: AddCommand = (program, deps, finish) => {
  program
    .command("onsite")
    .description("somebody works here: the cloud moves nothing and pages nobody until then")
    .argument("[time]", 'how long from now ("30min", "2h", at most 24h), or end; without it: shows')
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .addHelpText(
      "after",
      examples(
        "pump-station onsite 2h       settings from the cloud wait, its commands are refused, alarms carry a mark",
        "pump-station onsite end      before you drive home; it ends by itself, too",
      ),
    )
    .action((time: string | undefined, options: OnsiteOptions) => finish(onsite(deps, time, options)));
};

async function onsite(deps: CliDeps, time: string | undefined, options: OnsiteOptions): Promise<number> {
  const parameters = time === "end" ? { end: true } : time === undefined ? {} : { for: time };
  const { onSite, isKept } = (await askAgent(deps.connectControl, options.control, "onsite", parameters)) as {
    readonly onSite: OnSiteStatus | null;
    readonly isKept: boolean;
  };
  deps.out(options.json ? `${JSON.stringify(onSite, null, 2)}\n` : `${onSite ? onSiteText(onSite) : NOBODY}\n`);
  if (!isKept) deps.err("the disk can't be written: a restart of the agent ends it\n");
  return EXIT.ok;
}

const NOBODY = "nobody is on site; begin with: pump-station onsite 2h";

export function onSiteText({ leftMs, by, isOurs, isUnsure }: OnSiteStatus): string {
  const begun = by === "here" ? "begun here" : `begun by ${by}${isOurs ? " here" : ""}`;
  const unsure = isUnsure ? ", shortened since the board restarted and its clock is not set" : "";
  return `ON SITE for ${spokenDuration(leftMs)} more (${begun}${unsure}): the cloud moves nothing, alarms page nobody; ends by itself, or with: pump-station onsite end`;
}

/** `pump-station buffer`: what waits, what became of the rest, how long the cloud may be away, whether the flash is well. */
import type { BufferStatus } from "../buffer/buffer.ts";
import { askAgent } from "../control/client.ts";
import type { CommitPace, Journal } from "../flash.ts";
import { THIN_TO_MS_DEFAULT, THIN_TO_TIMES } from "../limits.ts";
import type { AgentStatus } from "../status.ts";
import { type AddCommand, type CliDeps, examples, SOCKET } from "./command.ts";
import { journalText } from "./flash-text.ts";
import { spokenBytes, spokenDuration, table } from "./table.ts";

export const addBuffer: AddCommand = (program, deps, finish) => {
  program
    .command("buffer")
    .description("the readings on this board: what waits, what is stored, how many days there is room for")
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .addHelpText("after", examples("pump-station buffer          how long may the cloud be away?"))
    .action((options: { control: string; json?: boolean }) =>
      finish(buffer(deps, { control: options.control, json: options.json ?? false })),
    );
};

async function buffer(deps: CliDeps, options: { readonly control: string; readonly json: boolean }): Promise<number> {
  const { buffer, commits } = (await askAgent(deps.connectControl, options.control, "status")) as AgentStatus;
  deps.out(
    options.json
      ? `${JSON.stringify({ ...buffer, ...(commits && { commits }) }, null, 2)}\n`
      : `${bufferText(buffer, commits)}\n`,
  );
  return 0;
}

export function bufferText(buffer: BufferStatus, commits?: CommitPace): string {
  const { accepted, receipted, dropped, droppedUnconfirmed, bytes, bytesMax, bytesPerDay } = buffer;
  const rate = bytesPerDay === undefined ? "" : `, ${spokenBytes(bytesPerDay)} a day`;
  const rows = [
    ["wait", samples(buffer.waiting), oldestText(buffer)],
    ...(buffer.backlog > 0 ? [["of them", samples(buffer.backlog), "piled up; they are sent beside what is new"]] : []),
    ["accepted", samples(accepted), "the cloud has them"],
    ["stored", samples(receipted), "the bridge has confirmed them"],
    ["dropped", samples(dropped), dropped > 0 ? "for want of room or refused; reported to the cloud as ranges" : ""],
    ...(buffer.averaged > 0
      ? [["averaged", samples(buffer.averaged), "of them, to averages, which wait or were sent"]]
      : []),
    ...(droppedUnconfirmed > 0
      ? [["unconfirmed", samples(droppedUnconfirmed), "accepted, and gone here before they were confirmed; reported"]]
      : []),
    ["size", `${spokenBytes(bytes)} of ${spokenBytes(bytesMax)}`, `used${rate}`],
    ["room", roomText(buffer), whenFullText(buffer)],
    ["flash", ...mediumText(buffer)],
    ...(commits ? [["written", `every ${spokenDuration(commits.commitEveryMs)}`, commitsText(commits)]] : []),
    ...(commits?.journal ? [["", "", journalLine(commits.journal, commits.commitEveryMs)]] : []),
  ];
  return `Waiting readings (counts since the agent was started)\n${table(rows).replaceAll(/^/gm, "  ")}`;
}

function whenFullText({ whenFull, thinToMs = THIN_TO_MS_DEFAULT }: BufferStatus): string {
  if (whenFull === "oldest-first") return "then the oldest that wait are dropped (when-full: oldest-first)";
  const windows = THIN_TO_TIMES.map((times) => `of ${spokenDuration(times * thinToMs)}`).join(", ");
  return `then the older half of those that wait becomes averages ${windows} (when-full: thin-out)`;
}

/** Which medium, and whether that or the configuration decides. */
function commitsText({ kind, because, isByFlash, commitEveryMs }: CommitPace): string {
  const medium = kind === "unknown" ? "medium unknown" : kind;
  if (isByFlash) return `${medium}: ${because} (commit-interval: by-flash)`;
  return `${medium}; agent.yaml says commit-interval: ${commitEveryMs / 1_000}s`;
}

const journalLine = (journal: Journal, commitEveryMs: number): string =>
  `the journal of ${journal.fileSystem} ${journalText(journal, commitEveryMs)}`;

const samples = (count: number): string => `${count} ${count === 1 ? "sample" : "samples"}`;

function oldestText({ waiting, waitingHours, oldestWaitingAt }: BufferStatus): string {
  if (waiting === 0) return "";
  if (oldestWaitingAt !== undefined)
    return `the oldest for ${hours(waitingHours)}, since ${new Date(oldestWaitingAt).toISOString().slice(0, 16)}Z`;
  return waitingHours > 0 ? `the oldest for ${hours(waitingHours)}` : "";
}

/** "31 days at today's rate": the days of readings that there is room for before anything that waits is dropped. */
export function roomText({ roomDays }: Pick<BufferStatus, "roomDays">): string {
  if (roomDays === undefined) return "not known in the first minutes";
  if (roomDays < 2) return `for ${hours(24 * roomDays)} at today's rate`;
  return `for ${Math.floor(roomDays)} days at today's rate`;
}

function mediumText({ medium }: BufferStatus): [string, string] {
  const { state, failures, lastFailure, lastFailureHours = 0, inRam } = medium;
  const last = lastFailure === undefined ? "" : `${hours(lastFailureHours)} ago: ${lastFailure}`;
  if (state === "failing") return ["FAILS", `${samples(inRam)} in memory only, tried again and again; ${last}`];
  return ["good", failures > 0 ? `failed ${failures} times since the start, last ${last}` : ""];
}

const hours = (count: number): string => spokenDuration(count * 3_600_000);

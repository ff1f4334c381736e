/**
 * `pump-station edit [FILE]`, as visudo: a private copy, an editor, a check, what changes in words, and then the trial.
 * A broken text is never installed. What was edited stays in the draft until it is installed or discarded, so that a
 * lost connection loses nothing; and the agent judges by itself, so that it doesn't end a trial either.
 */
import { openControl } from "../control/client.ts";
import type { SourceText } from "../description.ts";
import type { TrialAnswer } from "../going-live/status.ts";
import type { Desk } from "../world.ts";
import { type Candidate, currentText, isDeviceFile, judgeCandidate, type Place, problemText } from "./candidate.ts";
import { type AddCommand, type CliDeps, deviceFolders, examples, SOCKET, STATION_FILE } from "./command.ts";
import { EXIT } from "./exit.ts";
import { followTrial } from "./follow-trial.ts";

export interface EditOptions {
  readonly control: string;
  readonly json: boolean;
  /** Folders with own device files, for when no agent runs that knows. */
  readonly devices: readonly string[];
  /** Whatever comes of it. */
  readonly keep: boolean;
  /** Nobody is asked; what is broken isn't installed either. */
  readonly yes: boolean;
}

export const addEdit: AddCommand = (program, deps, finish) => {
  program
    .command("edit")
    .description("change the station file or a device file: checked, tried on the running station, kept or rolled back")
    .argument("[file]", "by default the station file of the running agent")
    .option("--keep", "whatever comes of the trial")
    .option("--yes", "ask nothing (what is broken is not installed either)")
    .option("--devices <folder...>", "folders with own device files, when no agent can be asked", [])
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .addHelpText("after", HELP)
    .action((file: string | undefined, options: Partial<EditOptions> & Pick<EditOptions, "control" | "devices">) =>
      finish(edit(deps, file, { json: false, keep: false, yes: false, ...options })),
    );
};

const HELP = examples(
  "pump-station edit",
  "EDITOR=nano pump-station edit /etc/pump-station/devices/my-pump.yaml",
  'EDITOR="cp new-station.yaml" pump-station edit --yes     for scripts: exit code 0 when it is kept',
);

export async function edit(deps: CliDeps, file: string | undefined, options: EditOptions): Promise<number> {
  const desk = deps.desk();
  const agent = await agentBeside(deps, options.control);
  const place = placeOf(deps, desk, file, agent.answer, options);
  desk.checkWritable(place.path);
  const lock = await desk.lock(place.path);
  if ("by" in lock) throw new Error(`edit ${place.path}: it is being edited by ${lock.by}`);
  try {
    const before = currentText(deps.files, place.path) ?? "";
    const session: Session = {
      deps,
      desk,
      place,
      options,
      before,
      runs: isUsedBy(agent.answer, place, desk) ? agent.runs : [],
      draft: desk.draftOf(place.path),
    };
    const text = await editedText(session);
    if (typeof text === "number") return text;
    return await installAndTry(session, text, agent);
  } finally {
    lock.release();
    desk.close();
  }
}

interface Beside {
  /** undefined when no agent could be asked. */
  readonly answer?: TrialAnswer;
  readonly runs: readonly SourceText[];
  readonly whyNot: string;
}

interface Session {
  readonly deps: CliDeps;
  readonly desk: Desk;
  readonly place: Place;
  readonly options: EditOptions;
  /** The file as it was when the editing began. */
  readonly before: string;
  readonly runs: readonly SourceText[];
  readonly draft: string;
}

/** Why no agent could be asked is said when it matters. */
async function agentBeside(deps: CliDeps, control: string): Promise<Beside> {
  try {
    const client = await openControl(deps.connectControl, control);
    try {
      const answer = (await client.ask("trial")) as TrialAnswer;
      return { answer, runs: (await client.ask("running")) as readonly SourceText[], whyNot: "" };
    } finally {
      client.close();
    }
  } catch (error) {
    return { runs: [], whyNot: error instanceof Error ? error.message : String(error) };
  }
}

function placeOf(
  deps: CliDeps,
  desk: Desk,
  file: string | undefined,
  agent: TrialAnswer | undefined,
  options: EditOptions,
): Place {
  const station = desk.resolve(agent?.path ?? STATION_FILE);
  const path = file === undefined ? station : desk.resolve(file);
  const whole = isDeviceFile(currentText(deps.files, path) ?? "") ? station : path;
  return { path, station, folders: agent?.folders ?? deviceFolders(deps, whole, options.devices) };
}

/** A text that may be installed, or the exit code when there is none. */
async function editedText(session: Session): Promise<string | number> {
  const { desk, deps, draft } = session;
  await openDraft(session);
  for (;;) {
    const code = await desk.edit(draft);
    if (code !== 0) {
      deps.err(`The editor ended with ${code}: nothing was installed. ${leftAt(session)}\n`);
      return EXIT.failed;
    }
    const text = currentText(deps.files, draft) ?? "";
    if (text === session.before) {
      deps.files.remove(draft);
      say(session, { event: "unchanged" }, `${session.place.path}: nothing was changed.`);
      return EXIT.ok;
    }
    const candidate = judgeCandidate(deps.files, session.place, text, session.runs);
    const next = await decideOn(session, candidate);
    if (next === "install") return text;
    if (typeof next === "number") return next;
  }
}

/** Begins with the file as it is, or goes on with what a lost connection left. */
async function openDraft({ deps, desk, draft, before, place, options }: Session): Promise<void> {
  const left = currentText(deps.files, draft);
  if (left !== undefined && left !== before) {
    const answer = options.yes
      ? "n"
      : await choice(
          desk,
          `An earlier edit of ${place.path} was not finished.\n[c]ontinue with it, or start [n]ew from the file? `,
          ["c", "n"],
        );
    if (answer !== "n") return;
    deps.files.writeDurably(`${draft}.before`, new TextEncoder().encode(left), 0o600);
  }
  deps.files.writeDurably(draft, new TextEncoder().encode(before), 0o600);
}

async function decideOn(session: Session, candidate: Candidate): Promise<"install" | "again" | number> {
  const { deps, desk, options, place } = session;
  const problems = [...candidate.problems, ...(candidate.isGood ? candidate.elsewhere : [])];
  if (problems.length > 0)
    say(session, { event: "problems", problems }, `${problemText(candidate, problems, deps.colour)}\n`);
  if (!candidate.isGood) {
    const count = candidate.problems.filter(({ severity }) => severity === "error").length;
    const question = `${place.path}: ${count} ${count === 1 ? "problem" : "problems"}; nothing was installed.\n[e]dit again, or [d]iscard? `;
    const answer = options.yes ? undefined : await choice(desk, question, ["e", "d"]);
    return answer === "e" ? "again" : left(session, answer, EXIT.configuration);
  }
  say(session, { event: "changes", changes: candidate.changes ?? [] }, changesText(session, candidate.changes));
  if (options.yes) return "install";
  const answer = await choice(desk, "Install and try it? [y]es, [e]dit again, [d]iscard: ", ["y", "e", "d"]);
  if (answer === "y") return "install";
  return answer === "e" ? "again" : left(session, answer, EXIT.failed);
}

/** Discarded by wish; or nobody is there any more, and the draft waits. */
function left(session: Session, answer: string | undefined, code: number): number {
  const { deps, draft } = session;
  if (answer === "d") {
    deps.files.remove(draft);
    say(session, { event: "discarded" }, "Discarded; the file is as it was.");
    return EXIT.failed;
  }
  deps.err(`Nothing was installed. ${leftAt(session)}\n`);
  return code;
}

const leftAt = ({ draft }: Session): string => `The edited text is at ${draft}; go on with: pump-station edit`;

function changesText({ runs }: Session, changes: readonly string[] | undefined): string {
  const before = runs.length > 0 ? "what runs" : "the file as it was";
  if (changes === undefined) return "There was nothing whole before that it could be compared with.";
  if (changes.length === 0) return `Nothing changes against ${before} but comments, notes or order.`;
  return [`Changes against ${before}:`, ...changes.map((line) => `  ${line}`)].join("\n");
}

async function installAndTry(session: Session, text: string, agent: Beside): Promise<number> {
  const { deps, desk, place, options, before, draft } = session;
  if ((currentText(deps.files, place.path) ?? "") !== before) {
    const question = `${place.path} was changed by somebody else meanwhile. [o]verwrite it, or [k]eep theirs and this draft? `;
    const answer = options.yes ? "k" : await choice(desk, question, ["o", "k"]);
    if (answer !== "o") {
      deps.err(`Nothing was installed. ${leftAt(session)}\n`);
      return EXIT.failed;
    }
  }
  const how = installed(session, text);
  deps.files.remove(draft);
  say(session, { event: "installed", path: place.path, how }, `Installed ${place.path}.`);
  if (!agent.answer) {
    say(
      session,
      { event: "not-tried" },
      agent.whyNot.includes("permission denied")
        ? `The agent that runs here tries it by itself; you may not watch (${agent.whyNot}). What becomes of it: sudo pump-station status`
        : `Nothing was tried, since no agent could be asked (${agent.whyNot}). One that runs, or starts, tries it by itself.`,
    );
    return EXIT.ok;
  }
  if (!isUsedBy(agent.answer, place, desk)) {
    say(session, { event: "not-tried" }, `The agent here uses ${agent.answer.path}: nothing was tried.`);
    return EXIT.ok;
  }
  const client = await openControl(deps.connectControl, options.control);
  try {
    return await followTrial(deps, (await client.ask("try", { keep: options.keep })) as TrialAnswer, options);
  } finally {
    client.close();
  }
}

/** Throws Error that says where the work of the last half hour is. */
function installed(session: Session, text: string): ReturnType<Desk["install"]> {
  const { desk, place } = session;
  try {
    return desk.install(place.path, new TextEncoder().encode(text));
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`install ${place.path}: ${what}\n${leftAt(session)}`, { cause: error });
  }
}

const isUsedBy = (agent: TrialAnswer | undefined, place: Place, desk: Desk): boolean =>
  agent !== undefined && isAmong(agent, place, desk);

const isAmong = ({ path, folders }: TrialAnswer, place: Place, desk: Desk): boolean =>
  desk.resolve(path) === place.path || folders.some((folder) => place.path.startsWith(`${desk.resolve(folder)}/`));

/** Asks until one of the letters is said; undefined when nobody is there any more. */
async function choice(desk: Desk, question: string, letters: readonly string[]): Promise<string | undefined> {
  for (;;) {
    const line = await desk.ask(question);
    if (line === undefined) return undefined;
    const letter = line.trim().toLowerCase().slice(0, 1);
    if (letters.includes(letter)) return letter;
  }
}

const say = ({ deps, options }: Session, event: object, text: string): void =>
  deps.out(options.json ? `${JSON.stringify(event)}\n` : `${text}\n`);

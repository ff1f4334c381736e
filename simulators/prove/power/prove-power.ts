/** `prove power`: the run over all cuts, and its figures. */
import type { Databases as AgentDatabases, Chance, Clock, LogLevel, Timers } from "@pump-station/agent/world.ts";
import type { PowerDisk } from "../../host/power-disk.ts";
import type { Child, Databases, Processes, TextFiles } from "../../world.ts";
import { createDraws, type Draws } from "../chance.ts";
import { createPromises } from "../kill/promises.ts";
import { addPrinted, type Book, compare, emptyBook } from "./promises-kept.ts";
import { BUFFER_FILE, openOnce } from "./writer.ts";

export interface ProvePowerDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly files: TextFiles;
  readonly databases: Databases;
  readonly agentDatabases: AgentDatabases;
  readonly processes: Processes;
  readonly kill: (child: Child) => void;
  readonly createDisk: () => Promise<PowerDisk>;
  readonly say: (line: string) => void;
}

export interface PowerOptions {
  readonly cuts: number;
  readonly seed: number;
  /** The bundle that holds the writer. */
  readonly writer: string;
  /** For what the writer prints: not on the disk. */
  readonly root: string;
}

/** What one disk has to keep through several cuts. */
const CUTS_PER_DISK = 10;
const WRITES_MS = { least: 40, most: 900 } as const;
/** Of the sectors that nobody flushed, this share was written all the same. */
const KEPT_PERCENT = { least: 10, most: 90 } as const;
const FIRST_COMMIT_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 10;
const PROBLEMS_SHOWN = 5;
const PROGRESS_EVERY = 25;

interface Tally {
  cuts: number;
  cutsWithLoss: number;
  acknowledged: number;
  lost: number;
  wrong: number;
  kept: number;
  dropped: number;
  torn: number;
  readonly problems: string[];
}

/** Resolves with whether every promise was kept. */
export async function provePower(deps: ProvePowerDeps, options: PowerOptions): Promise<boolean> {
  const draws = createDraws(options.seed);
  const startedMs = deps.clock.bootMs();
  const tally: Tally = {
    ...{ cuts: 0, cutsWithLoss: 0, acknowledged: 0, lost: 0, wrong: 0, kept: 0, dropped: 0, torn: 0 },
    problems: [],
  };
  while (tally.cuts < options.cuts) {
    const disk = await deps.createDisk();
    try {
      await proveDisk(deps, options, disk, draws, tally);
    } finally {
      await disk.close();
    }
  }
  for (const line of reportOf(tally, options.seed, deps.clock.bootMs() - startedMs)) deps.say(line);
  return tally.problems.length === 0;
}

/** Ends early with the first broken promise: what such a disk says later proves nothing. */
async function proveDisk(
  deps: ProvePowerDeps,
  options: PowerOptions,
  disk: PowerDisk,
  draws: Draws,
  tally: Tally,
): Promise<void> {
  const book = emptyBook();
  let counted = 0;
  await disk.powerOn();
  for (let cuts = 0; cuts < CUTS_PER_DISK && tally.cuts < options.cuts; cuts++) {
    await writeUntilCut(deps, options, disk, draws, tally, book);
    tally.cuts += 1;
    if (tally.cuts % PROGRESS_EVERY === 0)
      deps.say(`  ${tally.cuts} of ${options.cuts} cuts, ${tally.cutsWithLoss} with losses`);
    const problems = await lookAfterCut(deps, disk, book, (kept) => {
      tally.acknowledged += kept.acknowledged - counted;
      counted = kept.acknowledged;
      tally.lost += kept.lost;
      tally.wrong += kept.wrong;
      if (kept.lost > 0) tally.cutsWithLoss += 1;
    });
    if (problems.length === 0) continue;
    tally.problems.push(...problems.map((problem) => `cut ${tally.cuts}: ${problem}`));
    return;
  }
}

async function writeUntilCut(
  deps: ProvePowerDeps,
  { writer, root }: PowerOptions,
  disk: PowerDisk,
  draws: Draws,
  tally: Tally,
  book: Book,
): Promise<void> {
  const { clock, timers } = deps;
  const logPath = `${root}/writer-${tally.cuts}.log`;
  const child = deps.processes.start({ program: writer, args: ["power-writer", disk.folder], logPath });
  const printed = () => deps.files.read(logPath) ?? "";
  const endMs = clock.bootMs() + FIRST_COMMIT_WITHIN_MS;
  while (!printed().includes("committed")) {
    if (clock.bootMs() > endMs) throw new Error(`the writer has committed nothing:\n${printed()}`);
    await timers.sleep(LOOK_EVERY_MS);
  }
  await timers.sleep(between(WRITES_MS, draws));
  const result = disk.cut(Math.floor(draws.fraction() * 2 ** 32), Math.round(between(KEPT_PERCENT, draws)));
  deps.kill(child);
  await child.ended;
  for (const what of ["kept", "dropped", "torn"] as const) tally[what] += result[what];
  addPrinted(book, printed());
  deps.files.remove(logPath);
  await disk.takeOut();
}

/** As after a boot: file system looked over and mounted, file opened by the agent's own code, rows compared. */
async function lookAfterCut(
  deps: ProvePowerDeps,
  disk: PowerDisk,
  book: Book,
  onCompared: (kept: ReturnType<typeof compare>) => void,
): Promise<readonly string[]> {
  const errors: string[] = [];
  const log = (level: LogLevel, event: string, fields: object = {}) => {
    if (level === "error") errors.push(`the agent says ${event} ${JSON.stringify(fields)}`);
  };
  try {
    await disk.powerOn();
    const { clock, chance } = deps;
    const offers = openOnce({ databases: deps.agentDatabases, clock, chance, log }, disk.folder);
    const promises = createPromises(deps.databases, `${disk.folder}/${BUFFER_FILE}`);
    promises.look();
    const kept = compare(book, promises.samples, offers);
    onCompared(kept);
    return [...errors, ...kept.problems];
  } catch (error) {
    return [...errors, `not mounted or not opened: ${String(error)}`];
  }
}

const between = ({ least, most }: { least: number; most: number }, draws: Draws): number =>
  least + draws.fraction() * (most - least);

function reportOf(tally: Tally, seed: number, tookMs: number): readonly string[] {
  const { kept, dropped, torn, problems } = tally;
  const rows: readonly (readonly [string, string])[] = [
    ["power cuts", `${tally.cuts} in ${(tookMs / 1000).toFixed(0)} s, seed ${seed}`],
    ["unflushed sectors", `${kept + dropped}: ${dropped} dropped, ${kept} written, ${torn} of these torn`],
    ["acknowledged", `${tally.acknowledged} samples and alarms`],
    ["lost", `${tally.lost}, in ${tally.cutsWithLoss} cuts`],
    ["with wrong values", `${tally.wrong}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, figure]) => `${name.padEnd(width)}  ${figure}`),
    ...(problems.length === 0
      ? [`PROVEN: after each of ${tally.cuts} cuts all that was acknowledged was there`]
      : ["NOT PROVEN:", ...problems.slice(0, PROBLEMS_SHOWN).map((problem) => `  ${problem}`)]),
  ];
}

/** `prove twin`: runs of whole agents against a cloud in which everything goes wrong; then it gets quiet, and is judged. */
import { NO_FAULTS } from "./cloud.ts";
import { measureBehaviour } from "./measured.ts";
import { createScene, type Scene, type SceneDeps } from "./scene.ts";
import { aMonthOffline, lastWord, trouble } from "./trouble.ts";
import { disagreements } from "./verdict.ts";

export interface ProveTwinDeps extends SceneDeps {
  readonly say: (line: string) => void;
  readonly nowMs: () => number;
}

export interface TwinOptions {
  readonly dialect: string;
  readonly seeds: number;
  readonly firstSeed: number;
  /** Who sees so many seeds fail needs no more of them. */
  readonly enough?: number;
  /** Prints everything that happened in seeds that fail. */
  readonly isTraced?: boolean;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const ROUNDS = 3;
const EVENTS_PER_ROUND = 20;
/** One seed in so many is a month without network, too. */
const MONTH_EVERY = 25;
/** Longest: back-offs of ten minutes, and states that change too often to be told at once. */
const QUIET_MAX_MS = 3_600_000;
/** A last patch that nobody heard is found with the next fetch, which a standing connection makes once a day. */
const UNHEARD_MAX_MS = 26 * 3_600_000;
const FAILED_MAX = 5;
const LOOK_EVERY_MS = 30_000;
const PROBLEMS_SHOWN = 6;

/** Resolves with whether every run kept every promise. */
export async function proveTwin(deps: ProveTwinDeps, options: TwinOptions): Promise<boolean> {
  const startedMs = deps.nowMs();
  const failed: number[] = [];
  let slowestMs = 0;
  let verdicts = 0;
  const { firstSeed, seeds, enough = FAILED_MAX } = options;
  for (let seed = firstSeed; seed < firstSeed + seeds && failed.length < enough; seed++) {
    const { problems, quietMs, words, trace } = await proveSeed(deps, seed);
    slowestMs = Math.max(slowestMs, ...quietMs);
    verdicts += quietMs.length;
    deps.say(`${options.dialect} seed ${seed}: ${words}: ${problems.length === 0 ? "converged" : "NOT CONVERGED"}`);
    for (const problem of problems.slice(0, PROBLEMS_SHOWN)) deps.say(`    ${problem}`);
    if (problems.length > 0) failed.push(seed);
    if (problems.length > 0 && options.isTraced) for (const line of trace) deps.say(`      ${line}`);
  }
  const seconds = ((deps.nowMs() - startedMs) / 1000).toFixed(0);
  const longest = `at most ${(slowestMs / MINUTE_MS).toFixed(1)} min after it got quiet`;
  deps.say(
    failed.length === 0
      ? `PROVEN on ${options.dialect}: desired = running = reported, or refused with a reason, in each of ${options.seeds} runs (${verdicts} times), ${longest}; ${seconds} s`
      : `NOT PROVEN on ${options.dialect}: seeds ${failed.join(", ")} of ${options.seeds}; ${seconds} s`,
  );
  return failed.length === 0;
}

interface SeedRun {
  readonly problems: readonly string[];
  readonly quietMs: readonly number[];
  readonly words: string;
  readonly trace: readonly string[];
}

async function proveSeed(deps: ProveTwinDeps, seed: number): Promise<SeedRun> {
  const scene = await createScene(deps, seed);
  const quietMs: number[] = [];
  const problems: string[] = [];
  try {
    scene.start();
    for (let round = 0; round < ROUNDS && problems.length === 0; round++) {
      await trouble(scene, EVENTS_PER_ROUND);
      if (round === 1 && seed % MONTH_EVERY === 0) await aMonthOffline(scene);
      // The last patch may have got lost, and nothing follows it that would show it.
      const mayBeUnheard = scene.cloud.faults.loseDesired > 0;
      heal(scene);
      const isHeard = await lastWord(scene, mayBeUnheard);
      const { tookMs, left } = await untilConverged(scene, isHeard ? QUIET_MAX_MS : UNHEARD_MAX_MS);
      quietMs.push(tookMs);
      problems.push(...left.map((text) => `round ${round + 1}, ${Math.round(tookMs / MINUTE_MS)} min quiet: ${text}`));
      if (problems.length === 0) problems.push(...(await measureBehaviour(scene)));
      problems.push(...scene.broken, ...scene.hardware.violations);
    }
    return { problems, quietMs, words: wordsOf(scene, quietMs), trace: scene.trace };
  } finally {
    scene.close();
  }
}

function heal(scene: Scene): void {
  const { cloud, hardware } = scene;
  scene.say("quiet");
  Object.assign(cloud.faults, NO_FAULTS);
  hardware.onWrite = undefined;
  hardware.isPowered = true;
  hardware.isPumping = false;
  cloud.reach(true);
  scene.start();
}

async function untilConverged(
  scene: Scene,
  withinMs: number,
): Promise<{ readonly tookMs: number; readonly left: readonly string[] }> {
  for (let tookMs = 0; ; tookMs += LOOK_EVERY_MS) {
    const found = disagreements({
      documents: await scene.cloud.documents(),
      hardware: scene.hardware,
      versionOf: (path) => scene.versionOf(path),
      mayBeAfterCrash: scene.mayBeAfterCrash,
    });
    if (found.length === 0) {
      scene.mayBeAfterCrash = false;
      return { tookMs, left: [] };
    }
    const failure = scene.life()?.failure();
    if (tookMs > withinMs || failure !== undefined) {
      return { tookMs, left: [...(failure === undefined ? [] : [failure]), ...found.map(({ text }) => text)] };
    }
    if (found.every(({ isAfterCrash }) => isAfterCrash)) {
      // Somebody sees the reason and desires once more.
      scene.mayBeAfterCrash = false;
      await scene.desire({ upload: { interval: 60 + scene.counts.changes } });
    }
    await scene.time.advance(LOOK_EVERY_MS);
  }
}

function wordsOf({ counts, time, hardware }: Scene, quietMs: readonly number[]): string {
  const longest = counts.longestOfflineMs / DAY_MS;
  const quiet = quietMs.map((ms) => (ms / MINUTE_MS).toFixed(1)).join(", ");
  return [
    `${(time.clock.bootMs() / DAY_MS).toFixed(1)} days, ${counts.changes} changes (${counts.refusable} nonsense)`,
    `${hardware.writes()} writes, offline ${counts.offline} × (longest ${longest.toFixed(1)} d)`,
    `${counts.crashes} crashes, ${counts.stops} stops, ${counts.reboots} reboots, ${counts.bridgeRestarts} restarts of the cloud`,
    `${counts.recreated} × recreated, ${counts.powerLosses} power losses, ${counts.pumping} × pumping, ${counts.faults} faults`,
    `quiet after ${quiet} min`,
  ].join("; ");
}

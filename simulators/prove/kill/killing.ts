/** Two killers at work at once, one for the agent and one for the bridge; what each moment is, the seed says. */
import type { Clock, Timers } from "@pump-station/agent/world.ts";
import type { Child } from "../../world.ts";
import type { Draws } from "../chance.ts";

export interface Victim {
  start(): Child;
  /** How far the process that was started last may have come when its moment is drawn. Their looks throw nothing. */
  readonly stages: readonly Stage[];
  /** Before the kill and after the end, each time. */
  witness(): void;
}

export interface Stage {
  /** "after its first commit" */
  readonly name: string;
  isReached(): Promise<boolean> | boolean;
}

/** How often it was killed at which stage. */
export type KillCounts = Readonly<Record<string, number>>;

export interface Killing {
  /** Runs at the end. */
  readonly child: Child;
  readonly counts: KillCounts;
}

/** It opens its file, closes former epochs, binds its ports. */
const WHILE_STARTING: Stage = { name: "while it started", isReached: () => true };
const STARTING_MS_MAX = 1_200;
/** One that never gets to work is killed as well. */
const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 40;

/** Kills `victim` so many times, and starts it once more. `onKill`: how many were killed so far. */
export async function killAgainAndAgain(
  deps: {
    readonly clock: Clock;
    readonly timers: Timers;
    readonly draws: Draws;
    readonly kill: (child: Child) => void;
  },
  victim: Victim,
  options: { readonly kills: number; readonly atWorkMsMax: number; readonly first?: Child },
  onKill: (killed: number) => void = () => undefined,
): Promise<Killing> {
  const { clock, timers, draws } = deps;
  const stages = [WHILE_STARTING, ...victim.stages];
  const counts: Record<string, number> = Object.fromEntries(stages.map(({ name }) => [name, 0]));
  let child = options.first ?? victim.start();
  const untilReached = async (stage: Stage): Promise<void> => {
    const endMs = clock.bootMs() + PATIENCE_MS;
    while (clock.bootMs() < endMs && !(await stage.isReached())) await timers.sleep(LOOK_EVERY_MS);
  };
  for (let killed = 0; killed < options.kills; ) {
    const stage = stages[Math.floor(draws.fraction() * stages.length)] ?? WHILE_STARTING;
    const share = draws.fraction();
    await untilReached(stage);
    // Squared: rather soon than late.
    await timers.sleep(stage === WHILE_STARTING ? share * STARTING_MS_MAX : share * share * options.atWorkMsMax);
    victim.witness();
    deps.kill(child);
    await child.ended;
    victim.witness();
    counts[stage.name] = (counts[stage.name] ?? 0) + 1;
    killed += 1;
    onKill(killed);
    child = victim.start();
  }
  return { child, counts };
}

/** The link between uploads: how long it may be silent, and whether the station stays on it at all. With reasons. */
import { fixedKeepAlive, type KeepAlive } from "../cloud/keep-alive.ts";
import type { Clock, LinkUse, Log } from "../world.ts";
import { type ConnectionPlan, connectionPlan, costsFrom, learnedFromOpening } from "./connection-costs.ts";
import { createLearnedKeepAlive, type LearnedKeepAlive } from "./learned-keep-alive.ts";
import type { NetworkMemory } from "./network-memory.ts";

export interface LinkStatus {
  readonly plan: "stay" | "leave";
  /** In words, with its figures. */
  readonly because: string;
  /** After so much silence a ping goes, s. */
  readonly keepAliveS: number;
  /** Longer silences are being tried out. */
  readonly isLearning: boolean;
  readonly pingsPerDay: number;
}

export interface Link {
  readonly keepAlive: KeepAlive;
  opened(use: LinkUse | undefined): void;
  unreachable(): void;
  /** See LearnedKeepAlive.isSuspected. */
  isForgotten(): boolean;
  /** From the next connection on. */
  use(config: LinkConfig): void;
  /** Nothing has to be sent: whether to leave now. */
  mayLeave(): boolean;
  status(): LinkStatus;
}

export interface LinkConfig {
  /** Learned, or a fixed time in ms. */
  readonly keepAlive: "learn" | number;
  readonly connection: "by-cost" | "standing";
}

export function createLink(
  deps: { readonly clock: Clock; readonly log: Log; readonly memory: NetworkMemory },
  first: LinkConfig,
  uploadIntervalMs: () => number,
): Link {
  const { memory, log } = deps;
  let config = first;
  const keepAlive = keepAliveOf(createLearnedKeepAlive(deps, uploadIntervalMs), () => config.keepAlive);
  let plan: "stay" | "leave" = "stay";

  const planNow = (): ConnectionPlan =>
    connectionPlan(plan, { intervalMs: uploadIntervalMs(), silenceMs: keepAlive.silenceMs() }, costsFrom(memory.now()));
  const mustStay = (): string | undefined => {
    if (config.connection === "standing") return "it is set so (connection: standing)";
    if (!keepAlive.isSettled()) return "it learns how long the network keeps a silent connection";
    return undefined;
  };

  return {
    keepAlive,
    opened: (use) => {
      keepAlive.connected();
      // A dialect, or a clock that isn't set, may leave bytes uncounted.
      if (use && use.bytes > 0) memory.learn(learnedFromOpening(memory.now(), use));
    },
    unreachable: () => keepAlive.unreachable(),
    isForgotten: () => keepAlive.isSuspected(),
    use: (next) => {
      config = next;
    },
    mayLeave: () => {
      const next = mustStay() === undefined ? planNow() : { ...planNow(), plan: "stay" as const };
      if (next.plan !== plan) log("info", "uplink-plan", { ...next, was: plan });
      plan = next.plan;
      return plan === "leave";
    },
    status: () => {
      const { stayBytesPerDay, leaveBytesPerDay, pingsPerDay } = planNow();
      const figures = `${kB(stayBytesPerDay)} a day for staying, ${kB(leaveBytesPerDay)} for coming back each time`;
      return {
        plan,
        because: mustStay() ?? figures,
        keepAliveS: Math.round(keepAlive.silenceMs() / 1000),
        isLearning: config.keepAlive === "learn" && !keepAlive.isSettled(),
        pingsPerDay: plan === "stay" ? pingsPerDay : 0,
      };
    },
  };
}

/** A fixed one is still watched: after a silence that was lost the station comes back at once. */
function keepAliveOf(learned: LearnedKeepAlive, setting: () => LinkConfig["keepAlive"]): LearnedKeepAlive {
  const now = (): KeepAlive => {
    const fixed = setting();
    return fixed === "learn" ? learned : fixedKeepAlive(fixed / 1000);
  };
  return {
    ...learned,
    announceS: () => now().announceS(),
    silenceMs: () => now().silenceMs(),
    survived: (silenceMs) => now().survived(silenceMs),
    isSettled: () => setting() !== "learn" || learned.isSettled(),
  };
}

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

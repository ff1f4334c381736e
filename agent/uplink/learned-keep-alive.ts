/**
 * Keep-alive as the network allows: silences are lengthened until one is lost, then the last that was survived is kept,
 * and remembered for that network. Any exchange after a silence counts, a ping or an upload.
 *
 *   nothing lost yet           the next silence is half as long again
 *   lost once                  the same once more: a tunnel or a full cell looks the same
 *   lost twice                 between the longest survived and the shortest lost, until they are near to each other
 *   near                       a tenth less than the longest survived, for a week; then the lost one is tried again
 *
 * A lost silence is known by what comes after: if the next connection stands at once, the network was there and had
 * forgotten the old one. If it doesn't, the network itself was away, and nothing was learned.
 */
import { type KeepAlive, silenceMsUnder } from "../cloud/keep-alive.ts";
import { KEEP_ALIVE_FIRST_S, KEEP_ALIVE_S_MAX, SILENCE_RETRY_MS } from "../limits.ts";
import type { Clock, Log } from "../world.ts";
import type { NetworkMemory } from "./network-memory.ts";

export interface LearnedKeepAlive extends KeepAlive {
  /** A new connection stands. */
  connected(): void;
  /** One couldn't be had. */
  unreachable(): void;
  /** The connection ended after a silence that may have been too long: no sign of an outage, come back at once. */
  isSuspected(): boolean;
  /** Nothing longer is tried for now. */
  isSettled(): boolean;
}

const STEP = 1.5;
/** The longest survived and the shortest lost are near: between them is nothing to gain. */
const NEAR = 1.25;
const SETTLED_SHARE = 0.9;
const WORTH_LEARNING = 1.05;
/** A connection that stands so soon after a lost silence tells that the network was there. */
const CONFIRMED_WITHIN_MS = 60_000;
const LOSSES_TO_STEP_BACK = 2;
/** Networks forget no connection sooner; what is lost after less is lost for another reason. */
const TELLING_SILENCE_S = 0.75 * KEEP_ALIVE_FIRST_S;

export function createLearnedKeepAlive(
  deps: { readonly clock: Clock; readonly log: Log; readonly memory: NetworkMemory },
  /** What runs now: uploads are signs of life, so nobody needs to know of silences that are longer. */
  uploadIntervalMs: () => number,
): LearnedKeepAlive {
  const { clock, log, memory } = deps;
  let announcedS = KEEP_ALIVE_FIRST_S;
  let suspect: { readonly silenceS: number; readonly atMs: number } | undefined;
  let losses: { readonly silenceS: number; readonly count: number } | undefined;

  const stepBack = (silenceS: number): void => {
    const { survivedS } = memory.now();
    // What was survived once is lost now: the network has become another.
    const keptS = silenceS > survivedS ? survivedS : Math.max(KEEP_ALIVE_FIRST_S, silenceS / STEP);
    const lostAt = clock.isWallTrusted() ? clock.wallMs() : undefined;
    memory.learn({ survivedS: keptS, lostS: silenceS, lostAt });
    losses = undefined;
    log("info", "keep-alive-stepped-back", { lostS: Math.round(silenceS), keptS: Math.round(keptS) });
  };

  return {
    announceS: () => {
      // Half an interval of patience: without it every upload would be preceded by a ping.
      const neededS = (uploadIntervalMs() / 1000) * 1.5;
      announcedS = Math.round(Math.min(KEEP_ALIVE_S_MAX, Math.max(KEEP_ALIVE_FIRST_S, neededS)));
      return announcedS;
    },
    silenceMs: () => Math.min(aimS(memory, clock) * 1000, silenceMsUnder(announcedS)),
    survived: (silenceMs) => {
      const silenceS = silenceMs / 1000;
      const { survivedS, lostS } = memory.now();
      if (losses && silenceS >= losses.silenceS) losses = undefined;
      const isBeyond = lostS !== undefined && silenceS >= 0.99 * lostS;
      // Little by little, each upload would write a file.
      if (!isBeyond && silenceS <= survivedS * WORTH_LEARNING) return;
      memory.learn({ survivedS: silenceS, ...(isBeyond && { lostS: undefined, lostAt: undefined }) });
      log("debug", "keep-alive-survived", { silenceS: Math.round(silenceS) });
    },
    lost: (silenceMs) => {
      if (silenceMs / 1000 >= TELLING_SILENCE_S) suspect ??= { silenceS: silenceMs / 1000, atMs: clock.bootMs() };
    },
    connected: () => {
      if (suspect && clock.bootMs() - suspect.atMs <= CONFIRMED_WITHIN_MS) {
        const { silenceS } = suspect;
        const count = losses && isNearTo(losses.silenceS, silenceS) ? losses.count + 1 : 1;
        losses = { silenceS, count };
        log("info", "keep-alive-lost", { silenceS: Math.round(silenceS), times: count });
        if (count >= LOSSES_TO_STEP_BACK) stepBack(silenceS);
      }
      suspect = undefined;
    },
    unreachable: () => {
      suspect = undefined;
    },
    isSuspected: () => suspect !== undefined,
    isSettled: () => {
      const { survivedS, lostS } = memory.now();
      const neededS = Math.min(uploadIntervalMs(), silenceMsUnder(KEEP_ALIVE_S_MAX)) / 1000;
      return survivedS * WORTH_LEARNING >= neededS || (lostS !== undefined && lostS / survivedS <= NEAR);
    },
  };
}

/** How long a silence is tried now, s. */
function aimS(memory: NetworkMemory, clock: Clock): number {
  const { survivedS, lostS, lostAt } = memory.now();
  if (lostS === undefined) return survivedS * STEP;
  const isLongAgo = lostAt !== undefined && clock.isWallTrusted() && clock.wallMs() - lostAt >= SILENCE_RETRY_MS;
  if (isLongAgo) return lostS;
  if (lostS / survivedS > NEAR) return Math.sqrt(lostS * survivedS);
  return survivedS * SETTLED_SHARE;
}

const isNearTo = (a: number, b: number): boolean => Math.abs(a - b) <= 0.1 * Math.max(a, b);

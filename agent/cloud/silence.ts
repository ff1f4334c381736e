/**
 * A connection's silences: each is ended by a ping when it has lasted as long as it may, and whether it was survived is
 * told. Uploads are signs of life, too: where they come often enough no ping is ever sent.
 */
import { PING_DEADLINE_MS } from "../limits.ts";
import type { Clock, Timers } from "../world.ts";
import type { KeepAlive } from "./keep-alive.ts";

export interface Silence {
  /** The first exchange after a silence tells whether the link was still there. */
  exchange<T>(send: () => Promise<T>): Promise<T>;
  /** Something came down. */
  heard(): void;
  quietMs(): number;
  /** The connection has ended, or is being ended on purpose: what fails from now on says nothing of the network. */
  end(): void;
}

export interface SilenceDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly keepAlive: KeepAlive;
  /** Rejects when no answer came in that time. */
  readonly ping: (deadlineMs: number) => Promise<void>;
  /** A ping wasn't answered. */
  readonly onDead: (reason: string) => Promise<void>;
}

export function createSilence(deps: SilenceDeps): Silence {
  const { clock, timers, keepAlive } = deps;
  let passedAt = clock.bootMs();
  let ended = false;
  let cancelLook = (): void => undefined;

  const exchange = async <T>(send: () => Promise<T>): Promise<T> => {
    const silenceMs = clock.bootMs() - passedAt;
    passedAt = clock.bootMs();
    try {
      const answer = await send();
      passedAt = clock.bootMs();
      keepAlive.survived(silenceMs);
      return answer;
    } catch (error) {
      if (!ended) keepAlive.lost(silenceMs);
      throw error;
    }
  };

  const look = (): void => {
    if (ended) return;
    const dueAt = passedAt + keepAlive.silenceMs();
    if (clock.bootMs() >= dueAt) void ping();
    else cancelLook = timers.after(dueAt - clock.bootMs(), look);
  };

  const ping = async (): Promise<void> => {
    const silenceMs = clock.bootMs() - passedAt;
    try {
      await exchange(() => deps.ping(PING_DEADLINE_MS));
      look();
    } catch {
      await deps.onDead(`no answer to a ping after ${Math.round(silenceMs / 1000)} s of silence`);
    }
  };

  look();
  return {
    exchange,
    heard: () => {
      keepAlive.survived(clock.bootMs() - passedAt);
      passedAt = clock.bootMs();
    },
    quietMs: () => clock.bootMs() - passedAt,
    end: () => {
      ended = true;
      cancelLook();
    },
  };
}

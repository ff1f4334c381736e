/**
 * One connection at a time: connect, serve, and after its end wait with jitter and connect again, for ever. Where it is
 * cheaper, a connection is left on purpose, and the next one made when there is something to send.
 */
import { type Cloud, type CloudConnection, CloudError } from "../cloud/cloud.ts";
import { createWaker } from "../cloud/waker.ts";
import { BACKOFF_MAX_MS } from "../limits.ts";
import type { Chance, Clock, Log, Timers } from "../world.ts";
import { createBackoff } from "./backoff.ts";

/** A connection that lived this long was a good one: the next back-off begins small again. */
const STEADY_MS = 60_000;
const STOPPING = new CloudError("stop", "the service stops");
/** While the station is away on purpose: how often it is looked whether there is a reason to come back. */
const LOOK_EVERY_MS = 10_000;
const AWAY_LOOK_MS = 60_000;

/** Why a connection is served no more: an error, or because nothing was left to do. */
export type Ended = CloudError | "left";

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly cloud: Cloud;
  readonly log: Log;
  /** On top of the back-off, so that stations that lost the cloud together don't come back together. */
  readonly spreadMs: () => number;
  /** Resolves with the reason why the connection is no use any more. */
  readonly serve: (connection: CloudConnection, signal: AbortSignal) => Promise<Ended>;
  /** Away on purpose: there is something to send. */
  readonly isWanted: () => boolean;
  /** ms since boot: the next time when there may be. */
  readonly wantedAt: () => number;
  /** The connection ended after a long silence, as a network ends it that is still there: no reason to wait. */
  readonly isForgotten: () => boolean;
  readonly onLeft: () => void;
  readonly onUnreachable: () => void;
  readonly onConnection: (connection: CloudConnection | undefined) => void;
  /** A connection ended or couldn't be had. */
  readonly onAway: (error: CloudError) => void;
}

export interface Supervisor {
  run(signal: AbortSignal): Promise<void>;
  /** No reason to wait any longer. */
  hurry(): void;
  /** There may be a reason to come back from where the station is on purpose; back-offs go on. */
  look(): void;
}

export function createSupervisor(deps: SupervisorDeps): Supervisor {
  const { clock, log } = deps;
  const backoff = createBackoff(deps);
  const waker = createWaker(deps);
  let pausing = false;
  let isAway = false;

  const serve = async (connection: CloudConnection, signal: AbortSignal): Promise<Ended> => {
    const startedAt = clock.bootMs();
    // A publish under way would hold the stop for as long as its deadline.
    const close = () => void connection.close();
    signal.addEventListener("abort", close, { once: true });
    deps.onConnection(connection);
    try {
      return await deps.serve(connection, signal);
    } finally {
      deps.onConnection(undefined);
      signal.removeEventListener("abort", close);
      await connection.close();
      if (clock.bootMs() - startedAt >= STEADY_MS) backoff.reset();
    }
  };

  const connect = async (signal: AbortSignal): Promise<CloudConnection> => {
    try {
      return await deps.cloud.connect(signal);
    } catch (error) {
      deps.onUnreachable();
      throw error;
    }
  };

  const attempt = async (signal: AbortSignal): Promise<Ended> => {
    try {
      return await serve(await connect(signal), signal);
    } catch (error) {
      if (error instanceof CloudError) return error;
      if (signal.aborted) return STOPPING;
      throw error;
    }
  };

  const pauseAfter = (error: CloudError): number => {
    switch (error.next) {
      case "retry":
      case "reconnect":
      case "split":
      case "drop-and-report":
      // Plain MQTT has nobody to be provisioned by: somebody must mend the credentials, here or there.
      case "reprovision":
        return backoff.next() + deps.spreadMs();
      case "retry-after":
        return (error.afterMs ?? 0) + backoff.next() + deps.spreadMs();
      case "stop":
        return BACKOFF_MAX_MS;
    }
  };

  const pause = async (error: CloudError, signal: AbortSignal): Promise<void> => {
    const pauseMs = pauseAfter(error);
    log("warn", "uplink-away", { next: error.next, error: error.message, pauseMs: Math.round(pauseMs) });
    pausing = true;
    await waker.wait(pauseMs, signal);
    pausing = false;
  };

  const stayAway = async (signal: AbortSignal): Promise<void> => {
    deps.onLeft();
    isAway = true;
    while (!signal.aborted && !deps.isWanted()) {
      const waitMs = deps.wantedAt() - clock.bootMs();
      await waker.wait(waitMs > 0 ? Math.min(waitMs, AWAY_LOOK_MS) : LOOK_EVERY_MS, signal);
    }
    isAway = false;
  };

  return {
    run: async (signal) => {
      while (!signal.aborted) {
        const ended = await attempt(signal);
        if (ended === "left") {
          await stayAway(signal);
          continue;
        }
        if (!signal.aborted && ended.next !== "retry-after" && deps.isForgotten()) {
          log("info", "uplink-forgotten", { error: ended.message });
          continue;
        }
        deps.onAway(ended);
        if (!signal.aborted) await pause(ended, signal);
      }
    },
    hurry: () => {
      if (!pausing) return;
      backoff.reset();
      waker.wake();
    },
    look: () => {
      if (isAway) waker.wake();
    },
  };
}

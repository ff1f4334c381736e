/** One standing connection: connect, serve, and after its end wait with jitter and connect again, for ever. */
import { type Cloud, type CloudConnection, CloudError } from "../cloud/cloud.ts";
import { createWaker } from "../cloud/waker.ts";
import { BACKOFF_MAX_MS } from "../limits.ts";
import type { Chance, Clock, Log, Timers } from "../world.ts";
import { createBackoff } from "./backoff.ts";

/** A connection that lived this long was a good one: the next back-off begins small again. */
const STEADY_MS = 60_000;
const STOPPING = new CloudError("stop", "the service stops");

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly cloud: Cloud;
  readonly log: Log;
  /** On top of the back-off, so that stations that lost the cloud together don't come back together. */
  readonly spreadMs: () => number;
  /** Resolves with the reason why the connection is no use any more. */
  readonly serve: (connection: CloudConnection, signal: AbortSignal) => Promise<CloudError>;
  readonly onConnection: (connection: CloudConnection | undefined) => void;
  /** A connection ended or couldn't be had. */
  readonly onAway: (error: CloudError) => void;
}

export interface Supervisor {
  run(signal: AbortSignal): Promise<void>;
  /** No reason to wait any longer. */
  hurry(): void;
}

export function createSupervisor(deps: SupervisorDeps): Supervisor {
  const { clock, log } = deps;
  const backoff = createBackoff(deps);
  const waker = createWaker(deps);
  let pausing = false;

  const serve = async (connection: CloudConnection, signal: AbortSignal): Promise<CloudError> => {
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

  const attempt = async (signal: AbortSignal): Promise<CloudError> => {
    try {
      return await serve(await deps.cloud.connect(signal), signal);
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
        return error.afterMs ?? backoff.next();
      case "stop":
        return BACKOFF_MAX_MS;
    }
  };

  return {
    run: async (signal) => {
      while (!signal.aborted) {
        const error = await attempt(signal);
        deps.onAway(error);
        if (signal.aborted) return;
        const pauseMs = pauseAfter(error);
        log("warn", "uplink-away", { next: error.next, error: error.message, pauseMs: Math.round(pauseMs) });
        pausing = true;
        await waker.wait(pauseMs, signal);
        pausing = false;
      }
    },
    hurry: () => {
      if (!pausing) return;
      backoff.reset();
      waker.wake();
    },
  };
}

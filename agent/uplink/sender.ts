/** Serves one connection: drains the lanes when the interval is due, at once for alarms, until the link ends. */
import type { Offer, SampleBuffer } from "../buffer/buffer.ts";
import { type CloudConnection, CloudError } from "../cloud/cloud.ts";
import type { Waker } from "../cloud/waker.ts";
import type { Clock, Log } from "../world.ts";
import type { Backoff } from "./backoff.ts";
import type { Lanes } from "./lanes.ts";
import type { Ended } from "./supervisor.ts";

/** What comes after an upload is waited for as long: the bridge's receipt, cloud settings, the answer to a report. */
const LEAVE_AFTER_QUIET_MS = 20_000;
/** Between intervals: how often a message that has become full, or an alarm nobody called about, is looked for. */
const LOOK_EVERY_MS = 10_000;

export interface Sender {
  /** Resolves when the connection is no use any more, with the reason. The caller closes it. */
  serve(connection: CloudConnection, signal: AbortSignal): Promise<Ended>;
}

export interface SenderDeps {
  readonly clock: Clock;
  readonly buffer: SampleBuffer;
  readonly log: Log;
  readonly waker: Waker;
  readonly lanes: Lanes;
  readonly retries: Backoff;
  readonly schedule: Schedule;
  /** Whether it is cheaper to leave now and to come back when something is due. */
  mayLeave(): boolean;
  /** A connection of its own is wanted for what was changed. */
  isRenewing(): boolean;
  onAccepted(offer: Offer): void;
  /** Nothing is left that may go now. */
  onDrained(): void;
  onTrouble(error: CloudError): void;
}

export interface Schedule {
  /** ms since boot */
  readonly nextAt: number;
  /** Moves `nextAt` on when it has come, and says so. */
  takeDue(): boolean;
  /** Whether anything but alarms may go at this hour. */
  isOpen(): boolean;
}

export function createSender(deps: SenderDeps): Sender {
  const { clock, waker, lanes, schedule } = deps;

  return {
    serve: async (connection, signal) => {
      let ended: CloudError | undefined;
      let pausedUntil = 0;
      const closing = (): CloudError | undefined => ended;
      connection.onClosed((reason, afterMs) => {
        const next = afterMs === undefined ? "reconnect" : "retry-after";
        ended ??= new CloudError(next, `connection closed: ${reason}`, afterMs === undefined ? {} : { afterMs });
        waker.wake();
      });

      while (!ended && !signal.aborted) {
        if (deps.isRenewing()) return "left";
        if (schedule.takeDue()) lanes.drain();
        const now = clock.bootMs();
        if (now < pausedUntil) {
          await waker.wait(pausedUntil - now, signal);
          continue;
        }
        const offer = lanes.next({ onlyUrgent: !schedule.isOpen() });
        if (!offer) {
          deps.onDrained();
          const quietMs = connection.use?.().quietMs ?? 0;
          if (quietMs >= LEAVE_AFTER_QUIET_MS && deps.mayLeave()) return "left";
          // Due and nothing may go: a window is closed, which is looked at again and again.
          const untilDueMs = schedule.nextAt > now ? schedule.nextAt - now : LOOK_EVERY_MS;
          await waker.wait(Math.min(untilDueMs, LOOK_EVERY_MS), signal);
          continue;
        }
        const error = await publish(deps, connection, offer);
        if (!error) continue;
        const step = afterFailure(deps, offer, error);
        // What was being sent when the link ended says more than that it ended, unless the cloud said for how long.
        if (step === "leave") ended = closing()?.next === "retry-after" ? closing() : error;
        else pausedUntil = clock.bootMs() + step.pauseMs;
      }
      return ended ?? new CloudError("stop", "the service stops");
    },
  };
}

/** undefined when the cloud has accepted it. What isn't a CloudError is a bug and passes through. */
async function publish(deps: SenderDeps, connection: CloudConnection, offer: Offer): Promise<CloudError | undefined> {
  const { lane, properties, payload } = offer;
  try {
    await connection.publish({ lane, properties, payload });
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return error;
  }
  deps.buffer.accept(offer);
  deps.lanes.done(offer);
  deps.retries.reset();
  deps.onAccepted(offer);
  return undefined;
}

/** The offer stays as it is (and is offered again) except where the cloud refuses it for good. */
function afterFailure(deps: SenderDeps, offer: Offer, error: CloudError): "leave" | { readonly pauseMs: number } {
  deps.onTrouble(error);
  switch (error.next) {
    case "retry":
      return { pauseMs: deps.retries.next() };
    // Who is asked to wait once more waits longer; and not all stations that were asked come back at the same moment.
    case "retry-after":
      return { pauseMs: (error.afterMs ?? 0) + deps.retries.next() };
    // A sealed message is never cut differently: one that is too large for this cloud will never go.
    case "split":
    case "drop-and-report":
      deps.log("warn", "uplink-refused", { id: offer.id, lane: offer.lane, kind: offer.kind, error: error.message });
      deps.buffer.refuse(offer, error.message);
      deps.lanes.done(offer);
      return { pauseMs: 0 };
    case "reconnect":
    case "reprovision":
    case "stop":
      return "leave";
  }
}

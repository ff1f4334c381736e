/** What goes when. Nothing here keeps data: an offer that wasn't accepted is offered again by the buffer. */
import type { SampleBuffer } from "../buffer/buffer.ts";
import type { Cloud, CloudConnection } from "../cloud/cloud.ts";
import { createWaker } from "../cloud/waker.ts";
import { decodeLedger } from "../wire/ledger.ts";
import { WireError } from "../wire/wire-error.ts";
import type { Chance, Clock, Log, Timers } from "../world.ts";
import { createBackoff } from "./backoff.ts";
import { createLanes } from "./lanes.ts";
import type { Link, LinkStatus } from "./link.ts";
import { firstUploadAt, reconnectSpreadMs } from "./phase.ts";
import { createSchedule } from "./schedule.ts";
import { createSender } from "./sender.ts";
import { createSupervisor } from "./supervisor.ts";
import { createTally, type UplinkCounts } from "./tally.ts";
import type { UploadWindows } from "./windows.ts";

export interface UplinkDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly cloud: Cloud;
  readonly buffer: SampleBuffer;
  readonly log: Log;
  /** Left out: the connection stands, and keep-alive is the cloud's own business. */
  readonly link?: Link;
  /** The month's budget is short: what is late waits. */
  readonly isLateWaiting?: () => boolean;
}

export interface UplinkConfig {
  readonly station: string;
  readonly intervalMs: number;
  /** Hours at which anything but alarms may go; always, when left out. */
  readonly windows?: UploadWindows;
}

export interface UplinkStatus extends UplinkCounts {
  readonly intervalMs: number;
  /** ms since 1970 by the clock as it is now. */
  readonly nextAt: number;
  /** Away on purpose until something is to be sent. */
  readonly isAwayOnPurpose: boolean;
  readonly link?: LinkStatus;
}

export interface Uplink {
  /** Resolves when aborted, after the connection is closed. Rejects only on a bug. */
  run(signal: AbortSignal): Promise<void>;
  /** Uploads all that waits; rejects with CloudError when the connection can't be had or is lost meanwhile. */
  sendNow(): Promise<{ readonly messages: number; readonly bytes: number }>;
  setInterval(ms: number): void;
  /** A connection of its own for what was changed: the present one ends, the next comes at once, and what waits is due. */
  reconnect(): void;
  /** Messages may go at this hour. */
  isOpen(): boolean;
  /** An alarm was appended. */
  urgent(): void;
  /** The network came up: no reason to wait any longer. */
  linkUp(): void;
  status(): UplinkStatus;
  /** Called with each new connection, and with undefined at its end; at once with the present one. */
  onConnection(listener: (connection: CloudConnection | undefined) => void): void;
}

export function createUplink(deps: UplinkDeps, config: UplinkConfig): Uplink {
  const { clock, log, link } = deps;
  const waker = createWaker(deps);
  const firstAt = firstUploadAt(clock.bootMs(), config.intervalMs, config.station, deps.buffer.status());
  const schedule = createSchedule(deps, { ...config, firstAt });
  const tally = createTally(deps);
  const listeners: ((connection: CloudConnection | undefined) => void)[] = [];
  let current: CloudConnection | undefined;
  let isAwayOnPurpose = false;
  let isAlarmWaiting = false;
  let isRenewing = false;

  const sender = createSender({
    ...deps,
    waker,
    schedule,
    lanes: createLanes(deps),
    retries: createBackoff(deps),
    mayLeave: () => link?.mayLeave() ?? false,
    isRenewing: () => isRenewing,
    onAccepted: (offer) => {
      tally.accepted(offer);
      log("debug", "uplink-accepted", {
        id: offer.id,
        lane: offer.lane,
        kind: offer.kind,
        bytes: offer.payload.length,
      });
    },
    onDrained: () => {
      schedule.settle();
      tally.drained();
    },
    onTrouble: (error) => tally.trouble(error),
  });

  const onLedger = (payload: Uint8Array): void => {
    try {
      deps.buffer.onLedger(decodeLedger(payload));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      log("warn", "ledger-undecodable", { bytes: payload.length, error: error.message });
    }
    waker.wake();
  };

  const supervisor = createSupervisor({
    ...deps,
    spreadMs: () => reconnectSpreadMs(schedule.intervalMs, config.station),
    serve: (connection, signal) => sender.serve(connection, signal),
    isWanted: () => isRenewing || isAlarmWaiting || schedule.isDue(),
    wantedAt: () => schedule.nextAt,
    isForgotten: () => link?.isForgotten() ?? false,
    onLeft: () => {
      isAwayOnPurpose = true;
      log("info", "uplink-left", { until: Math.round(schedule.nextAt - clock.bootMs()) });
    },
    onUnreachable: () => link?.unreachable(),
    onConnection: (connection) => {
      current = connection;
      if (connection) {
        isAwayOnPurpose = isAlarmWaiting = isRenewing = false;
        link?.opened(connection.use?.());
      }
      tally.connection(connection !== undefined);
      if (connection) log("info", "uplink-connected", { waiting: deps.buffer.status().waiting });
      connection?.onLedger(onLedger);
      for (const listener of listeners) listener(connection);
    },
    onAway: (error) => {
      schedule.settle();
      tally.away(error);
    },
  });

  return {
    run: (signal) => supervisor.run(signal),
    sendNow: () => {
      const sent = tally.untilDrained();
      schedule.force();
      waker.wake();
      supervisor.hurry();
      supervisor.look();
      return sent;
    },
    setInterval: (ms) => {
      schedule.setInterval(ms);
      waker.wake();
      supervisor.look();
    },
    reconnect: () => {
      schedule.hurry();
      isRenewing = current !== undefined;
      waker.wake();
      supervisor.hurry();
      supervisor.look();
    },
    isOpen: () => schedule.isOpen(),
    urgent: () => {
      isAlarmWaiting = true;
      waker.wake();
      supervisor.look();
    },
    linkUp: () => supervisor.hurry(),
    status: () => ({
      ...tally.counts(),
      intervalMs: schedule.intervalMs,
      nextAt: clock.wallMs() + schedule.nextAt - clock.bootMs(),
      isAwayOnPurpose,
      ...(link && { link: link.status() }),
    }),
    onConnection: (listener) => {
      listeners.push(listener);
      if (current) listener(current);
    },
  };
}

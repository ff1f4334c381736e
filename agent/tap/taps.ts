/**
 * Who looks on at a port of the running agent. What passes is kept, bounded, until it is fetched; nothing is kept, and
 * nothing is even put into words, while nobody looks on.
 */
import type { Port, SerialSettings } from "@pump-station/sensor-descriptions/model.ts";
import { TAP_EVENTS_MAX, TAP_FORGOTTEN_AFTER_MS, TAPS_MAX } from "../limits.ts";
import type { Clock } from "../world.ts";
import type { BusEvent, BusHappening } from "./recording.ts";

/** A port by what opens it. */
export type PortKey = Pick<Port, "path" | "simulator">;

export interface Taps {
  /** Called for each thing that passes; `happening` is only asked for when somebody looks on. */
  pass(port: PortKey, happening: () => BusHappening): void;
  /** How a serial line is open now, so that a recording can say it. */
  opened(port: PortKey, settings: SerialSettings | undefined): void;
  /** Throws Error when so many look on already. */
  start(port: PortKey): TapStart;
  /** What passed since it was asked before. Throws Error when that one has ended. */
  take(tap: number): TapTaken;
  end(tap: number): void;
}

export interface TapStart {
  readonly tap: number;
  readonly settings?: SerialSettings;
}

export interface TapTaken {
  readonly events: readonly BusEvent[];
  /** Not empty even if nothing passed: the agent's time since the start. */
  readonly ms: number;
}

interface Tap {
  readonly key: string;
  readonly startedMs: number;
  events: BusEvent[];
  lost: number;
  takenMs: number;
}

export function createTaps({ clock }: { readonly clock: Pick<Clock, "bootMs"> }): Taps {
  const taps = new Map<number, Tap>();
  const settings = new Map<string, SerialSettings>();
  let next = 1;

  const endForgotten = (): void => {
    for (const [id, { takenMs }] of taps) if (clock.bootMs() - takenMs > TAP_FORGOTTEN_AFTER_MS) taps.delete(id);
  };
  return {
    pass: (port, happening) => {
      if (taps.size === 0) return;
      const key = keyOf(port);
      let said: BusHappening | undefined;
      for (const tap of taps.values()) {
        if (tap.key !== key) continue;
        if (tap.events.length >= TAP_EVENTS_MAX) tap.lost++;
        else tap.events.push({ ms: since(tap, clock.bootMs()), ...(said ??= happening()) });
      }
      // A recorder that was killed fetches no more.
      endForgotten();
    },
    opened: (port, how) => {
      if (how) settings.set(keyOf(port), how);
      else settings.delete(keyOf(port));
    },
    start: (port) => {
      endForgotten();
      if (taps.size >= TAPS_MAX) throw new Error(`record: ${TAPS_MAX} recordings run already; end one of them`);
      const [tap, nowMs, key] = [next++, clock.bootMs(), keyOf(port)];
      taps.set(tap, { key, startedMs: nowMs, events: [], lost: 0, takenMs: nowMs });
      const how = settings.get(key);
      return { tap, ...(how ? { settings: how } : {}) };
    },
    take: (id) => {
      const tap = taps.get(id);
      if (!tap)
        throw new Error(
          `record: the agent has ended this recording; it was not fetched for ${TAP_FORGOTTEN_AFTER_MS / 1000} s`,
        );
      const nowMs = clock.bootMs();
      const { events, lost } = tap;
      tap.events = [];
      tap.lost = 0;
      tap.takenMs = nowMs;
      const ms = since(tap, nowMs);
      return { events: lost > 0 ? [...events, { ms, lost }] : events, ms };
    },
    end: (id) => void taps.delete(id),
  };
}

const keyOf = ({ path, simulator = "" }: PortKey): string => `${simulator}\n${path}`;

/** Microseconds are finer than anything here. */
const since = ({ startedMs }: Tap, nowMs: number): number => Math.round(1_000 * (nowMs - startedMs)) / 1_000;

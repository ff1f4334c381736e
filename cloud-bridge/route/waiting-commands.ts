/**
 * Commands for stations that are away: kept until the station listens, no longer than their own life, and cancelled by
 * whoever thinks better of it. In memory: a bridge that restarts has forgotten them, as their life is short.
 */
import type { WaitingCommand } from "../api/contract.ts";
import { COMMANDS_KEPT_PER_STATION } from "../limits.ts";
import type { Clock, Timers } from "../world.ts";
import type { Asked, CommandAnswer } from "./commands.ts";

export interface WaitingCommands {
  /** undefined: too many wait for that station. */
  add(station: string, id: string, asked: Asked, expiresMs: number): WaitingCommand | undefined;
  /** Newest first, also those that have ended, as far as they are remembered. */
  list(station: string): readonly WaitingCommand[];
  /** Whether it still waited. */
  cancel(station: string, id: string): boolean;
  /** Those that wait, in the order in which they came; from now on they are sent. */
  take(station: string): readonly { readonly id: string; readonly expires: number; readonly ask: Asked }[];
  ended(station: string, id: string, answer: CommandAnswer | undefined): void;
}

interface Entry {
  readonly command: WaitingCommand;
  readonly ask: Asked;
  readonly cancelTimer: () => void;
}

export function createWaitingCommands(deps: { readonly clock: Clock; readonly timers: Timers }): WaitingCommands {
  const stations = new Map<string, Entry[]>();
  const of = (station: string): readonly Entry[] => stations.get(station) ?? [];
  const waitingOf = (station: string) => of(station).filter(({ command }) => command.state === "waits");

  const change = (station: string, id: string, by: Partial<WaitingCommand>): void => {
    const changed = of(station).map((entry) =>
      entry.command.id === id ? { ...entry, command: { ...entry.command, ...by } } : entry,
    );
    stations.set(station, changed);
  };
  const stop = (station: string, id: string, state: WaitingCommand["state"]): boolean => {
    const entry = waitingOf(station).find(({ command }) => command.id === id);
    entry?.cancelTimer();
    if (entry) change(station, id, { state });
    return entry !== undefined;
  };

  return {
    add: (station, id, ask, expires) => {
      if (waitingOf(station).length >= COMMANDS_KEPT_PER_STATION) return undefined;
      const now = deps.clock.wallMs();
      const command: WaitingCommand = { id, ...ask, asked: now, expires, state: "waits" };
      const cancelTimer = deps.timers.after(expires - now, () => stop(station, id, "expired"));
      // What has ended goes before what waits.
      const ended = of(station).filter(({ command: { state } }) => state !== "waits" && state !== "sent");
      const forgotten = of(station).length < 2 * COMMANDS_KEPT_PER_STATION ? undefined : ended[0];
      stations.set(station, [...of(station).filter((one) => one !== forgotten), { command, ask, cancelTimer }]);
      return command;
    },
    list: (station) =>
      of(station)
        .map(({ command }) => command)
        .reverse(),
    cancel: (station, id) => stop(station, id, "cancelled"),
    take: (station) => {
      const waiting = waitingOf(station);
      for (const { command } of waiting) stop(station, command.id, "sent");
      return waiting.map(({ command: { id, expires }, ask }) => ({ id, expires, ask }));
    },
    ended: (station, id, answer) =>
      change(station, id, { state: "answered", answer: answer ?? { status: 504, text: UNANSWERED } }),
  };
}

/** Sent, and nobody can say more. */
export const UNANSWERED = "no answer in time: the command may have run; look before repeating it";

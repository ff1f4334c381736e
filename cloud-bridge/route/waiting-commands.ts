/**
 * Commands for stations that are away: kept in the store until the station listens, no longer than their own life, and
 * cancelled by whoever thinks better of it. A bridge that restarts goes on with them. One that it had sent without having
 * heard what became of it is sent once more with the same id, which runs nothing twice: the station knows the id from its
 * audit, and answers as before.
 */
import type { WaitingCommand } from "../api/contract.ts";
import { COMMANDS_KEPT_PER_STATION } from "../limits.ts";
import type { Store } from "../store/store.ts";
import type { Clock, Log, Timers } from "../world.ts";
import type { Asked, CommandAnswer } from "./commands.ts";

export interface WaitingCommands {
  /** Resolves when it is durable; undefined: too many wait for that station. */
  add(station: string, id: string, asked: Asked, expiresMs: number): Promise<WaitingCommand | undefined>;
  /** Newest first, also those that have ended, as far as they are remembered. */
  list(station: string): readonly WaitingCommand[];
  /** Whether it still waited. Resolves when that is durable. */
  cancel(station: string, id: string): Promise<boolean>;
  /** Those that wait, in the order in which they came; that they are sent from now on is durable when it resolves. */
  take(station: string): Promise<readonly { readonly id: string; readonly expires: number; readonly ask: Asked }[]>;
  ended(station: string, id: string, answer: CommandAnswer | undefined): void;
  /** What waits goes on waiting in the store. */
  close(): void;
}

interface Entry {
  readonly command: WaitingCommand;
  /** Sent by the process before this one, which hasn't heard the answer. */
  readonly isAgain: boolean;
  readonly cancelTimer: () => void;
}

export interface WaitingCommandsDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly store: Pick<Store, "commands" | "putCommand" | "dropCommand">;
}

export async function createWaitingCommands(deps: WaitingCommandsDeps): Promise<WaitingCommands> {
  const { clock, timers, log, store } = deps;
  const stations = new Map<string, Entry[]>();
  /** On their way to being sent: whoever greets twice gets each once. */
  const taking = new Set<string>();
  const of = (station: string): readonly Entry[] => stations.get(station) ?? [];
  const waitingOf = (station: string) =>
    of(station).filter(({ command, isAgain }) => command.state === "waits" || isAgain);

  const change = (station: string, id: string, by: Partial<WaitingCommand>): WaitingCommand | undefined => {
    const changed = of(station).map((entry) =>
      entry.command.id === id ? { ...entry, isAgain: false, command: { ...entry.command, ...by } } : entry,
    );
    stations.set(station, changed);
    return changed.find(({ command }) => command.id === id)?.command;
  };
  const stop = (station: string, id: string, state: WaitingCommand["state"]): WaitingCommand | undefined => {
    waitingOf(station)
      .find(({ command }) => command.id === id)
      ?.cancelTimer();
    return change(station, id, { state });
  };
  /** What can't be stored now is as it was before after a restart: expired all the same, or sent once more. */
  const keep = (station: string, command: WaitingCommand | undefined): void => {
    if (!command) return;
    store.putCommand(station, command).catch((error: unknown) => {
      log("error", "command-not-stored", { station, id: command.id, error });
    });
  };
  const expire = (station: string, { id, state }: WaitingCommand): void => {
    const isSent = state === "sent";
    const answer = { status: 504, text: UNANSWERED };
    const ended = stop(station, id, isSent ? "answered" : "expired");
    keep(station, isSent && ended ? change(station, id, { answer }) : ended);
  };
  const waitFor = (station: string, command: WaitingCommand, isAgain: boolean): void => {
    const cancelTimer = timers.after(command.expires - clock.wallMs(), () => expire(station, command));
    stations.set(station, [...of(station), { command, isAgain, cancelTimer }]);
  };

  for (const { station, command } of await store.commands()) {
    const isOpen = command.state === "waits" || command.state === "sent";
    if (isOpen && command.expires > clock.wallMs()) waitFor(station, command, command.state === "sent");
    else {
      stations.set(station, [...of(station), { command, isAgain: false, cancelTimer: () => undefined }]);
      if (isOpen) expire(station, command);
    }
  }

  return {
    add: async (station, id, ask, expires) => {
      if (waitingOf(station).length >= COMMANDS_KEPT_PER_STATION) return undefined;
      const command: WaitingCommand = { id, ...ask, asked: clock.wallMs(), expires, state: "waits" };
      // What has ended goes before what waits.
      const [oldest] = of(station).filter(({ command: { state } }) => state !== "waits" && state !== "sent");
      const forgotten = of(station).length < 2 * COMMANDS_KEPT_PER_STATION ? undefined : oldest;
      stations.set(
        station,
        of(station).filter((one) => one !== forgotten),
      );
      waitFor(station, command, false);
      try {
        if (forgotten) await store.dropCommand(station, forgotten.command.id);
        await store.putCommand(station, command);
      } catch (error) {
        // Whoever asked is told that it isn't kept, so it mustn't run.
        stop(station, id, "cancelled");
        throw error;
      }
      return command;
    },
    list: (station) =>
      of(station)
        .map(({ command }) => command)
        .reverse(),
    cancel: async (station, id) => {
      const isWaiting = of(station).some(({ command }) => command.id === id && command.state === "waits");
      const cancelled = isWaiting ? stop(station, id, "cancelled") : undefined;
      if (cancelled) await store.putCommand(station, cancelled);
      return isWaiting;
    },
    take: async (station) => {
      const taken: WaitingCommand[] = [];
      for (const { command } of waitingOf(station).filter(({ command: { id } }) => !taking.has(id))) {
        taking.add(command.id);
        try {
          await store.putCommand(station, { ...command, state: "sent" });
        } catch (error) {
          // It goes on waiting; so do those after it.
          log("error", "command-not-stored", { station, id: command.id, error });
          break;
        } finally {
          taking.delete(command.id);
        }
        // It may have been cancelled meanwhile, or its life is over.
        if (waitingOf(station).some(({ command: { id } }) => id === command.id)) {
          stop(station, command.id, "sent");
          taken.push(command);
        }
      }
      return taken.map((command) => ({ id: command.id, expires: command.expires, ask: askOf(command) }));
    },
    ended: (station, id, answer) =>
      keep(station, change(station, id, { state: "answered", answer: answer ?? { status: 504, text: UNANSWERED } })),
    close: () => {
      for (const entries of stations.values()) for (const { cancelTimer } of entries) cancelTimer();
    },
  };
}

const askOf = ({ device, command, arguments: given, by }: WaitingCommand): Asked => ({
  ...(device !== undefined && { device }),
  command,
  ...(given && { arguments: given }),
  ...(by !== undefined && { by }),
});

/** Sent, and nobody can say more. */
export const UNANSWERED = "no answer in time: the command may have run; look before repeating it";

/**
 * A command to a station and its answer, within a time limit. Never repeated: what isn't answered is unknown. One with a
 * life of its own waits for a station that is away.
 */

import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import type { Json, JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import * as z from "zod";
import type { WaitingCommand } from "../api/contract.ts";
import { COMMAND_DEADLINE_MS, COMMANDS_WAITING_MAX } from "../limits.ts";
import type { Chance } from "../world.ts";
import { createWaitingCommands, type WaitingCommandsDeps } from "./waiting-commands.ts";

export interface CommandAnswer {
  readonly status: number;
  readonly text: string;
  readonly body?: Json;
}

/** What somebody wants of a station, or of a device of it. */
export interface Asked {
  readonly device?: string;
  readonly command: string;
  readonly arguments?: JsonObject;
  readonly by?: string;
}

export type CommandOutcome =
  | { readonly done: "answered"; readonly answer: CommandAnswer }
  /** Not sent yet. */
  | { readonly done: "waits"; readonly waiting: WaitingCommand }
  /** Not sent. */
  | { readonly done: "offline" | "too-many" }
  /** Sent; whether it ran, nobody can say. */
  | { readonly done: "unanswered" };

export interface Commands {
  /** `expiresMs`: then it must not run any more; until then it waits for a station that is away. */
  call(station: string, asked: Asked, expiresMs?: number): Promise<CommandOutcome>;
  /** The station listens now: what waited is sent. */
  greet(station: string): void;
  /** Newest first, with those that have ended. */
  waiting(station: string): readonly WaitingCommand[];
  /** Whether it still waited. Resolves when that is durable. */
  cancel(station: string, id: string): Promise<boolean>;
  /** An answer from the broker; one that nobody waits for is dropped. */
  onAnswer(station: string, id: string, payload: Uint8Array): void;
  close(): void;
}

const ANSWER = z.object({ status: z.number().int(), text: z.string().max(2_000), body: z.json().optional() });

export async function createCommands(
  deps: WaitingCommandsDeps & {
    readonly chance: Chance;
    readonly isOnline: (station: string) => boolean;
    readonly send: (topic: string, payload: Uint8Array) => Promise<void>;
  },
): Promise<Commands> {
  const { clock, timers, chance, log } = deps;
  const waiting = new Map<string, (answer: CommandAnswer | undefined) => void>();
  const later = await createWaitingCommands(deps);

  const send = async (station: string, id: string, asked: Asked, expiresMs: number) => {
    const key = `${station}/${id}`;
    const answered = new Promise<CommandAnswer | undefined>((resolve) => void waiting.set(key, resolve));
    const cancel = timers.after(COMMAND_DEADLINE_MS, () => waiting.get(key)?.(undefined));
    const { device, command, by } = asked;
    try {
      log("info", "command-called", { station, device, command, by, id });
      const call = JSON.stringify({ ...asked, expiresMs });
      await deps.send(topicsOf(station).commandCall(id), new TextEncoder().encode(call));
      const answer = await answered;
      log("info", "command-answered", { station, device, command, id, status: answer?.status, text: answer?.text });
      return answer;
    } finally {
      cancel();
      waiting.delete(key);
    }
  };

  /** On disk as sent before they are. */
  const sendWaiting = async (station: string): Promise<void> => {
    for (const { id, expires, ask } of await later.take(station)) {
      send(station, id, ask, expires).then(
        (answer) => later.ended(station, id, answer),
        (error: unknown) => {
          log("warn", "command-not-sent", { station, id, error });
          later.ended(station, id, undefined);
        },
      );
    }
  };

  return {
    call: async (station, asked, expiresMs) => {
      if (waiting.size >= COMMANDS_WAITING_MAX) return { done: "too-many" };
      const id = Buffer.from(chance.bytes(12)).toString("base64url");
      if (!deps.isOnline(station)) {
        if (expiresMs === undefined) return { done: "offline" };
        const entry = await later.add(station, id, asked, expiresMs);
        return entry ? { done: "waits", waiting: entry } : { done: "too-many" };
      }
      const answer = await send(station, id, asked, expiresMs ?? clock.wallMs() + COMMAND_DEADLINE_MS);
      return answer ? { done: "answered", answer } : { done: "unanswered" };
    },
    greet: (station) => {
      sendWaiting(station).catch((error: unknown) => log("error", "commands-not-taken", { station, error }));
    },
    waiting: (station) => later.list(station),
    cancel: (station, id) => later.cancel(station, id),
    close: () => later.close(),
    onAnswer: (station, id, payload) => {
      const answer = answerFrom(payload);
      if (!answer) log("warn", "command-answer-unreadable", { station, id, bytes: payload.length });
      else waiting.get(`${station}/${id}`)?.(answer);
    },
  };
}

function answerFrom(payload: Uint8Array): CommandAnswer | undefined {
  try {
    const { body, ...answer } = ANSWER.parse(JSON.parse(new TextDecoder().decode(payload)));
    return { ...answer, ...(body !== undefined && { body }) };
  } catch {
    return undefined;
  }
}

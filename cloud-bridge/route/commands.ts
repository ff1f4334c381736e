/** A command to a station and its answer, within a time limit. Never repeated: what isn't answered is unknown. */
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import type { Json } from "@pump-station/agent/wire/twin-document.ts";
import * as z from "zod";
import { COMMAND_DEADLINE_MS, COMMANDS_WAITING_MAX } from "../limits.ts";
import type { Chance, Clock, Log, Timers } from "../world.ts";

export interface CommandAnswer {
  readonly status: number;
  readonly text: string;
  readonly body?: Json;
}

export type CommandOutcome =
  | { readonly done: "answered"; readonly answer: CommandAnswer }
  /** Not sent. */
  | { readonly done: "offline" | "too-many" }
  /** Sent; whether it ran, nobody can say. */
  | { readonly done: "unanswered" };

export interface Commands {
  call(station: string, device: string, command: string): Promise<CommandOutcome>;
  /** An answer from the broker; one that nobody waits for is dropped. */
  onAnswer(station: string, id: string, payload: Uint8Array): void;
}

const ANSWER = z.object({ status: z.number().int(), text: z.string().max(2_000), body: z.json().optional() });

export function createCommands(deps: {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  readonly isOnline: (station: string) => boolean;
  readonly send: (topic: string, payload: Uint8Array) => Promise<void>;
}): Commands {
  const { clock, timers, chance, log } = deps;
  const waiting = new Map<string, (answer: CommandAnswer | undefined) => void>();

  return {
    call: async (station, device, command) => {
      if (!deps.isOnline(station)) return { done: "offline" };
      if (waiting.size >= COMMANDS_WAITING_MAX) return { done: "too-many" };
      const id = Buffer.from(chance.bytes(12)).toString("base64url");
      const key = `${station}/${id}`;
      const call = { device, command, expiresMs: clock.wallMs() + COMMAND_DEADLINE_MS };
      const answered = new Promise<CommandAnswer | undefined>((resolve) => void waiting.set(key, resolve));
      const cancel = timers.after(COMMAND_DEADLINE_MS, () => waiting.get(key)?.(undefined));
      try {
        log("info", "command-called", { station, device, command, id });
        await deps.send(topicsOf(station).commandCall(id), new TextEncoder().encode(JSON.stringify(call)));
        const answer = await answered;
        log("info", "command-answered", { station, device, command, id, answer });
        return answer ? { done: "answered", answer } : { done: "unanswered" };
      } finally {
        cancel();
        waiting.delete(key);
      }
    },
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

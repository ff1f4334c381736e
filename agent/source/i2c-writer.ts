/**
 * Commands to a chip: the interlock is judged on a measurement of the same turn, the steps run once, and what came of
 * them is measured. Where that fails the outcome is "unknown", never a second try.
 */
import {
  type Command,
  I2cAnswerError,
  type I2cConstants,
  type I2cConversation,
} from "@pump-station/sensor-descriptions/model.ts";
import type { CommandOutcome } from "../outcome.ts";
import type { Sample } from "../reading.ts";
import { type Clock, PortError, type Timers } from "../world.ts";
import type { I2cDevice } from "./i2c-source.ts";
import { valuesMeantBy } from "./newest-values.ts";

/** Between two looks at a chip that was told to do something. */
const CONFIRM_EVERY_MS = 200;

interface I2cTurns {
  readonly device: I2cDevice;
  readonly clock: Pick<Clock, "bootMs">;
  readonly timers: Pick<Timers, "sleep">;
  readonly inTurn: <T>(talk: () => Promise<T>) => Promise<T>;
  readonly measure: () => Promise<Sample>;
  readonly prepared: () => Promise<I2cConstants>;
  readonly converse: <T>(conversation: I2cConversation<T>) => Promise<T>;
  readonly forget: () => void;
}

export function createI2cWriter(turns: I2cTurns): { readonly command: (name: string) => Promise<CommandOutcome> } {
  const { device } = turns;
  return {
    command: async (name) => {
      const command = device.commands.find((candidate) => candidate.name === name);
      if (!command) return { done: "refused", reason: `${device.name} has no command ${name}` };
      const outcome = await turns.inTurn(() => send(turns, command));
      return outcome.done === "answered" && command.confirm ? confirm(turns, command) : outcome;
    },
  };
}

async function send(turns: I2cTurns, command: Command): Promise<CommandOutcome> {
  const { device, prepared, converse, forget } = turns;
  const { onlyWhen } = command;
  const holds = onlyWhen?.test(valuesMeantBy(device, await turns.measure()));
  if (onlyWhen && holds !== true) {
    const why = holds === false ? "does not hold" : "can't be judged, a value is missing";
    return { done: "interlocked", reason: `only when ${onlyWhen.text}: ${why}` };
  }
  const ready = await outcomeOf(prepared);
  if ("reason" in ready) return { done: "interlocked", reason: `prepare: ${ready.reason}` };
  const conversation = device.protocol.command?.(command.name, ready.value);
  if (!conversation) return { done: "refused", reason: `${device.name} has no command ${command.name}` };
  const sent = await outcomeOf(() => converse(conversation));
  forget();
  return "reason" in sent
    ? { done: "unknown", reason: sent.reason }
    : { done: "answered", reason: "the chip acknowledged every transfer" };
}

/** A port's or a chip's failure as text; anything else is a bug and thrown. */
async function outcomeOf<T>(work: () => Promise<T>): Promise<{ readonly value: T } | { readonly reason: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof PortError || error instanceof I2cAnswerError) return { reason: error.message };
    throw error;
  }
}

/** Measures until the command's effect is there; each look takes the chip's turn, so that polls keep theirs. */
async function confirm(turns: I2cTurns, { confirm: condition, withinMs }: Command): Promise<CommandOutcome> {
  const startMs = turns.clock.bootMs();
  for (;;) {
    const sample = await turns.inTurn(turns.measure);
    if (condition?.test(valuesMeantBy(turns.device, sample)) === true) {
      return { done: "confirmed", reason: condition.text };
    }
    const leftMs = startMs + withinMs - turns.clock.bootMs();
    if (leftMs <= 0) {
      return { done: "unknown", reason: `"${condition?.text ?? ""}" did not hold within ${withinMs} ms` };
    }
    await turns.timers.sleep(Math.min(CONFIRM_EVERY_MS, leftMs));
  }
}

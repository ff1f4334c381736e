/**
 * Settings of and commands to a chip: what a write needs is measured in the same turn, the steps run once, and what came
 * of them is measured. Where that fails the outcome is "unknown", never a second try.
 */
import {
  type Command,
  type Condition,
  I2cAnswerError,
  type I2cConstants,
  type I2cConversation,
  type Setting,
} from "@pump-station/sensor-descriptions/model.ts";
import type { CommandOutcome, WriteOutcome } from "../outcome.ts";
import type { Sample } from "../reading.ts";
import { type Clock, PortError, type Timers } from "../world.ts";
import type { I2cDevice } from "./i2c-source.ts";
import { valuesMeantBy } from "./newest-values.ts";
import { isEqual, rawValue, whyUnfit } from "./setting-value.ts";
import type { DeviceSource } from "./source.ts";

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
  /** The constants as they are after a write. */
  readonly remember: (constants: I2cConstants) => void;
}

export function createI2cWriter(turns: I2cTurns): Pick<DeviceSource, "set" | "command"> {
  const { device } = turns;
  return {
    set: async (name, value) => {
      const setting = device.settings.find((candidate) => candidate.name === name);
      if (!setting) return { done: "refused", reason: `${device.name} has no setting ${name}` };
      const unfit = whyUnfit(setting, value);
      if (unfit !== undefined) return { done: "refused", reason: unfit };
      return turns.inTurn(() => writeSetting(turns, setting, value));
    },
    command: async (name) => {
      const command = device.commands.find((candidate) => candidate.name === name);
      if (!command) return { done: "refused", reason: `${device.name} has no command ${name}` };
      const outcome = await turns.inTurn(() => send(turns, command));
      return outcome.done === "answered" && command.confirm ? confirm(turns, command) : outcome;
    },
  };
}

async function writeSetting(turns: I2cTurns, setting: Setting, value: number): Promise<WriteOutcome> {
  const { device, measure } = turns;
  const before = await measure();
  const current = rawValue(device, before, setting.readBack);
  if (typeof current === "string")
    return { done: "interlocked", reason: `read ${setting.readBack} before writing: ${current}` };
  if (isEqual(device, setting, current, value)) return { done: "applied", value: current };
  const held = whyHeld(turns, setting.onlyWhen, before);
  if (held !== undefined) return { done: "interlocked", reason: held, value: current };

  const written = await write(turns, setting, value);
  const readBack = rawValue(device, await measure(), setting.readBack);
  if (typeof readBack === "string") return { done: "unknown", reason: `${written}; read back: ${readBack}` };
  if (isEqual(device, setting, readBack, value)) return { done: "applied", value: readBack };
  return { done: "refused", reason: `${written}; it reads back ${readBack}`, value: readBack };
}

/** What came of the steps, in words. */
async function write({ device, prepared, converse, forget, remember }: I2cTurns, { name }: Setting, value: number) {
  const written = await outcomeOf(async () => {
    const conversation = device.protocol.set?.(name, value, await prepared());
    if (conversation) remember(await converse(conversation));
  });
  // Nobody knows in which state the chip was left.
  if ("reason" in written) forget();
  return "reason" in written ? written.reason : ACKNOWLEDGED;
}

const ACKNOWLEDGED = "the chip acknowledged every transfer";

/** Why an interlock keeps us from writing; undefined when it doesn't. A value that is missing keeps us, too. */
function whyHeld({ device }: I2cTurns, onlyWhen: Condition | undefined, sample: Sample): string | undefined {
  const holds = onlyWhen?.test(valuesMeantBy(device, sample));
  if (!onlyWhen || holds === true) return undefined;
  const why = holds === false ? "does not hold" : "can't be judged, a value is missing";
  return `only when ${onlyWhen.text}: ${why}`;
}

async function send(turns: I2cTurns, command: Command): Promise<CommandOutcome> {
  const { device, prepared, converse, forget } = turns;
  const held = command.onlyWhen && whyHeld(turns, command.onlyWhen, await turns.measure());
  if (held !== undefined) return { done: "interlocked", reason: held };
  const ready = await outcomeOf(prepared);
  if ("reason" in ready) return { done: "interlocked", reason: `prepare: ${ready.reason}` };
  const conversation = device.protocol.command?.(command.name, ready.value);
  if (!conversation) return { done: "refused", reason: `${device.name} has no command ${command.name}` };
  const sent = await outcomeOf(() => converse(conversation));
  forget();
  return "reason" in sent ? { done: "unknown", reason: sent.reason } : { done: "answered", reason: ACKNOWLEDGED };
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

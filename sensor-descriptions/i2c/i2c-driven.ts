/** Conversations against answers that are there at once: examples and their explanations. */
import type { I2cConversation, I2cProtocol, I2cStep, Values } from "../model.ts";

/** What an example of a chip shows, always from the chip's identification on. */
export type I2cAct =
  | { readonly kind: "transfers" }
  | { readonly kind: "set"; readonly setting: string; readonly value: number }
  | { readonly kind: "command"; readonly command: string };

/** The values that are measured; of a setting or command none. */
export function* wholeConversation(protocol: I2cProtocol, act: I2cAct): I2cConversation<Values> {
  const constants = yield* protocol.prepare();
  if (act.kind === "transfers") return yield* protocol.measure(constants);
  if (act.kind === "set" && protocol.set) yield* protocol.set(act.setting, act.value, constants);
  if (act.kind === "command" && protocol.command) yield* protocol.command(act.command, constants);
  return new Map();
}

/** An `until` adds a step for each look; conversations that don't end are no examples. */
const STEPS_MAX = 1_000;

/** `answer` gives what a transfer reads, and is told of waits. Throws Error when the conversation doesn't end. */
export function driven<T>(conversation: I2cConversation<T>, answer: (step: I2cStep) => Uint8Array): T {
  let state = conversation.next();
  for (let steps = 0; !state.done; steps++) {
    if (steps > STEPS_MAX) throw new Error("the conversation doesn't end");
    state = conversation.next(answer(state.value));
  }
  return state.value;
}

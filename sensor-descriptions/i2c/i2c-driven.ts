/** Runs a conversation against answers that are there at once: examples and their explanations. */
import type { I2cConversation, I2cStep } from "../model.ts";

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

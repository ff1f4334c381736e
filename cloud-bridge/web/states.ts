/** Names and colours of states. Pure. */
import type { StreamChannel } from "../api/contract.ts";

/** A number that the description doesn't name is shown as the number. */
export const stateName = (channel: StreamChannel, state: number): string =>
  channel.states?.[String(state)] ?? `state ${state}`;

const BAD = /fault|error|fail|alarm|trip|emergency|blocked/;
const RESTING = /idle|off|stop|closed|standby|ready|none/;
const TONES = ["tone-a", "tone-b", "tone-c", "tone-d"] as const;

export type Tone = (typeof TONES)[number] | "tone-rest" | "tone-bad" | "tone-unknown";

/** What sounds like trouble is red and what rests is grey; the others get the tones in the order of their numbers. */
export function stateTone(channel: StreamChannel, state: number): Tone {
  const name = channel.states?.[String(state)];
  if (name === undefined) return "tone-unknown";
  const tone = toneByName(name);
  if (tone) return tone;
  const others = Object.entries(channel.states ?? {})
    .filter(([, other]) => toneByName(other) === undefined)
    .map(([key]) => Number(key))
    .sort((a, b) => a - b);
  return TONES[others.indexOf(state) % TONES.length] ?? "tone-unknown";
}

const toneByName = (name: string): Tone | undefined =>
  BAD.test(name) ? "tone-bad" : RESTING.test(name) ? "tone-rest" : undefined;

/** How the devices of one description have answered lately: what a trial is judged by. */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { TRIAL_POLLS } from "../limits.ts";
import { type ChannelValue, isMissing, type MissingReason, type Sample } from "../reading.ts";

/** "silent": missing for a reason of the conversation or of the decoding. */
export type ChannelState = "good" | "implausible" | "silent";

export interface DeviceAnswers {
  readonly type: string;
  /** All, and those of them that brought a value of any channel. */
  readonly polls: number;
  readonly good: number;
  /** By the newest ten polls: what holds for at least half of them. */
  readonly channels: ReadonlyMap<string, ChannelState>;
  /** Why channels that aren't good aren't: "timeout 10 of 10". */
  readonly reasons: ReadonlyMap<string, string>;
}

export type Answers = ReadonlyMap<string, DeviceAnswers>;

export interface AnswerLog {
  take(device: Device, sample: Sample): void;
  /** Devices that were never polled are left out. */
  answers(): Answers;
}

type Heard = "value" | MissingReason;

interface Memory {
  readonly device: Device;
  polls: number;
  good: number;
  /** Of the newest polls, each with an entry per channel. */
  readonly newest: Heard[][];
}

/** Takes samples of this station's own device objects only: a poll that was under way when it was replaced is another's. */
export function createAnswerLog(station: Station): AnswerLog {
  const memories = new Map<Device, Memory>();
  return {
    take: (device, sample) => {
      if (!station.devices.includes(device)) return;
      const heard = device.channels.map((_, at) => heardIn(sample.values[at]));
      // A device that is known to be switched off was not asked.
      if (heard.every((one) => one === "device-off")) return;
      const memory = memories.get(device) ?? { device, polls: 0, good: 0, newest: [] };
      memories.set(device, memory);
      memory.polls++;
      if (heard.some((one) => stateOf(one) === "good")) memory.good++;
      memory.newest.push(heard);
      if (memory.newest.length > TRIAL_POLLS) memory.newest.shift();
    },
    answers: () => new Map([...memories.values()].map((memory) => [memory.device.name, answersOf(memory)])),
  };
}

const heardIn = (value: ChannelValue | undefined): Heard =>
  value === undefined ? "malformed" : isMissing(value) ? value.missing : "value";

/** A sensor that says that its probe is unplugged has answered, and a value that is as before is a value. */
const ANSWERED: ReadonlySet<Heard> = new Set(["value", "unchanged", "no-sensor", "device-off"]);
const stateOf = (heard: Heard): ChannelState =>
  ANSWERED.has(heard) ? "good" : heard === "implausible" ? "implausible" : "silent";

function answersOf({ device, polls, good, newest }: Memory): DeviceAnswers {
  const channels = new Map<string, ChannelState>();
  const reasons = new Map<string, string>();
  for (const [at, { name }] of device.channels.entries()) {
    const heard = newest.map((poll) => poll[at] ?? "malformed");
    const state = stateOfMost(heard);
    channels.set(name, state);
    if (state !== "good") reasons.set(name, mostOf(heard));
  }
  return { type: device.type, polls, good, channels, reasons };
}

function stateOfMost(heard: readonly Heard[]): ChannelState {
  const count = (states: readonly ChannelState[]): number =>
    heard.filter((one) => states.includes(stateOf(one))).length;
  if (2 * count(["good"]) >= heard.length) return "good";
  return 2 * count(["good", "implausible"]) >= heard.length ? "implausible" : "silent";
}

/** "timeout 10 of 10": the reason met most often. */
function mostOf(heard: readonly Heard[]): string {
  const counts = new Map<Heard, number>();
  for (const one of heard) if (stateOf(one) !== "good") counts.set(one, (counts.get(one) ?? 0) + 1);
  const [reason, count] = [...counts].reduce((most, other) => (other[1] > most[1] ? other : most));
  return `${reason} ${count} of ${heard.length}`;
}

/** For a file of state; `answersFrom` reads it back, and takes nothing that isn't whole. */
export const storedAnswers = (answers: Answers): unknown =>
  [...answers].map(([device, { type, polls, good, channels }]) => ({
    device,
    type,
    polls,
    good,
    channels: [...channels],
  }));

export function answersFrom(stored: unknown): Answers {
  const answers = new Map<string, DeviceAnswers>();
  for (const entry of Array.isArray(stored) ? (stored as Partial<Record<string, unknown>>[]) : []) {
    const { device, type, polls, good, channels } = entry;
    if (typeof device !== "string" || typeof type !== "string" || typeof polls !== "number") continue;
    if (typeof good !== "number" || !Array.isArray(channels)) continue;
    answers.set(device, {
      type,
      polls,
      good,
      channels: new Map(channels as [string, ChannelState][]),
      reasons: new Map(),
    });
  }
  return answers;
}

/**
 * A device that nobody has written physics for: it holds a value per channel, wanders a little around the middle of
 * each range, and keeps what is set.
 */
import type { Channel, Device, Values } from "@pump-station/sensor-descriptions/model.ts";
import type { BaseboardBehaviour } from "../hardware/baseboard.ts";
import { drift, type Noise } from "./noise.ts";
import { onGrid } from "./pump-behaviour.ts";

const REFUSED_UNKNOWN = 1;
/** How far it wanders, as a share of the range. */
const WANDER = 0.02;

export function createSteadyBehaviour(deps: {
  readonly device: Pick<Device, "channels" | "settings" | "commands">;
  readonly noise: Noise;
  readonly nowMs: () => number;
}): BaseboardBehaviour {
  const set = new Map<string, number>();
  const { channels, settings, commands } = deps.device;
  const measured = (channel: Channel, track: number): number => {
    if (channel.kind === "state") return [...(channel.states?.keys() ?? [])][0] ?? 0;
    if (channel.kind === "counter") return 0;
    const { low, high } = channel.range ?? { low: 0, high: 100 * channel.resolution };
    const wander = WANDER * drift(deps.noise, 100 + track, deps.nowMs(), 20_000);
    return onGrid(low + (high - low) * (0.5 + wander), channel.resolution);
  };
  return {
    read: (): Values => new Map(channels.map((it, track) => [it.name, set.get(it.name) ?? measured(it, track)])),
    set: (name, value) => {
      const setting = settings.find((it) => it.name === name);
      if (!setting) return REFUSED_UNKNOWN;
      set.set(setting.readBack, value);
      return undefined;
    },
    command: (name) => (commands.some((it) => it.name === name) ? undefined : REFUSED_UNKNOWN),
  };
}

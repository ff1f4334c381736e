/** Device files with `protocol: levels`: a door contact, a float switch. */
import type * as z from "zod";
import { say } from "../messages.ts";
import type { levelsShape } from "../schema/levels.ts";
import type { ChannelSpec, LevelSpec } from "../spec.ts";
import { channelOf, type MeaningShape } from "./channels.ts";
import type { BuiltSpec, Surroundings } from "./device-type.ts";
import { formulaNames, formulaStates, knowingStates } from "./judge.ts";

export function levelSpec(shape: z.output<typeof levelsShape>, around: Surroundings): BuiltSpec {
  const { channels } = levelChannels(shape.channels, around);
  const { active, pull, debounce } = shape.levels;
  const spec: LevelSpec = {
    protocol: "levels",
    active,
    ...(pull ? { pull } : {}),
    debounceMs: debounce,
    channels,
    given: around.given,
  };
  return { spec, channels: channels.map(({ channel }) => channel), settings: [], commands: [] };
}

export interface LevelChannels {
  readonly channels: readonly ChannelSpec[];
  /** The channel that is the pin's level itself: the one with states and no formula. */
  readonly own?: ChannelSpec;
}

/** A channel with states is the pin's own; others compute from `level`. */
export function levelChannels(shapes: Readonly<Record<string, MeaningShape>>, around: Surroundings): LevelChannels {
  const judge = knowingStates(around.judge, formulaStates(shapes));
  const { given } = around;
  const names = formulaNames(["level"], Object.keys(shapes), given.keys());
  let own: ChannelSpec | undefined;
  const channels = Object.entries(shapes).flatMap(([name, shape]): ChannelSpec[] => {
    const at = ["channels", name];
    const isOwn = shape.formula === undefined;
    if (isOwn && !shape.states) judge.report(at, say.levelNeedsStates(name), "key");
    if (isOwn && !shape.states) return [];
    const formula = judge.formula([...at, "formula"], shape.formula ?? "level", names, given);
    const channel = channelOf(judge, at, name, shape, undefined);
    const states = [...(channel.states ?? new Map<number, string>()).keys()];
    if (isOwn && states.sort().join() !== "0,1") judge.report([...at, "states"], say.levelStates(), "key");
    if (!formula) return [];
    const made: ChannelSpec = { channel, source: { from: "formula", formula } };
    if (isOwn) own ??= made;
    return [made];
  });
  return { channels, ...(own ? { own } : {}) };
}

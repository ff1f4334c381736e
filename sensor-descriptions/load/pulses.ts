/** Device files with `protocol: pulses`: a contact that closes once per tip, litre, turn. */
import type * as z from "zod";
import { say } from "../messages.ts";
import type { pulsesShape } from "../schema/pulses.ts";
import type { ChannelSpec, PulseSpec } from "../spec.ts";
import { channelOf } from "./channels.ts";
import type { BuiltSpec, Surroundings } from "./device-type.ts";
import { formulaNames } from "./judge.ts";

/** What formulas may use: pulses in all, since the sample before, and the seconds between. */
const COUNTED = ["total", "since", "seconds"];

export function pulseSpec(shape: z.output<typeof pulsesShape>, { judge, given }: Surroundings): BuiltSpec {
  const names = formulaNames(COUNTED, Object.keys(shape.channels), given.keys());
  const channels = Object.entries(shape.channels).flatMap(([name, channel]): ChannelSpec[] => {
    const at = ["channels", name];
    if (channel.formula === undefined) judge.report(at, say.missingKey("formula", `"${name}"`), "key");
    if (channel.formula === undefined) return [];
    const formula = judge.formula([...at, "formula"], channel.formula, names, given);
    const meaning = channelOf(judge, at, name, channel, undefined);
    return formula ? [{ channel: meaning, source: { from: "formula", formula } }] : [];
  });
  const { edge, pull, debounce } = shape.pulses;
  const spec: PulseSpec = {
    protocol: "pulses",
    edge,
    ...(pull ? { pull } : {}),
    debounceMs: debounce,
    channels,
    given,
  };
  return { spec, channels: channels.map(({ channel }) => channel), settings: [], commands: [] };
}

/** Device files with `protocol: pulses`: a contact that closes once per tip, litre, turn. */
import type * as z from "zod";
import { say } from "../messages.ts";
import { spokenDuration } from "../quantities.ts";
import type { pulsesShape } from "../schema/pulses.ts";
import type { ChannelSpec, PulseSpec } from "../spec.ts";
import { channelOf } from "./channels.ts";
import type { BuiltSpec, Surroundings } from "./device-type.ts";
import { formulaNames, type Judge } from "./judge.ts";

/** What formulas may use: pulses in all, since the sample before, and the seconds between. */
const COUNTED = ["total", "since", "seconds"];

type PulsesShape = z.output<typeof pulsesShape>;

export function pulseSpec(shape: PulsesShape, { judge, given }: Surroundings): BuiltSpec {
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
  const rate = rateOf(shape.pulses, judge);
  const spec: PulseSpec = {
    protocol: "pulses",
    edge,
    ...(pull ? { pull } : {}),
    debounceMs: debounce,
    ...(rate ? { rate } : {}),
    channels,
    given,
  };
  return { spec, channels: channels.map(({ channel }) => channel), settings: [], commands: [] };
}

/** Pulses that come faster than the debounce can count look plausible to nobody: the two must fit each other. */
function rateOf({ rate, debounce }: PulsesShape["pulses"], judge: Judge): PulseSpec["rate"] {
  const at = ["pulses", "rate"];
  const hertz = judge.range(at, rate, "Hz");
  if (hertz && rate && hertz.low < 0) judge.report(at, say.outOfRange(rate.text, "0", "any rate"));
  if (hertz && debounce > 0 && hertz.high > 1000 / debounce)
    judge.report(at, say.rateBeyondDebounce(spokenDuration(debounce), 1000 / debounce));
  return hertz;
}

/** Device files with `protocol: outputs`: a relay, a valve, the supply of a sensor. */
import type * as z from "zod";
import { say } from "../messages.ts";
import type { Channel, Command, Level, OutputSet, Setting } from "../model.ts";
import { spokenDuration } from "../quantities.ts";
import type { outputsShape } from "../schema/outputs.ts";
import type { OutputSpec } from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import type { BuiltSpec, Surroundings } from "./device-type.ts";
import type { Judge } from "./judge.ts";
import { levelChannels } from "./levels.ts";
import type { Path } from "./source-document.ts";

type OutputsShape = z.output<typeof outputsShape>;

export function outputSpec(shape: OutputsShape, around: Surroundings): BuiltSpec {
  const { judge, given } = around;
  const { channels, own } = levelChannels(shape.channels, around);
  if (!own) judge.report(["channels"], say.outputNeedsState(), "key");
  const all = channels.map(({ channel }) => channel);
  const { active, "at-most": atMostMs } = shape.outputs;
  const safe = stateAt(judge, ["outputs", "safe"], shape.outputs.safe, own?.channel);
  const spec: OutputSpec = {
    protocol: "outputs",
    active,
    safe: safe ?? 0,
    atMostMs,
    sets: setsOf(judge, shape, own?.channel, safe, atMostMs),
    channels,
    given,
  };
  return {
    spec,
    channels: all,
    settings: settingsOf(judge, shape, all, own?.channel),
    commands: commandsOf(judge, shape, all),
  };
}

/** The level behind a state's name; undefined with its problem reported. */
function stateAt(judge: Judge, at: Path, text: string, channel: Channel | undefined): Level | undefined {
  if (!channel?.states) return undefined;
  const names = [...channel.states.values()];
  for (const [number, name] of channel.states) if (name === text) return number === 1 ? 1 : 0;
  judge.report(at, say.wrongChoice(text, names, nearestWord(text, names)));
  return undefined;
}

function setsOf(
  judge: Judge,
  shape: OutputsShape,
  own: Channel | undefined,
  safe: Level | undefined,
  atMostMs: number,
): Map<string, OutputSet> {
  const sets = new Map<string, OutputSet>();
  for (const [name, command] of Object.entries(shape.commands ?? {})) {
    const at = ["commands", name];
    const level = stateAt(judge, [...at, "set"], command.set, own);
    const forMs = command.for;
    if (forMs !== undefined && forMs > atMostMs)
      judge.report([...at, "for"], say.longerThanAtMost(spokenDuration(forMs), spokenDuration(atMostMs)));
    if (forMs !== undefined && level !== undefined && level === safe)
      judge.report([...at, "for"], say.safeForAWhile(command.set));
    if (level !== undefined) sets.set(name, { level, ...(forMs === undefined ? {} : { forMs }) });
  }
  return sets;
}

function settingsOf(
  judge: Judge,
  shape: OutputsShape,
  channels: readonly Channel[],
  own: Channel | undefined,
): Setting[] {
  return Object.entries(shape.settings ?? {}).flatMap(([name, setting]): Setting[] => {
    const at = ["settings", name];
    const readBack = setting["read-back"];
    const onlyWhen = judge.condition([...at, "only-when"], setting["only-when"], channels);
    const known = channels.map((channel) => channel.name);
    if (!known.includes(readBack)) {
      judge.report([...at, "read-back"], say.unknownChannel(readBack, nearestWord(readBack, known), known));
      return [];
    }
    if (own && readBack !== own.name) judge.report([...at, "read-back"], say.readBackOfOutput(own.name));
    return [{ name, readBack, unit: "", range: { low: 0, high: 1 }, step: 1, ...(onlyWhen ? { onlyWhen } : {}) }];
  });
}

const commandsOf = (judge: Judge, shape: OutputsShape, channels: readonly Channel[]): Command[] =>
  Object.entries(shape.commands ?? {}).map(([name, command]) => {
    const onlyWhen = judge.condition(["commands", name, "only-when"], command["only-when"], channels);
    return { name, withinMs: 0, ...(onlyWhen ? { onlyWhen } : {}) };
  });

/** Device files with `protocol: i2c`: a chip's conversation, step by step, and the formulas of its datasheet. */
import type * as z from "zod";
import { formulaName } from "../formula/formula.ts";
import type { I2cIdentity, I2cPecSpec, I2cSpec, I2cStepSpec } from "../i2c/i2c-spec.ts";
import { say } from "../messages.ts";
import type { Command } from "../model.ts";
import type { i2cShape } from "../schema/i2c.ts";
import type { ChannelSpec, Formula } from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import { channelOf, stepOf } from "./channels.ts";
import { commandOf } from "./controls.ts";
import type { BuiltSpec, Surroundings } from "./device-type.ts";
import { settingsOf } from "./i2c-settings.ts";
import { type Fields, fieldsAmong, isRepeatable, pecOf, type StepDefaults, stepsOf } from "./i2c-steps.ts";
import { formulaNames, formulaStates, knowingStates } from "./judge.ts";

type Shape = z.output<typeof i2cShape>;

export function i2cSpec(shape: Shape, outside: Surroundings): BuiltSpec {
  const around = { ...outside, judge: knowingStates(outside.judge, formulaStates(shape.channels)) };
  const defaults = defaultsOf(shape);
  const setUp = stepsOf(around, ["set-up"], shape["set-up"] ?? [], defaults, []);
  const constants = stepsOf(around, ["constants"], shape.constants ?? [], defaults, []);
  const known = fieldsAmong(constants).map(({ name }) => name);
  const measure = stepsOf(around, ["measure"], shape.measure, defaults, known);
  const fields = fieldsAmong([...constants, ...measure]);
  const lets = letsOf(around, shape, fields);
  const names = Object.keys(shape.channels);
  const scope = formulaNames(
    fields.map(({ name }) => name),
    Object.keys(shape.let ?? {}),
    names,
    around.given.keys(),
  );
  const channels = names.flatMap((name) => channelSpec(around, name, shape, fields, scope));
  const settings = settingsOf(around, shape, defaults, { channels, fields, constants: known });
  const commands = commandsOf(around, shape, channels, known);
  const spec: I2cSpec = {
    protocol: "i2c",
    identify: (shape.identify ?? []).map((identity, index) =>
      identityOf(around, index, identity, pecOf(around, shape.pec === true)),
    ),
    setUp,
    constants,
    measure,
    settings: settings.map(({ setting, steps }) => ({ name: setting.name, steps })),
    commands: commands.map(({ command, steps }) => ({ name: command.name, steps })),
    lets,
    channels,
  };
  return {
    spec,
    channels: channels.map(({ channel }) => channel),
    settings: settings.map(({ setting }) => setting),
    commands: commands.map(({ command }) => command),
  };
}

const defaultsOf = (shape: Shape): StepDefaults => ({
  order: shape["byte-order"] ?? "big-endian",
  pec: shape.pec === true,
});

function identityOf(
  { judge }: Surroundings,
  index: number,
  { write, expect, mask }: NonNullable<Shape["identify"]>[number],
  pec: I2cPecSpec | undefined,
): I2cIdentity {
  const [first = new Uint8Array(), ...or] = expect;
  if (mask && mask.length !== first.length) {
    judge.report(["identify", index, "mask"], say.maskLength(mask.length, first.length));
  }
  const read = first.length + 1;
  if (pec && write.length > 0 && !isRepeatable(write.length, read))
    judge.report(["identify", index, "expect"], say.repeatedStart(write.length, read));
  return {
    write,
    expect: first,
    ...(or.length > 0 ? { or } : {}),
    ...(mask ? { mask } : {}),
    ...(pec ? { pec } : {}),
  };
}

function commandsOf(
  around: Surroundings,
  shape: Shape,
  channels: readonly ChannelSpec[],
  known: readonly string[],
): { command: Command; steps: I2cStepSpec[] }[] {
  const all = channels.map(({ channel }) => channel);
  return Object.entries(shape.commands ?? {}).map(([name, command]) => ({
    command: commandOf(around.judge, name, command, all),
    steps: stepsOf(around, ["commands", name, "steps"], command.steps, defaultsOf(shape), known),
  }));
}

function letsOf(around: Surroundings, shape: Shape, fields: Fields): { name: string; formula: Formula }[] {
  const known = formulaNames(
    fields.map(({ name }) => name),
    around.given.keys(),
  );
  return Object.entries(shape.let ?? {}).flatMap(([name, text]) => {
    const formula = around.judge.formula(["let", name], text, known, around.given);
    // Known from here on even when it is wrong: one mistake, one message.
    known.add(name);
    return formula ? [{ name, formula }] : [];
  });
}

function channelSpec(
  around: Surroundings,
  name: string,
  shape: Shape,
  fields: Fields,
  scope: ReadonlySet<string>,
): ChannelSpec[] {
  const { judge, given } = around;
  const at = ["channels", name];
  const channel = shape.channels[name] ?? {};
  if ((channel.field === undefined) === (channel.formula === undefined)) {
    judge.report(at, say.fieldOrFormula(), "key");
    return [];
  }
  const known = fields.map((field) => field.name);
  const field = fields.find((candidate) => candidate.name === channel.field);
  if (channel.field !== undefined && !field) {
    judge.report([...at, "field"], say.unknownName(channel.field, nearestWord(channel.field, known), known));
    return [];
  }
  const formula = judge.formula([...at, "formula"], channel.formula ?? formulaName(channel.field ?? ""), scope, given);
  const meaning = channelOf(judge, at, name, channel, field && "field" in field ? stepOf(field.field) : undefined);
  return formula ? [{ channel: meaning, source: { from: "formula", formula } }] : [];
}
